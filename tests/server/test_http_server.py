"""The server as a process: its port, its key, its end."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import psutil
import pytest

from offbook.cli.main import main
from offbook.server import listening


def command(trained: Path, *words: Any) -> Any:
    return [sys.executable, "-m", "offbook.cli.main", "serve", str(trained), "--port", "0", *words]


def environment(**more: Any) -> Any:
    return {**os.environ, "OMP_NUM_THREADS": "1", **more}


@contextmanager
def started(trained: Path, *words: Any) -> Iterator[Any]:
    """A serving process; its address, the process, and what it writes on standard error."""
    with subprocess.Popen(
        command(trained, *words),
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        # What a shell starts in the background ignores Ctrl-C, and so would all that the tests start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        lines = []
        try:
            assert process.stderr is not None
            errors = process.stderr
            for line in errors:
                lines.append(line)
                if result := re.search(r"base_url=(\S+)/v1", line):
                    threading.Thread(target=lambda: lines.extend(errors), daemon=True).start()
                    yield result[1], process, lines
                    break
            else:
                pytest.fail("".join(lines))
        finally:
            process.kill()


def body(**options: Any) -> Any:
    return {"model": "tiny", "messages": [{"role": "user", "content": "Who are you?"}], "temperature": 0, **options}


def test_34_it_says_what_the_character_says_and_drains_at_its_end(trained: Path) -> None:
    import offbook
    from offbook.core.config.schema import GenerationConfig

    character = offbook.load(trained)
    settings = character.persona.generation.model_copy(update={"temperature": 0.0})
    assert isinstance(settings, GenerationConfig)
    expected = character.reply("Who are you?", settings=settings).text
    with started(trained) as (address, process, lines):
        texts = httpx2.post(f"{address}/v1/chat/completions", json=body(), timeout=60).json()
        assert texts["choices"][0]["message"]["content"].strip() == expected
        ports = [c.laddr.port for c in psutil.Process(process.pid).net_connections() if c.status == "LISTEN"]
        assert ports == [int(address.rpartition(":")[2])]
        with httpx2.stream("POST", f"{address}/v1/chat/completions", json=body(stream=True), timeout=60) as streamed:
            events = streamed.iter_lines()
            next(events)
            process.send_signal(signal.SIGTERM)
            rest = [line for line in events if line]
        assert rest[-1] == "data: [DONE]"
        assert json.loads(rest[-2].removeprefix("data: "))["choices"][0]["finish_reason"] in ("stop", "length")
        assert process.wait(30) == 143
        assert "Traceback" not in "".join(lines)


def test_ctrl_c_ends_it(trained: Path) -> None:
    with started(trained) as (address, process, lines):
        httpx2.get(f"{address}/health").raise_for_status()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert "Traceback" not in "".join(lines)


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command line that must end with exit code 2, and gives what it says."""
    monkeypatch.delenv("OFFBOOK_API_KEY", raising=False)

    def run(run_name: Any, *words: Any) -> Any:
        with pytest.raises(SystemExit) as ended:
            main(["serve", str(run_name), *words])
        assert ended.value.code == 2
        return " ".join(capsys.readouterr().err.split())

    return run


def test_41_a_port_that_is_taken_is_told_before_anything_is_loaded(refused: Any, trained: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        output = refused(trained, "--port", str(port))
        assert f"cannot listen on 127.0.0.1:{port}" in output
        assert "--port" in output


def test_36_others_are_let_in_with_a_key_alone(refused: Any, trained: Path) -> None:
    output = refused(trained, "--host", "0.0.0.0")
    assert "OFFBOOK_API_KEY" in output


@pytest.mark.parametrize("key", [" ", " k", "k\n"])
def test_a_key_that_no_client_could_send_is_told(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    monkeypatch.setenv("OFFBOOK_API_KEY", key)
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(trained), "--port", "0"])
    assert ended.value.code == 2
    assert "no client could send it" in " ".join(capsys.readouterr().err.split())


def test_every_website_is_let_in_with_a_key_alone(refused: Any, trained: Path) -> None:
    assert "no key protects it" in refused(trained, "--port", "0", "--allow-origin", "*")


def test_the_addresses_that_a_phone_can_open_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    address = SimpleNamespace(family=socket.AF_INET, address="192.168.1.7")
    local = SimpleNamespace(family=socket.AF_INET, address="127.0.0.1")
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"lo": [local], "wlan0": [address], "down0": [address]})
    up, down = SimpleNamespace(isup=True), SimpleNamespace(isup=False)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: {"lo": up, "wlan0": up, "down0": down})
    assert listening.reachable("0.0.0.0") == ["127.0.0.1", "192.168.1.7"]
    assert listening.reachable("192.168.1.7") == ["192.168.1.7"]


def test_engines_that_are_not_there(trained: Path, tmp_path: Path, refused: Any) -> None:
    without_export = shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("export"))
    assert "offbook export" in refused(without_export, "--port", "0", "--engine", "llama.cpp")
    assert "did you mean 'transformers'?" in refused(trained, "--port", "0", "--engine", "transformer")
    assert "no run" in refused(tmp_path / "nothing", "--port", "0")


def test_the_page_ships_with_the_package() -> None:
    import offbook.server

    page = Path(offbook.server.__file__).parent / "page"
    assert {path.name for path in page.iterdir()} == {
        "index.html", "base.css", "style.css", "api.js", "cast.js", "chat.js", "dom.js", "i18n.js", "language.js",
        "main.js", "page.js", "sampling.js", "scene.js", "scene-form.js", "scene-view.js", "talks.js", "view.js",
    }  # fmt: skip
