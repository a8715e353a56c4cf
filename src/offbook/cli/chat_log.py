"""Conversations as files: kept by themselves in the run's folder, saved, loaded and exported by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from offbook.core.atomic import atomic_write_json
from offbook.core.errors import UsageError
from offbook.core.system_errors import system_reason
from offbook.core.text_file import read_text
from offbook.core.types import Turn

EXPORTS = (".md", ".txt", ".jsonl")


class ChatLog:
    """The file of one conversation, written anew after each turn.

    Args:
        folder: where conversations are kept; None keeps none (a bare adapter has no run folder).
        path: the file to go on with; default: a new one, made with the first turn.
    """

    def __init__(self, folder: Path | None, path: Path | None = None) -> None:
        self.folder = folder
        self.path = path
        self._seen = _state(path)

    def write(self, turns: Sequence[Turn], system: str | None) -> None:
        """Keep the conversation as it is now.

        Raises:
            OSError: it cannot be written.
        """
        if self.folder is None or not any(turn.role == "user" for turn in turns):
            return
        if self.path is None or _state(self.path) != self._seen:  # another chat goes on with the same conversation
            self.folder.mkdir(parents=True, exist_ok=True)
            self.path = _free_name(self.folder)
        atomic_write_json(self.path, as_json(turns, system))
        self._seen = _state(self.path)


class WrittenFiles:
    """The files that a chat has written: these alone it writes over."""

    def __init__(self) -> None:
        self._places: set[Path] = set()

    def claim(self, path: Path) -> None:
        """Refuse to write over a file that this chat did not write.

        Raises:
            UsageError: there is one, or the folder does not exist.
        """
        place = path.resolve()
        if place not in self._places and (path.exists() or path.is_symlink()):
            raise UsageError(
                "{path} already exists, and was not written in this chat",
                "Choose another name.",
                path=path,
            )
        if not path.parent.is_dir():
            raise UsageError(
                "there is no folder {parent}",
                "Choose another place.",
                parent=path.parent,
            )
        self._places.add(place)


def _state(path: Path | None) -> tuple[int, int] | None:
    """By what a file shows that somebody else wrote it; None where there is none."""
    try:
        return None if path is None else ((status := path.stat()).st_mtime_ns, status.st_ino)
    except OSError:
        return None


def _free_name(folder: Path) -> Path:
    """Make an empty file with a new name: two chats that begin in one second do not get the same."""
    stamp = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
    for number in count(2):
        path = folder / f"{stamp}.json"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            stamp = f"{stamp[:17]}-{number}"
        else:
            break
    return path


def newest(folder: Path | None) -> Path | None:
    """The conversation that was written to last, None if there is none."""
    paths = [] if folder is None or not folder.is_dir() else list(folder.glob("[!.]*.json"))
    written = [path for path in paths if path.stat().st_size]  # a chat that was killed at its first turn leaves a name
    return max(written, key=lambda path: path.stat().st_mtime_ns, default=None)


def as_json(turns: Sequence[Turn], system: str | None) -> dict[str, Any]:
    """A conversation as the object that `read` takes: `{"messages": [{"role": "user", "content": "…"}, …]}`."""
    leading = [] if system is None else [{"role": "system", "content": system}]
    return {"messages": [*leading, *({"role": turn.role, "content": turn.text} for turn in turns)]}


def read(path: Path) -> tuple[list[Turn], str | None]:
    """The turns of a saved conversation, and its system prompt where it has one of its own.

    Raises:
        UsageError: the file cannot be read, or holds no conversation.
    """
    try:
        messages = json.loads(read_text(path))["messages"]
        turns = [Turn(message["role"], message["content"]) for message in messages]
    except OSError as error:
        raise UsageError(
            "cannot read {path}: {strerror}",
            "Name a file that /save wrote.",
            path=path,
            strerror=system_reason(error),
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(
            "{path} holds no conversation",
            "Name a file that /save wrote.",
            path=path,
        ) from None
    known_roles = {"system", "user", "assistant"}
    if not {turn.role for turn in turns} <= known_roles or not all(isinstance(turn.text, str) for turn in turns):
        raise UsageError(
            "{path} holds no conversation",
            "Name a file that /save wrote.",
            path=path,
        )
    system = next((turn.text for turn in turns if turn.role == "system"), None)
    return [turn for turn in turns if turn.role != "system"], system


def export_text(turns: Sequence[Turn], names: dict[str, str], suffix: str) -> str:
    """A conversation for people (.md, .txt) or as a row to train on (.jsonl).

    Raises:
        UsageError: another suffix.
    """
    if suffix == ".jsonl":
        return json.dumps(as_json(turns, None), ensure_ascii=False) + "\n"
    if suffix == ".md":
        return "\n\n".join(f"**{names[turn.role]}:** {turn.text}" for turn in turns) + "\n"
    if suffix == ".txt":
        return "\n".join(f"{names[turn.role]}: {turn.text}" for turn in turns) + "\n"
    raise UsageError(
        "cannot export to '{suffix}'",
        "Name a file that ends in {exports}.",
        suffix=suffix,
        exports=", ".join(EXPORTS),
    )
