"""The Python face: light until there is work, and helpful about mistakes before torch is imported."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import offbook
from offbook.core.config.loading import load
from offbook.core.errors import UsageError
from offbook.core.metrics_log import read

BOUND = 1.0
"""Processor seconds: 0.3 on a quiet machine, twice that beside other programs; torch alone takes longer."""


def mistakes(codes: Sequence[str], folder: Path) -> list[tuple[float, str]]:
    """Processor seconds to the error of each code, and the error, in one process; fails if torch was imported.

    Those of the first one begin with importing offbook.
    """
    program = (
        "import json, sys, time\nbegan, answers = time.process_time(), []\nimport offbook\n"
        f"for code in {list(codes)!r}:\n"
        "    try:\n        exec(code)\n"
        "    except offbook.OffbookError as error:\n"
        "        answers.append([time.process_time() - began, error.what])\n"
        "    else:\n        sys.exit(f'no error: {code}')\n"
        "    if 'torch' in sys.modules:\n        sys.exit(f'torch was imported: {code}')\n"
        "    began = time.process_time()\n"
        "print(json.dumps(answers))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return [(seconds, what.strip()) for seconds, what in json.loads(done.stdout)]


@pytest.fixture
def run_yaml(tmp_path: Path, settings: dict[str, Any]) -> Path:
    """The tiny run's settings as a file."""
    from offbook.core.config.loading import dump

    path = tmp_path / "run.yaml"
    path.write_text(dump(load(None, settings)), encoding="utf-8")
    return path


def test_a_run_that_does_not_exist_is_told_without_torch(tmp_path: Path) -> None:
    verbs = ("load('nobody')", "evaluate('nobody')", "export('nobody', 'gguf')", "serve('nobody')", "serve(['nobody'])")
    for seconds, what in mistakes([f"offbook.{verb}" for verb in verbs], tmp_path):
        assert what == "no run 'nobody'"
        assert seconds < BOUND


def test_train_onto_an_existing_run_is_refused_without_torch(
    trained: Path, tmp_path: Path, run_yaml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFBOOK_RUNS", str(trained.parent))
    ((seconds, what),) = mistakes([f"offbook.train({str(run_yaml)!r})"], tmp_path)
    assert "already exists (finished)" in what
    assert seconds < BOUND


def test_a_missing_file_is_told_without_torch(
    tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))
    keys = ("data.source", "data.heldout_source", "data.replay", "model.source", "model.adapter")
    codes = [
        f"offbook.{verb}(offbook.load_config(None, { ({**settings, key: 'nowhere.json'})!r}))"
        for verb in ("check", "train")
        for key in keys
    ]
    assert all("nowhere.json" in what for _, what in mistakes(codes, tmp_path))
    assert not (tmp_path / "runs").exists()


MISTAKES = [
    ("chat nobody", "no run 'nobody'"),
    ("eval nobody", "no run 'nobody'"),
    ("serve nobody", "no run 'nobody'"),
    (f"serve {300 * 'n'}", "no run 'nnn"),
    (f"chat {300 * 'n'} -m hi", "no run 'nnn"),
    (f"runs show a/{300 * 'n'}", "no run 'a/nnn"),
    ("export nobody --to gguf", "no run 'nobody'"),
    ("train -c run.yaml --track.trackers [nobody]", "unknown tracker 'nobody'"),
    ("train -c run.yaml --lora.target_modules ([", "is no regular expression"),
    ("check -c run.yaml --track.trackers [nobody]", "unknown tracker 'nobody'"),
    ("prove -c run.yaml --lora.target_modules *proj", "is no regular expression"),
    ("train -c run.yaml --data.source play.txt", "holds no rows but prose"),
    ("check -c run.yaml --data.heldout_source play.txt", "holds no rows but prose"),
    ("eval RUN --data play.txt", "holds no rows but prose"),
    ("push RUN hf:me/tiny --what gguf", "there is no gguf of tiny yet"),
    ("push RUN hf:me/tiny --what song", "unknown thing to push 'song'"),
    ("push RUN hf:me/tiny", "Hugging Face wants to know who you are"),
    ("push RUN ms:me/tiny", "ModelScope wants to know who you are"),
    ("serve RUN --engine llama.cpp", "no GGUF that passed the parity gate"),
    ("serve RUN --engine openai --upstream http://127.0.0.1:9", "no model server answers"),
    ("serve RUN --engine openai --upstream nowhere", "no model server answers"),
    ("serve RUN --engine vllm", "vLLM's program is not here"),
    ("serve RUN --port TAKEN", ": Address already in use Choose another --port."),
    ("serve RUN --host 192.0.2.7", "no key protects the character"),
    ("sweep -c run.yaml --over train.epochs=x", "--train.epochs is 'x'"),
    ("sweep -c run.yaml --over lora.rank=-4..8", "lora.rank"),
    ("sweep -c run.yaml --over train.compute=float32,float64", "train.compute"),
]


def test_the_command_line_tells_mistakes_without_torch(
    trained: Path, tmp_path: Path, run_yaml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process for all, in which torch must never be imported."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MODELSCOPE_API_TOKEN", "OFFBOOK_VLLM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OFFBOOK_VLLM", "no-vllm")
    (tmp_path / "play.txt").write_text("To be, or not to be.\n", encoding="utf-8")
    run = shutil.copytree(trained, tmp_path / "tiny", ignore=shutil.ignore_patterns("export"))  # others export it
    taken = socket.create_server(("127.0.0.1", 0))
    port = str(taken.getsockname()[1])
    lines = [command.replace("RUN", str(run)).replace("TAKEN", port).split() for command, _ in MISTAKES]
    program = (
        "import contextlib, io, json, sys, time\nfrom offbook.cli.main import main\nanswers = []\n"
        f"for words in {lines!r}:\n"
        "    began, errors = time.process_time(), io.StringIO()\n"
        "    with contextlib.redirect_stderr(errors):\n"
        "        try:\n            main(words)\n        except SystemExit as ended:\n            code = ended.code\n"
        "    answers.append([code, errors.getvalue(), 'torch' in sys.modules, time.process_time() - began])\n"
        "print(json.dumps(answers))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    taken.close()
    assert done.returncode == 0, done.stderr
    for (command, text), (code, errors, torch_is_there, seconds) in zip(MISTAKES, json.loads(done.stdout), strict=True):
        assert not torch_is_there, command
        assert code == 2, (command, errors)
        assert text in " ".join(errors.split()), (command, errors)
        assert seconds < BOUND, command


def test_rows_alone_are_checked_without_torch(tmp_path: Path) -> None:
    rows = [{"instruction": f"What is bell {n} for?", "output": f"Bell {n} is for the tide."} for n in range(9)]
    (tmp_path / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    code = (
        "import sys\nfrom offbook.cli.main import main\n"
        "try:\n    main(['check', '--data', 'rows.json', '--html', 'page.html'])\n"
        "except SystemExit as ended:\n    sys.exit(99 if 'torch' in sys.modules else ended.code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "9 rows" in done.stdout
    assert (tmp_path / "page.html").is_file()


def test_the_first_error_comes_in_an_instant(tmp_path: Path) -> None:
    assert min(mistakes(["offbook.load('nobody')"], tmp_path)[0][0] for _ in range(2)) < BOUND


def test_train_returns_the_folder_and_what_came_of_it(
    run_yaml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))
    result = offbook.train(run_yaml)
    assert result.path == tmp_path / "runs" / "tiny"
    lines = read(result.metrics)
    assert result.best_step == lines[-1]["step"]  # train.keep: last
    assert result.heldout_loss == lines[-1]["heldout_loss"]
    assert result.base_heldout_loss == lines[0]["heldout_loss"]
    assert result.train_loss == lines[-1]["loss"]
    assert result.seconds > 0
    assert [run.path for run in offbook.runs()] == [result.path]
    assert "finished" in result._repr_html_()
    assert repr(result) == f"TrainResult({str(result.path)!r})"
    assert offbook.load(result).reply("Who are you?", seed=1).tokens > 0


def test_extract_takes_one_file_or_several_and_writes_rows_that_check_reads(tmp_path: Path) -> None:
    play = tmp_path / "play.txt"
    play.write_text("ANNA: Who is there?\nBERT: Only me, and the wind.\n" * 5, encoding="utf-8")
    one = offbook.extract(str(play), "Bert", out=tmp_path / "bert.jsonl")
    assert len(one.rows) == one.summary.taken > 0
    other = tmp_path / "other.txt"
    other.write_text("ANNA: What was that?\nBERT: The gate again.\n" * 5, encoding="utf-8")
    assert len(offbook.extract([play, other], "Bert").rows) == 2 * len(one.rows)
    rows = [json.loads(line) for line in (tmp_path / "bert.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == one.rows
    with pytest.raises(UsageError, match="overwrite"):
        offbook.extract(play, "Bert", out=play)
    began = time.monotonic()
    with pytest.raises(UsageError, match="no such file"):
        offbook.extract("missing.txt", "Bert")
    assert time.monotonic() - began < 5


def test_every_public_name_is_listed_and_found() -> None:
    assert set(offbook.__all__) <= set(dir(offbook))
    assert all(getattr(offbook, name).__doc__ for name in offbook.__all__ if name.islower() or name == "Character")
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = offbook.trian
