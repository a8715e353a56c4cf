"""The process of a job: claims the job's folder, is the `offbook` command from then on, and leaves its exit code.

    python -m offbook.studio.runner FOLDER      FOLDER/job.json says which command

The studio starts it and may be killed before it hears of it; another studio may start a second one. The claim is a file
that only one process can make, so a job runs once.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

import psutil

from offbook.core.atomic import atomic_write_text

PID, EXIT_CODE, CANCEL = "pid", "rc", "cancel"
CANCELLED = 130


def claim(folder: Path) -> bool:
    """Write this process's id and start time into the job's folder; False where another process has done so."""
    try:
        descriptor = os.open(folder / PID, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{os.getpid()} {psutil.Process().create_time()}\n")
    return True


def run(arguments: list[str]) -> int:
    """Be `python -m offbook ARGUMENTS` in this process.

    Returns:
        The exit code.
    """
    sys.argv = ["offbook", *arguments]
    try:
        runpy.run_module("offbook", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def main(folder: Path) -> int:
    """Do the job of a folder, unless somebody does it already or it is cancelled."""
    if not claim(folder):
        return 0
    code = CANCELLED if (folder / CANCEL).exists() else 1
    try:
        if code != CANCELLED:
            code = run(json.loads((folder / "job.json").read_text(encoding="utf-8"))["argv"])
    finally:
        atomic_write_text(folder / EXIT_CODE, f"{code}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
