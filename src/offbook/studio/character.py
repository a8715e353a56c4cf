"""A character's folder: settings, rows as they were extracted, what was changed by hand, and what is trained."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import yaml

from offbook.core.atomic import atomic_text_file, atomic_write_text
from offbook.core.config import loading
from offbook.core.config.schema import BASE, RunConfig, is_hub
from offbook.core.config.yaml_file import read_settings
from offbook.core.errors import UsageError
from offbook.studio.edits import Edits, Message, append, read_edits
from offbook.studio.errors import Conflict, NotFound
from offbook.studio.rows import RowIndex, index_of, parse_row

SMALL = 4 * 2**20
"""Bytes of lines up to which what is trained is written after each change; above, when it is asked for."""

WORKSPACE_PATHS = ("data.source", "data.heldout_source", "data.replay", "model.adapter")
"""Settings that name files of the workspace (or of a hub). A base model may lie anywhere on this computer."""
TERMINAL_ONLY = ("track.host",)
"""Settings that say which server gets a key of the user's: run.yaml and the terminal set them, no request does."""

_writing = threading.RLock()


class CharacterFolder:
    """Names of what it holds, and what can be done with it.

    Args:
        path: `characters/NAME`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.config = path / "run.yaml"
        self.lines = path / "lines.jsonl"
        self.journal = path / "edits.jsonl"
        self.rows = path / "rows.jsonl"

    @property
    def index(self) -> RowIndex | None:
        """The index of the extracted rows; None before they are there."""
        return index_of(self.lines)

    @property
    def edits(self) -> Edits:
        """The changes by hand."""
        return read_edits(self.journal)

    def load(self) -> RunConfig:
        """The settings, validated."""
        return loading.load(self.config)

    def settings(self) -> dict[str, Any]:
        """The settings as they stand in run.yaml: what is not there has its default."""
        return read_settings(self.config).tree

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Write some settings by their dotted names; null takes one back to its default.

        Raises:
            UsageError: a name is unknown or a value invalid; nothing is written.
        """
        with _writing:
            tree, before = self.settings(), self.settings()
            for dotted, value in changes.items():
                loading.put(tree, dotted, value)
                if value is None:
                    _drop(tree, dotted)
            text = loading.dump_tree(tree)
            loading.validate(yaml.safe_load(text), str(self.config))
            for dotted in WORKSPACE_PATHS:  # of the whole: a section may come as one value
                if (value := _at(tree, dotted)) != _at(before, dotted):
                    self._check_inside(value)
            for dotted in TERMINAL_ONLY:
                if _at(tree, dotted) != _at(before, dotted):
                    raise UsageError("{key} cannot be set here", "Write it into run.yaml yourself.", key=dotted)
            atomic_write_text(self.config, text)

    def change(self, entry: dict[str, Any]) -> None:
        """Write a change of rows into the journal, and what is trained where that is quickly done.

        Raises:
            NotFound: there is no such row.
            Conflict: there is nothing to undo.
        """
        with _writing:
            index, edits = self.index, self.edits
            if entry["op"] == "undo" and not edits.changes:
                raise Conflict("there is nothing to undo", "Change something first.")
            for row in [entry[key] for key in ("row", "with") if key in entry]:
                if index is None or index.place(row) is None:
                    raise NotFound("there is no row '{row}'", "Load the page again.", row=row)
            append(self.journal, entry)
            if self.lines.stat().st_size <= SMALL:
                self.write_rows()

    def messages(self, row: str) -> list[Message]:
        """What a row says, changes and all.

        Raises:
            NotFound: there is no such row.
        """
        index, edits = self.index, self.edits
        if row in edits.messages:
            return edits.messages[row]
        place = index.place(row) if index is not None else None
        if index is None or place is None:
            raise NotFound("there is no row '{row}'", "Load the page again.", row=row)
        messages: list[Message] = index.read([place])[0]["messages"]
        return messages

    def write_rows(self) -> None:
        """Write what is trained, where it is older than lines and changes; it appears whole."""
        with _writing:
            index, edits = self.index, self.edits
            if index is None or not self._is_stale():
                return
            left_out, changed = index.places(edits.left_out), index.places(edits.messages)
            with atomic_text_file(self.rows) as file:
                for place, line in enumerate(index.lines()):
                    if place in left_out:
                        continue
                    if place in changed:
                        row = {**parse_row(line), "messages": edits.messages[index.id(place)]}
                        file.write(json.dumps(row, ensure_ascii=False) + "\n")
                    else:
                        file.write(line.decode("utf-8", "replace").rstrip("\r\n") + "\n")

    def require_rows(self) -> None:
        """See that there is something to train.

        Raises:
            Conflict: nothing has been extracted, or everything is excluded.
        """
        self.write_rows()
        source = self.settings().get("data", {}).get("source")
        if source == self.rows.name and (not self.rows.is_file() or not self.rows.stat().st_size):
            raise Conflict("the character has no lines yet", "Choose it in a text first, or include some rows.")

    def _check_inside(self, value: Any) -> None:
        """See that a setting names a file of the workspace, or of a hub.

        Raises:
            UsageError: it leads elsewhere.
        """
        root = self.path.parent.parent.resolve()
        for source in value if isinstance(value, list) else [value]:
            is_path = isinstance(source, str) and source != BASE and not is_hub(source)
            if is_path and not _leads_into(root, self.path / Path(source).expanduser()):
                raise UsageError(
                    "'{name}' leads out of the folder {folder}",
                    "Only what lies in it can be used here.",
                    name=source,
                    folder=root.name,
                )

    def _is_stale(self) -> bool:
        try:
            written = self.rows.stat().st_mtime_ns
        except OSError:
            return True
        sources = [path.stat().st_mtime_ns for path in (self.lines, self.journal) if path.is_file()]
        return any(changed >= written for changed in sources)


def merge(first: list[Message], second: list[Message]) -> list[Message]:
    """One conversation of two: what the second repeats of the first stands once, neighbours of one role are joined.

    Raises:
        UsageError: nothing is left to learn.
    """
    size = min(len(first), len(second))
    texts = [each["content"] for each in first], [each["content"] for each in second]
    shared = next((count for count in range(size, 0, -1) if texts[0][-count:] == texts[1][:count]), 0)
    joined: list[Message] = []
    for message in [*first, *second[shared:]]:
        last = joined[-1] if joined else None
        if last and last["role"] == message["role"] and last.get("weight", 1) == message.get("weight", 1):
            joined[-1] = {**last, "content": f"{last['content']}\n{message['content']}"}
        else:
            joined.append(message)
    if not any(each["role"] == "assistant" and each.get("weight", 1) for each in joined):
        raise UsageError("the rows have no reply to learn", "Merge others.")
    return joined


def _at(tree: dict[str, Any], dotted: str) -> Any:
    section, leaf = dotted.split(".")
    return (tree.get(section) or {}).get(leaf)


def _drop(tree: dict[str, Any], dotted: str) -> None:
    *sections, leaf = dotted.split(".")
    for section in sections:
        tree = tree[section]
    del tree[leaf]


def _leads_into(root: Path, path: Path) -> bool:
    """Whether a path, its links followed, lies in a folder; one that no file can have does not."""
    try:
        return path.resolve().is_relative_to(root)
    except ValueError:  # it holds NUL
        return False
