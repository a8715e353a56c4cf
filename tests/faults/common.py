"""Helpers of these tests."""

from __future__ import annotations

import shutil
from pathlib import Path

from offbook.core.progress import NullReporter
from offbook.core.rundir import RunDir


class Ears(NullReporter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, text: str) -> None:
        self.heard.append(text)


def adapter_bytes(run: RunDir) -> bytes:
    return (run.adapter / "adapter_model.safetensors").read_bytes()


def fill(folder: Path, leave: int) -> Path:
    """Fill a disk up to `leave` bytes."""
    filler = folder / "filler"
    free = shutil.disk_usage(folder).free
    filler.write_bytes(bytes(max(free - leave, 0)))
    return filler
