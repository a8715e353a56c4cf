"""Helpers of these tests."""

from __future__ import annotations

import shutil
from pathlib import Path

from offbook.core.rundir import RunDir


def adapter_bytes(run: RunDir) -> bytes:
    return (run.adapter / "adapter_model.safetensors").read_bytes()


def fill(folder: Path, leave: int) -> Path:
    """Fill a disk up to `leave` bytes."""
    filler = folder / "filler"
    free = shutil.disk_usage(folder).free
    filler.write_bytes(bytes(max(free - leave, 0)))
    return filler
