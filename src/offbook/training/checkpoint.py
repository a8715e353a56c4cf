"""Checkpoints that are whole or absent.

A checkpoint is written to a temporary sibling, its files fsynced, `manifest.json` (size and sha256 of every file) last,
then renamed. One that does not match its manifest does not count.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import Any

from offbook.core.atomic import atomic_dir, atomic_write_json, restore

MANIFEST = "manifest.json"
PROGRESS = "progress.json"
PASSED = "passed-"
"""Before the name of a whole checkpoint that a run has gone back behind."""


def folder_of(checkpoints: Path, step: int) -> Path:
    return checkpoints / f"step-{step:06d}"


@contextmanager
def writing(checkpoints: Path, step: int, facts: dict[str, Any]) -> Iterator[Path]:
    """A folder to write the checkpoint of `step` in; it counts only if the block ends well.

    Args:
        facts: what a resume has to find unchanged (hashes of data and config, versions).
    """
    with atomic_dir(folder_of(checkpoints, step)) as folder:
        yield folder
        files = {path.name: _facts_of(path) for path in sorted(folder.iterdir())}
        atomic_write_json(folder / MANIFEST, {"step": step, **facts, "files": files})
    _delete([passed for passed in checkpoints.glob(f"{PASSED}*") if passed <= _passed(folder_of(checkpoints, step))])


def verify(folder: Path) -> dict[str, Any]:
    """The manifest of a checkpoint whose files all match it.

    Raises:
        ValueError: with the first file that is missing or differs.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = manifest["files"].items()
        manifest["step"] = int(manifest["step"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        raise ValueError(f"{folder.name}: {MANIFEST} is missing or damaged") from None
    for name, facts in files:
        path = folder / name
        if not path.is_file():
            raise ValueError(f"{folder.name}: {name} is missing")
        if _facts_of(path) != facts:
            raise ValueError(f"{folder.name}: {name} is damaged (its hash differs from the manifest's)")
    return manifest


def is_whole(folder: Path) -> bool:
    """Whether a checkpoint verifies."""
    try:
        verify(folder)
    except ValueError:
        return False
    return True


def newest(checkpoints: Path, needs: Callable[[int], int | None] = lambda step: None) -> tuple[Path | None, list[str]]:
    """(the checkpoint to go on from or None, what is wrong with others).

    That is the newest that verifies together with the one it needs; where there is none, the newest that verifies.

    Args:
        needs: step of a checkpoint → step of an earlier one that a run which goes on from it will still ask for.
    """
    faults: dict[str, None] = {}
    whole = []
    for folder in _folders(checkpoints)[::-1]:
        try:
            needed = needs(verify(folder)["step"])
            whole.append(folder)
            if needed is not None:
                verify(folder_of(checkpoints, needed))
        except ValueError as fault:
            faults[str(fault)] = None
        else:
            return folder, list(faults)
    return next(iter(whole), None), list(faults)


def rotate(checkpoints: Path, keep: int, spare: int | None = None) -> None:
    """Delete the oldest checkpoints beyond `keep`, but only once the newest one has been read back and verified.

    Args:
        spare: the step of one that stays all the same.
    """
    folders = _folders(checkpoints)
    if len(folders) > keep:
        verify(folders[-1])
        _delete([folder for folder in folders[:-keep] if spare is None or folder != folder_of(checkpoints, spare)])


def set_aside_after(checkpoints: Path, step: int) -> None:
    """Clear the way for a run that goes on from `step`: later checkpoints that do not verify are deleted. Whole ones
    are set aside, since the metrics after `step` are lost to them, until the run has come by there again."""
    later = [folder for folder in _folders(checkpoints) if folder > folder_of(checkpoints, step)]
    _delete([folder for folder in later if not is_whole(folder)])
    for folder in later:
        if folder.exists():
            shutil.rmtree(_passed(folder), ignore_errors=True)
            folder.rename(_passed(folder))


def clear_leftovers(checkpoints: Path) -> None:
    """Put right what a writer or a rotation that was killed left behind."""
    for old in checkpoints.glob(".old-step-*"):
        restore(old.with_name(old.name.removeprefix(".old-")))
    for folder in checkpoints.glob(".tmp-step-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _delete(folders: list[Path]) -> None:
    for folder in folders:
        # Renamed first: a deletion that is cut short never leaves half a checkpoint under its name.
        shutil.rmtree(folder.rename(folder.with_name(f".tmp-{folder.name}")), ignore_errors=True)


def _passed(folder: Path) -> Path:
    return folder.with_name(f"{PASSED}{folder.name}")


def _folders(checkpoints: Path) -> list[Path]:
    return sorted(checkpoints.glob("step-[0-9]*")) if checkpoints.is_dir() else []


def _facts_of(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": file_digest(file, "sha256").hexdigest()}
