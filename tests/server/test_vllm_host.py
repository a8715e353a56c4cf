"""vLLM as an engine, played by a program that takes its command line and answers as it does.

The real one is asked in tests/torture/test_vllm.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from offbook.core.errors import OffbookError, UsageError
from offbook.core.progress import NullReporter
from offbook.core.types import Turn
from offbook.pipeline.adapter_source import resolve_character
from offbook.server.backends import open_host
from offbook.server.vllm_host import VllmHost
from tests.server.test_transformers_host import answer, runs

FAKE = Path(__file__).with_name("fake_vllm.py")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="vLLM does not run on Windows")


@pytest.fixture(autouse=True)
def vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "vllm"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("OFFBOOK_VLLM", str(program))
    return program


@pytest.fixture
def folders(trained: Path, tmp_path: Path) -> list[Path]:
    return runs(trained, tmp_path)


@pytest.fixture
def host(folders: list[Path]) -> Iterator[VllmHost]:
    opened = open_host([resolve_character(folder) for folder in folders[:2]], "vllm", None, NullReporter())
    assert isinstance(opened, VllmHost)
    yield opened
    opened.close()


def test_each_character_is_asked_by_its_own_adapter_with_its_own_prompt(host: VllmHost, folders: list[Path]) -> None:
    models = [host.add(resolve_character(folder)) for folder in folders]  # the last one comes later
    for model, name in zip(models, ("ann", "ben", "cleo"), strict=True):
        prompt = model.chat_prompt([Turn("user", "Who are you?")], "append", None)
        assert answer(model, "Who are you?") == f"{name} heard {len(prompt.ids)} tokens"
        assert model.context == 512
    assert answer(models[0], "Who are you?", base=True).startswith("x heard")
    host.remove(models[1])
    with pytest.raises(OffbookError, match="no model"):
        answer(models[1], "Who are you?")
    assert answer(models[2], "Who are you?").startswith("cleo")


def test_what_vllm_does_not_take_is_told(host: VllmHost, folders: list[Path]) -> None:
    config = folders[2] / "adapter" / "adapter_config.json"
    settings = json.loads(config.read_text())
    config.write_text(json.dumps({**settings, "r": 64, "rank_pattern": {}}))
    assert not host.accepts(resolve_character(folders[2]))
    config.write_text(json.dumps({**settings, "use_dora": True}))
    with pytest.raises(UsageError, match="plain LoRA alone, and cleo has use_dora"):
        host.add(resolve_character(folders[2]))


def test_no_vllm_and_one_that_fails_are_told(
    folders: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sources = [resolve_character(folders[0])]
    monkeypatch.setenv("OFFBOOK_TEST_FAIL", "1")
    with pytest.raises(OffbookError, match="vLLM ended while it started: ValueError: the model has no weights"):
        open_host(sources, "vllm", None, NullReporter())
    monkeypatch.setenv("OFFBOOK_VLLM", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="vLLM's program is not here"):
        open_host(sources, "vllm", None, NullReporter())


def test_vllm_ends_with_a_server_that_is_killed(folders: list[Path]) -> None:
    script = (
        "import sys, time\nfrom offbook.core.progress import NullReporter\n"
        "from offbook.pipeline.adapter_source import resolve_character\nfrom offbook.server.vllm_host import VllmHost\n"
        "host = VllmHost([resolve_character(sys.argv[1])], None, NullReporter())\n"
        "print('up', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(folders[0])], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"up\n"
        started = psutil.Process(server.pid).children(recursive=True)
        assert any("fake_vllm" in " ".join(child.cmdline()) for child in started)
        os.kill(server.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in started):
        assert time.monotonic() < deadline
        time.sleep(0.1)
