"""Rows, models, templates and adapters that nobody should trust (faults 20 to 29)."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

import offbook
from offbook.cli.main import main
from offbook.core.atomic import atomic_write_json
from offbook.core.config.loading import load
from offbook.core.errors import OffbookError, UsageError
from offbook.core.rundir import RunDir
from offbook.core.types import Turn
from offbook.models.load import load_model, load_tokenizer
from offbook.tokenization import chat_template as templates
from offbook.tokenization.chat_template import ChatTemplate
from offbook.training import checkpoint
from tests.tiny import chatml_tokenizer, tiny_folder, tiny_model


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"\xef\xbb\xbf" + b'[{"instruction": "a", "output": "b"}, 5]', "rows.json:2: not an object"),
        (b'{"instruction": "a", "output": "b"}\n{"instruction": "\xff\xfe\xfd"}\n', "rows.jsonl:2: not UTF-8 text"),
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
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str], content: bytes, texts: str
) -> None:
    rows = tmp_path / ("rows.jsonl" if content.startswith(b"{") else "rows.json")
    rows.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        main(["check", "--data.source", str(rows), "--model.source", str(tiny)])
    output = capsys.readouterr().err
    assert ended.value.code == 2
    assert rows.name in output
    assert texts in output
    stages = ("Starting", "Reading ")
    assert len([line for line in output.splitlines() if not line.startswith(stages)]) == 2
    assert "Traceback" not in output


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


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt"])
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
        manifest["files"][name] = checkpoint.file_digest_of(newest / name)
        atomic_write_json(newest / checkpoint.MANIFEST, manifest)
        with pytest.raises(OffbookError, match="more than numbers"):
            offbook.train(load(None, settings), resume=True)
    else:
        offbook.train(load(None, settings), resume=True)
    assert not canary.exists()


def test_23_a_run_writes_no_pickle_of_its_own(trained: Path) -> None:
    held = {path.name for path in trained.rglob("*") if path.suffix in {".bin", ".pt", ".pth", ".pkl"}}
    assert held == {"optimizer.pt", "scheduler.pt"}


def test_25_code_in_a_model_folder_is_ignored(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    folder = tiny_folder(tmp_path / "with-code", "ernie")
    for name in ("config.json", "tokenizer_config.json"):
        output = json.loads((folder / name).read_text())
        parts = ("AutoConfig", "AutoModelForCausalLM", "AutoTokenizer")
        output["auto_map"] = dict.fromkeys(parts, "modeling_evil.Evil")
        (folder / name).write_text(json.dumps(output))
    (folder / "modeling_evil.py").write_text(f"import os\nos.mkdir({str(canary)!r})\n")
    assert type(load_model(folder)).__name__ == "Ernie4_5ForCausalLM"
    assert ChatTemplate(load_tokenizer(folder)).stop_token.token == "<|end_of_sentence|>"
    assert not canary.exists()


@pytest.mark.parametrize(
    ("source", "texts"),
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, texts: str
) -> None:
    monkeypatch.setattr(templates._RENDERING, "seconds", 1.0)
    tokenizer = chatml_tokenizer()
    tokenizer.chat_template = source.replace("{canary}", str(tmp_path / "canary"))
    began = time.monotonic()
    with pytest.raises(UsageError, match=texts):
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
    original = weights.read_bytes()
    content = {
        "cut": original[: len(original) // 2],
        "header": original[:20] + b"\xff" + original[21:],
        "empty": b"",
        "huge-header": (2**62).to_bytes(8, "little") + original[8:],
    }[damage]
    weights.write_bytes(content)
    with pytest.raises(UsageError, match=str(folder)):
        load_model(folder)


def spoiled(adapter: Path, folder: Path, rank: int) -> Path:
    """A copy of the adapter whose config tells another rank than its tensors have."""
    shutil.copytree(adapter, folder)
    output = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**output, "r": rank}))
    return folder


def test_29_an_adapter_that_is_not_what_its_config_says_is_named(
    trained: Path, tiny: Path, tmp_path: Path, settings: Any
) -> None:
    folder = spoiled(trained / "adapter", tmp_path / "spoiled", rank=4)
    with pytest.raises(UsageError, match=f"the adapter in {folder} does not fit this base model"):
        offbook.load(folder, base_model=str(tiny))
    with pytest.raises(UsageError, match=f"the adapter in {folder} does not fit this base model"):
        offbook.train(load(None, {**settings, "model.adapter": str(folder)}))


def test_29_a_base_with_another_vocabulary_is_refused(trained: Path, tiny: Path, tmp_path: Path) -> None:
    """Its LoRA tensors would fit: that the weights are others is seen by their hashes."""
    wide = tmp_path / "wide"
    shutil.copytree(tiny, wide)
    tiny_model(vocab_size=600).save_pretrained(wide)
    with pytest.raises(UsageError, match="other weights"):
        offbook.load(trained, base_model=str(wide))
