"""What must not break, by the numbers of docs/reliability.md; faults that have a test elsewhere are linked there."""

from __future__ import annotations

import errno
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import offbook
from offbook import pipeline
from offbook.cli.main import main
from offbook.core import rundir
from offbook.core.config import load
from offbook.core.errors import OffbookError, UsageError
from offbook.core.report import Silent
from offbook.core.rundir import RunDir, exclusive, write_json
from offbook.core.types import Turn
from offbook.model.load import load_model, load_tokenizer
from offbook.text import template as templates
from offbook.text.template import ChatTemplate
from offbook.track import guest as guests
from offbook.track.guest import Guest
from offbook.track.metrics import read
from offbook.train import checkpoint
from tests.tiny import chatml_tokenizer, tiny_folder

MIB = 2**20


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a disk of so many bytes."""
    mounted = []

    def mount(size: int) -> Path:
        folder = tmp_path / "disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this user may not mount a small disk")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)


class Ears(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, text: str) -> None:
        self.heard.append(text)


def adapter_bytes(run: RunDir) -> bytes:
    return (run.adapter / "adapter_model.safetensors").read_bytes()


@pytest.fixture
def unfinished(trained: Path, runs: Path) -> RunDir:
    """The finished run as it was just before its adapter appeared."""
    shutil.copytree(trained, runs / "tiny")
    shutil.rmtree(runs / "tiny" / "adapter")
    return RunDir(runs / "tiny")


def fill(folder: Path, leave: int) -> Path:
    """Fill a disk up to `leave` bytes."""
    filler = folder / "filler"
    free = shutil.disk_usage(folder).free
    filler.write_bytes(bytes(max(free - leave, 0)))
    return filler


@pytest.mark.parametrize("leave", [0, 60_000, 150_000])
def test_3_a_disk_that_fills_up_keeps_what_was_saved(
    small_disk: Callable[[int], Path], settings: Any, trained: Path, monkeypatch: pytest.MonkeyPatch, leave: int
) -> None:
    """Room for nothing at all, for half an adapter, for half an optimizer."""
    disk = small_disk(56 * MIB)
    monkeypatch.setenv("OFFBOOK_RUNS", str(disk))

    class Filler(Ears):
        def step(self, step: int, *rest: Any) -> None:
            if step == 7:
                fill(disk, leave)

    with pytest.raises(OffbookError, match="the disk is full") as failure:
        offbook.train(load(None, settings), reporter=Filler())
    assert failure.value.exit_code == 1
    assert f"MiB are free in {disk / 'tiny'}, a checkpoint takes 0.3 MiB: 0." in failure.value.what
    run = RunDir(disk / "tiny")
    assert checkpoint.newest(run.checkpoints) == (run.checkpoints / "step-000005", [])
    (disk / "filler").unlink()
    offbook.train(load(None, settings), resume=True)
    assert adapter_bytes(run) == adapter_bytes(RunDir(trained))


def test_4_too_small_a_disk_is_refused_before_the_first_step(
    small_disk: Callable[[int], Path], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = small_disk(20 * MIB)
    monkeypatch.setenv("OFFBOOK_RUNS", str(disk))
    with pytest.raises(UsageError, match=r"the run needs 51\.\d MiB on disk, (19\.\d|20\.0) MiB are free in"):
        offbook.train(load(None, settings))
    assert not (disk / "tiny" / "run.yaml").exists()


@pytest.mark.parametrize("kind", ["flipped", "deleted"])
def test_6_7_a_damaged_checkpoint_costs_time_and_no_bit(
    unfinished: RunDir, settings: Any, trained: Path, kind: str
) -> None:
    newest = sorted(unfinished.checkpoints.iterdir())
    for folder in newest[1:]:
        state = folder / "optimizer.pt"
        content = bytearray(state.read_bytes())
        content[len(content) // 2] ^= 1
        state.write_bytes(content) if kind == "flipped" else state.unlink()
    ears = Ears()
    offbook.train(load(None, settings), resume=True, reporter=ears)
    said = [text for text in ears.heard if "optimizer.pt" in text]
    assert len(said) == len(newest) - 1
    assert all(text.endswith(f"going on from {newest[0].name}.") for text in said)
    assert adapter_bytes(unfinished) == adapter_bytes(RunDir(trained))


def test_6_with_no_whole_checkpoint_left_a_run_starts_over_and_says_so(
    unfinished: RunDir, settings: Any, trained: Path
) -> None:
    for folder in unfinished.checkpoints.iterdir():
        (folder / "rng_state.pth").unlink()
    ears = Ears()
    offbook.train(load(None, settings), resume=True, reporter=ears)
    assert sum("rng_state.pth is missing; starting from the beginning" in text for text in ears.heard) == 3
    assert adapter_bytes(unfinished) == adapter_bytes(RunDir(trained))


def test_8_a_read_only_place_is_refused_before_the_model_loads(
    small_disk: Callable[[int], Path], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = small_disk(MIB)
    (disk / "there").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    monkeypatch.setattr(pipeline, "open_job", lambda *args: pytest.fail("the model was loaded"))
    monkeypatch.setenv("OFFBOOK_RUNS", str(disk))
    for name in ("there", "absent"):
        with pytest.raises(UsageError, match=r"cannot write in .*: Read-only file system"):
            offbook.train(load(None, {**settings, "name": name}))


def test_10_a_tracker_does_not_inherit_the_lock(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a tracker that hangs would keep a killed run locked."""
    monkeypatch.setattr(guests, "COMMAND", [sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(guests, "FINISH_SECONDS", 0.1)
    run = RunDir(runs / "a")
    with exclusive(run, resume=False, overwrite=False):
        guest = Guest("hangs", {}, tmp_path / "log", Silent())
    with exclusive(run, resume=True, overwrite=False):
        assert guest._process.poll() is None
    guest.finish()


def test_12_the_second_ctrl_c_stops_at_once_and_loses_nothing(
    settings: Any, runs: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pipeline.forward.loss_sum
    ears = Ears()

    def interrupted(model: Any, batch: Any) -> Any:
        if (runs / "tiny" / "checkpoints" / "step-000005").exists():
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
        return whole(model, batch)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline.forward, "loss_sum", interrupted)
        with pytest.raises(KeyboardInterrupt):
            offbook.train(load(None, settings), reporter=ears)
    assert any("Press Ctrl-C again" in text for text in ears.heard)
    run = RunDir(runs / "tiny")
    assert checkpoint.newest(run.checkpoints) == (run.checkpoints / "step-000005", [])
    assert not run.writer.exists()
    offbook.train(load(None, settings), resume=True)
    assert adapter_bytes(run) == adapter_bytes(RunDir(trained))


def test_13_inexact_says_what_it_gives_up(unfinished: RunDir, settings: Any) -> None:
    told = {**settings, "train.learning_rate": 0.02}
    with pytest.raises(UsageError, match=r"train.learning_rate 0.01 → 0.02"):
        offbook.train(load(None, told), resume=True)
    ears = Ears()
    offbook.train(load(None, told), resume=True, allow_inexact=True, reporter=ears)
    assert any("train.learning_rate 0.01 → 0.02. What is given up: the final weights" in text for text in ears.heard)


def test_13_what_cannot_be_resumed_at_all_is_refused_even_inexactly(unfinished: RunDir, settings: Any) -> None:
    with pytest.raises(UsageError, match=r"does not fit: changed since: lora\.rank 8 → 4"):
        offbook.train(load(None, {**settings, "lora.rank": 4}), resume=True, allow_inexact=True)


def test_13_another_number_of_threads_is_a_change(
    unfinished: RunDir, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = pipeline.environment.arithmetic()
    monkeypatch.setattr(pipeline.environment, "arithmetic", lambda: {**now, "threads": 99})
    with pytest.raises(UsageError, match=rf"threads {now['threads']} → 99"):
        offbook.train(load(None, settings), resume=True)


def test_14_a_moved_run_goes_on(
    unfinished: RunDir, settings: Any, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(unfinished.checkpoints / "step-000025")
    unfinished.path.parent.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "elsewhere"))
    run = offbook.train(load(None, settings), resume=True)
    assert run.path.parent.name == "elsewhere"
    assert adapter_bytes(run) == adapter_bytes(RunDir(trained))


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_15_divergence_keeps_the_last_good_checkpoint(
    settings: Any, runs: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    whole = pipeline.forward.loss_sum
    fifth = runs / "tiny" / "checkpoints" / "step-000005"
    monkeypatch.setattr(
        pipeline.forward,
        "loss_sum",
        lambda model, batch: whole(model, batch) * (float(value) if fifth.exists() else 1.0),
    )
    with pytest.raises(OffbookError, match=rf"step 6 is {value} \(rows: .*lines.json:\d+") as failure:
        offbook.train(load(None, settings))
    assert failure.value.exit_code == 1
    assert checkpoint.newest(fifth.parent) == (fifth, [])


def test_17_a_kill_for_want_of_memory_is_recognised(
    unfinished: RunDir, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vmstat = tmp_path / "vmstat"
    monkeypatch.setattr(rundir, "VMSTAT", vmstat)
    advice = "--train.max_tokens_per_pass 1024"

    def warnings(kills: int, *, left: str | None = None, peak: int = 0) -> list[str]:
        """What the next start says after a writer that began at 4 kills."""
        vmstat.write_text(f"pgfault 7\noom_kill {kills}\n")
        if left:
            unfinished.writer.write_text(left)
        monkeypatch.setattr(pipeline, "open_job", lambda *args: pytest.fail("far enough"))
        unfinished.metrics.write_text(json.dumps({"step": 1, "memory_bytes": peak}) + "\n")
        ears = Ears()
        with pytest.raises(pytest.fail.Exception):
            offbook.train(load(None, settings), resume=True, reporter=ears)
        return [text for text in ears.heard if "memory ran out" in text]

    assert warnings(5) == []  # the last writer ended by itself
    assert warnings(4, left="123 4") == []  # it was killed, but not for memory
    assert advice in warnings(5, left="123 4")[0]
    assert advice in warnings(4, left="123 4", peak=2**60)[0]


def test_19_a_trackers_full_disk_is_a_warning(
    small_disk: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = small_disk(200_000)
    fill(disk, 20_000)
    monkeypatch.setattr(guests, "FINISH_SECONDS", 3.0)
    ears = Ears()
    settings = {"project": "p", "name": "n", "id": "x", "config": {}, "mode": "offline", "host": None}
    guest = Guest("swanlab", {**settings, "folder": str(disk)}, disk / "swanlab.log", ears)
    for step in range(2000):
        guest({"step": step, "loss": 1.0, "epoch": 0.5})
    began = time.monotonic()
    guest.finish()
    assert time.monotonic() - began < 10
    assert all(text.startswith("Warning: swanlab") for text in ears.heard)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xef\xbb\xbf" + b'[{"instruction": "a", "output": "b"}, 5]', "rows.json:2: not an object"),
        (b'{"instruction": "a", "output": "b"}\n{"instruction": "\xff\xfe\xfd"}\n', "rows.jsonl:2: bytes that are not"),
        (b'{"instruction": "a\x00", "output": "b"}\n', "rows.jsonl:1: bytes that are not"),
        ('[{"instruction": "你", "output": 3}]'.encode("gb18030"), "rows.json:1: "),
        (b'[{"instruction": "a", "output": NaN}]', "NaN"),
        (b'[{"instruction": "a", "instruction": "b", "output": "c"}]', "instruction"),
        (b"[" * 100_000, "nest"),
        (b'[{"instruction": "a", "output": "b"', "line 1"),
    ],
    ids=["mark", "bad-bytes", "nul", "gb18030-number", "nan", "twice", "deep", "cut"],
)
def test_20_21_bad_data_is_two_lines_and_exit_2(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str], content: bytes, said: str
) -> None:
    rows = tmp_path / ("rows.jsonl" if content.startswith(b"{") else "rows.json")
    rows.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        main(["check", "--data.source", str(rows), "--model.source", str(tiny)])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert rows.name in told and said in told
    assert len(told.strip().splitlines()) == 2 and "Traceback" not in told


class Payload:
    """A pickle that leaves a file behind when it is opened."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.canary),)


def test_23_a_folder_of_pickles_is_refused_and_never_opened(tmp_path: Path, settings: Any) -> None:
    canary = tmp_path / "canary"
    folder = tiny_folder(tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    for name in ("pytorch_model.bin", "model.pt", "training_args.bin"):
        (folder / name).write_bytes(pickle.dumps(Payload(canary)))
    with pytest.raises(UsageError, match="pickle"):
        load_model(folder)
    with pytest.raises(UsageError, match="pickle"):
        offbook.train(load(None, {**settings, "model.source": str(folder)}))
    assert not canary.exists()


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth"])
@pytest.mark.parametrize("forged", [False, True])
def test_23_a_pickle_in_a_checkpoint_never_runs(
    unfinished: RunDir, settings: Any, tmp_path: Path, name: str, forged: bool
) -> None:
    """Without its hash in the manifest the checkpoint does not count; with it, the file still holds only tensors."""
    canary = tmp_path / "canary"
    shutil.rmtree(unfinished.checkpoints / "step-000025")  # what comes after the last step needs no state
    newest = max(unfinished.checkpoints.iterdir())
    (newest / name).write_bytes(pickle.dumps(Payload(canary)))
    if forged:
        manifest = json.loads((newest / checkpoint.MANIFEST).read_text())
        manifest["files"][name] = checkpoint._facts_of(newest / name)
        write_json(newest / checkpoint.MANIFEST, manifest)
        with pytest.raises(OffbookError, match="more than numbers"):
            offbook.train(load(None, settings), resume=True)
    else:
        offbook.train(load(None, settings), resume=True)
    assert not canary.exists()


def test_23_a_run_writes_no_pickle_of_its_own(trained: Path) -> None:
    held = {path.name for path in trained.rglob("*") if path.suffix in {".bin", ".pt", ".pth", ".pkl"}}
    assert held == {"optimizer.pt", "scheduler.pt", "rng_state.pth"}


def test_25_code_in_a_model_folder_is_ignored(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    folder = tiny_folder(tmp_path / "with-code", "ernie")
    for name in ("config.json", "tokenizer_config.json"):
        told = json.loads((folder / name).read_text())
        parts = ("AutoConfig", "AutoModelForCausalLM", "AutoTokenizer")
        told["auto_map"] = dict.fromkeys(parts, "modeling_evil.Evil")
        (folder / name).write_text(json.dumps(told))
    (folder / "modeling_evil.py").write_text(f"import os\nos.mkdir({str(canary)!r})\n")
    assert type(load_model(folder)).__name__ == "Ernie4_5ForCausalLM"
    assert ChatTemplate(load_tokenizer(folder)).ending.token == "<|end_of_sentence|>"
    assert not canary.exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ cycler.__init__.__globals__.os.mkdir('{canary}') }}", "refuses"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "refuses"),
        ("{{ messages.append(messages[0]) }}", "refuses"),
        ("{% for a in range(10**9) %}{% endfor %}", "powers"),
        ("{{ 9**9**9 }}", "powers"),
        ("{% for a in range(1000000) %}{% endfor %}", "refuses"),
        (
            "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}"
            "{% endfor %}{% endfor %}",
            "did not end within 1 seconds",
        ),
        ("{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}", "refuses|did not end"),
        ("{% if %}", "refuses"),
    ],
    ids=["globals", "subclasses", "mutation", "power", "tower", "range", "loop", "recursion", "syntax"],
)
def test_26_a_hostile_template_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    monkeypatch.setattr(templates._RENDERING, "seconds", 1.0)
    tokenizer = chatml_tokenizer()
    tokenizer.chat_template = source.replace("{canary}", str(tmp_path / "canary"))
    began = time.monotonic()
    with pytest.raises(UsageError, match=said):
        ChatTemplate(tokenizer)
    assert time.monotonic() - began < 20
    assert not (tmp_path / "canary").exists()


def test_26_the_time_limit_costs_microseconds() -> None:
    """The tutorial's 3,729 rows are rendered about three times each."""
    began = time.process_time()
    for _ in range(10_000):
        with templates._RENDERING:
            pass
    assert time.process_time() - began < 0.5
    assert ChatTemplate(chatml_tokenizer()).render([Turn("user", "x")], generation_prompt=True).endswith("assistant\n")


@pytest.mark.parametrize("damage", ["cut", "header", "empty", "huge-header"])
def test_28_damaged_weights_are_named(tmp_path: Path, damage: str) -> None:
    folder = tiny_folder(tmp_path / "damaged")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    content = {
        "cut": whole[: len(whole) // 2],
        "header": whole[:20] + b"\xff" + whole[21:],
        "empty": b"",
        "huge-header": (2**62).to_bytes(8, "little") + whole[8:],
    }[damage]
    weights.write_bytes(content)
    with pytest.raises(UsageError, match=str(folder)):
        load_model(folder)


def test_a_run_that_lacks_only_its_ending_trains_no_step_more(
    unfinished: RunDir, settings: Any, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.StepTrainer, "training_step", lambda *args: pytest.fail("a step was trained"))
    before = read(unfinished.metrics)
    offbook.train(load(None, settings), resume=True)
    assert adapter_bytes(unfinished) == adapter_bytes(RunDir(trained))
    assert read(unfinished.metrics) == before


def test_a_folder_that_made_way_comes_back(tmp_path: Path) -> None:
    """A writer died between the renames of `whole_folder`."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "file").write_text("old")
    target.rename(tmp_path / ".old-target")
    with pytest.raises(RuntimeError), rundir.whole_folder(target):
        raise RuntimeError
    assert (target / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_disk_that_fails_is_told_without_a_traceback(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(rundir, "sync", broken)
    with pytest.raises(OffbookError, match=r"the disk failed: .*Input/output error"):
        offbook.train(load(None, settings))
