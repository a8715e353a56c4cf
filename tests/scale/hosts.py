"""Hosts for one test: network namespaces joined by a switch, each with its own copy of the model and the rows."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NUMBERS = itertools.count()


@dataclass(frozen=True)
class Host:
    """A network namespace with an address, and settings that name its own files."""

    name: str
    address: str
    settings: dict[str, Any]


def ip(*words: str) -> None:
    """Run `ip`."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@contextmanager
def hosts(count: int, folder: Path, settings: Mapping[str, Any]) -> Iterator[list[Host]]:
    """So many hosts; the test is skipped where this user may not make them."""
    mark = f"ob{os.getpid() % 10000}x{next(NUMBERS)}"
    switch, names = f"{mark}s", [f"{mark}h{number}" for number in range(count)]
    made = []
    try:
        for name in (switch, *names):
            ip("netns", "add", name)
            made.append(name)
        ip("-n", switch, "link", "add", "bridge", "type", "bridge")
        ip("-n", switch, "link", "set", "bridge", "up")
        for number, name in enumerate(names):
            ip("link", "add", "eth0", "netns", name, "type", "veth", "peer", "name", f"p{number}", "netns", switch)
            ip("-n", switch, "link", "set", f"p{number}", "master", "bridge", "up")
            ip("-n", name, "addr", "add", f"10.77.0.{number + 1}/24", "dev", "eth0")
            for link in ("lo", "eth0"):
                ip("-n", name, "link", "set", link, "up")
    except (OSError, subprocess.CalledProcessError) as error:
        for name in made:
            ip("netns", "del", name)
        reason = getattr(error, "stderr", None) or error
        pytest.skip(f"this user may not make network namespaces: {reason}")
    try:
        yield [
            Host(name, f"10.77.0.{number + 1}", _own_files(folder / name, settings))
            for number, name in enumerate(names)
        ]
    finally:
        for name in made:
            ip("netns", "del", name)


def cut_network(host: Host) -> None:
    """Take a host off the network."""
    ip("-n", host.name, "link", "set", "eth0", "down")


def _own_files(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    folder.mkdir()
    shutil.copytree(settings["model.source"], folder / "model")
    shutil.copy(settings["data.source"], folder / "rows.json")
    return {"model.source": str(folder / "model"), "data.source": str(folder / "rows.json")}
