"""Runs under the shim: fails or kills each way of writing at each of its calls, and counts what is found afterwards.

    LD_PRELOAD=shim.so python -m tests.torture.every_call FOLDER

Prints one JSON object: {way: {action: {"old": n, "new": n, "mixed": n}}}.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from offbook.core.atomic import atomic_dir, atomic_write_text, restore
from offbook.training.checkpoint import CheckpointStore
from tests.torture.shim import Action, arm, calls

OLD, NEW = b"old" * 5000, b"new" * 7000


def save(place: Path, content: bytes, step: int) -> None:
    """A checkpoint of two files, then a rotation."""
    with CheckpointStore(place).write(step) as folder:
        (folder / "adapter.bin").write_bytes(content)
        (folder / "state.bin").write_bytes(content[::-1])
    CheckpointStore(place, keep=2).rotate()


def start_saves(place: Path) -> None:
    for step in (1, 5):
        save(place, OLD, step)


def look_at_saves(place: Path) -> str:
    CheckpointStore(place).clear_leftovers()
    outcome, faults = CheckpointStore(place).newest()
    hidden = [path for path in place.iterdir() if path.name.startswith(".")]
    if outcome is None or faults or hidden:
        return "mixed"
    content = (outcome / "adapter.bin").read_bytes()
    if (outcome / "state.bin").read_bytes() != content[::-1]:
        return "mixed"
    return {("step-000005", OLD): "old", ("step-000010", NEW): "new"}.get((outcome.name, content), "mixed")


def replace_folder(place: Path, content: bytes) -> None:
    with atomic_dir(place / "target") as folder:
        for name in "ab":
            (folder / name).write_bytes(content)


def look_at_folder(place: Path) -> str:
    restore(place / "target")
    return outcome_of({(place / "target" / name).read_bytes() for name in "ab"})


def outcome_of(outcome: set[bytes]) -> str:
    return {frozenset({OLD}): "old", frozenset({NEW}): "new"}.get(frozenset(outcome), "mixed")


WAYS: dict[str, tuple[Callable[[Path], object], Callable[[Path], object], Callable[[Path], str]]] = {
    "checkpoint": (start_saves, lambda place: save(place, NEW, 10), look_at_saves),
    "folder": (lambda p: replace_folder(p, OLD), lambda p: replace_folder(p, NEW), look_at_folder),
    "file": (
        lambda p: atomic_write_text(p / "x.json", OLD.decode()),
        lambda p: atomic_write_text(p / "x.json", NEW.decode()),
        lambda p: outcome_of({(p / "x.json").read_bytes()}),
    ),
}


def attempt(place: Path, number: int, action: Action, write: Callable[[Path], object]) -> bool:
    """Write in a process of its own; whether its `number`th call was reached."""
    child = os.fork()
    if child == 0:
        arm(place, number, action)
        try:
            write(place)
        except Exception:
            os._exit(1)
        os._exit(0 if calls() < number else 1)
    return os.waitpid(child, 0)[1] != 0


def main(root: Path) -> None:
    """Every way × every action × every call."""
    result: dict[str, dict[str, Counter[str]]] = {}
    for way, (start, write, look) in WAYS.items():
        for action in (Action.FAIL_ONCE, Action.FULL_FROM, Action.KILL):
            counts = result.setdefault(way, {}).setdefault(action.name, Counter())
            number, reached = 1, True
            while reached:
                place = root / f"{way}-{action.name}-{number}"
                place.mkdir()
                start(place)
                reached = attempt(place, number, action, write)
                counts[look(place)] += 1
                shutil.rmtree(place)
                number += 1
    print(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
