"""Changes to a character's rows: a journal that is only appended to, and what the rows are with it.

{"op": "exclude", "row": ID}                         the row is not trained
{"op": "include", "row": ID}                         it is, after all
{"op": "edit",    "row": ID, "messages": [...]}      it says this instead
{"op": "merge",   "row": ID, "with": ID, "messages": [...]}      one row with these messages, in place of two
{"op": "undo"}                                       the last change that is not undone never was
"""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from offbook.core.errors import UsageError

OPS = ("exclude", "include", "edit", "merge", "undo")

Message = dict[str, Any]


@dataclass(slots=True)
class Edits:
    """What the journal amounts to."""

    changes: list[dict[str, Any]] = field(default_factory=list)
    """Those that are not undone, in their order."""
    excluded: set[str] = field(default_factory=set)
    messages: dict[str, list[Message]] = field(default_factory=dict)
    """Row → what it says instead."""
    merged: dict[str, str] = field(default_factory=dict)
    """Row → the row that it has become a part of."""

    @property
    def left_out(self) -> set[str]:
        """The rows that are not trained as rows of their own."""
        return {*self.excluded, *self.merged}


def read_edits(path: Path) -> Edits:
    """The changes of a journal; a last line that a kill has torn counts for nothing."""
    try:
        status = path.stat()
    except OSError:
        return Edits()
    if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
        return Edits()
    return _read(path, status.st_mtime_ns, status.st_size)


def append(path: Path, entry: dict[str, Any]) -> None:
    """Add a change; it is on the disk when this returns. What a kill has torn before it is taken away first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():  # it would be written into a file elsewhere
        raise UsageError("{path} is a link, not a file of the studio's", "Remove it.", path=path.name)
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 2**20))
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            file.truncate(size - len(tail) + tail.rfind(b"\n") + 1)
        line = json.dumps({**entry, "at": round(time.time(), 3)}, ensure_ascii=False) + "\n"
        file.write(line.encode("utf-8", "replace"))
        file.flush()
        os.fsync(file.fileno())


@lru_cache(8)
def _read(path: Path, _modified: int, _size: int) -> Edits:
    changes: list[dict[str, Any]] = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            entry = json.loads(line)
            is_change = isinstance(entry, dict) and entry.get("op") in OPS
        except (ValueError, RecursionError):
            continue
        if is_change and entry["op"] == "undo":
            changes = changes[:-1]
        elif is_change and isinstance(entry.get("row"), str):
            changes.append(entry)
    edits = Edits(changes)
    for change in changes:
        _apply(edits, change)
    return edits


def _apply(edits: Edits, change: dict[str, Any]) -> None:
    row = change["row"]
    match change["op"]:
        case "exclude":
            edits.excluded.add(row)
        case "include":
            edits.excluded.discard(row)
        case "edit":
            edits.messages[row] = change["messages"]
        case "merge":
            edits.messages[row] = change["messages"]
            edits.merged[change["with"]] = row
