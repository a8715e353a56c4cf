"""The shim that fails or kills at the Nth call, built on the spot."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from enum import IntEnum
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")


class Action(IntEnum):
    """What happens at the Nth call."""

    COUNT = 0
    FAIL_ONCE = 1
    FULL_FROM = 2
    KILL = 3


@cache
def library() -> str | None:
    """Path of the built shim, to be put into LD_PRELOAD; None where there is no compiler (or no Linux)."""
    compiler = shutil.which("cc")
    target = Path(tempfile.mkdtemp(prefix="offbook-shim-")) / "shim.so"
    if compiler is None:
        return None
    built = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", target, SOURCE, "-ldl"], check=False, capture_output=True
    )
    return str(target) if built.returncode == 0 else None


def arm(folder: Path, number: int, action: Action) -> None:
    """From now on, in this process, `action` happens at the `number`th call that changes something in `folder`."""
    ctypes.CDLL(None).arm(str(folder).encode(), number, int(action))


def calls() -> int:
    """How many calls have been counted since."""
    return ctypes.CDLL(None).calls()
