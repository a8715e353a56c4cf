"""The file of extracted rows: JSONL that appears whole, and overwrites nothing but such rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from offbook.core.atomic import atomic_text_file
from offbook.core.errors import UsageError
from offbook.core.outputs import refuse_foreign
from offbook.core.system_errors import system_reason
from offbook.data.extract.file_set import within_folders
from offbook.data.extract.rows import Row

TO_JSON = json.JSONEncoder(ensure_ascii=False).encode
"""A row as a line; `json.dumps` would make an encoder for each."""


def check_place(path: Path, inputs: Iterable[Path]) -> None:
    """Refuse to overwrite anything but rows of an earlier extraction.

    Raises:
        UsageError: `path` is one of the files that are read, or exists with other content.
    """
    if any(each.exists() and path.exists() and path.samefile(each) for each in within_folders(inputs)):
        raise UsageError(
            "--out {path} is one of the files to read, which the rows would overwrite",
            "Put the rows elsewhere, for example: --out lines.jsonl",
            path=path,
        )
    refuse_foreign(path, "--out", _wrote)


def save(rows: Iterable[Row], path: Path) -> None:
    """Write rows as JSONL, one by one; the file appears whole.

    Raises:
        UsageError: the place cannot be written to.
    """
    try:
        with atomic_text_file(path.resolve()) as file:
            for row in rows:
                file.write(_whole_characters(TO_JSON(row)) + "\n")
    except OSError as error:
        raise UsageError(
            "{path} cannot be written: {strerror}", "Choose another --out.", path=path, strerror=system_reason(error)
        ) from None


def _whole_characters(text: str) -> str:
    """The text without halves of characters: a chat's JSON may hold half an emoji."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _wrote(path: Path) -> bool:
    """Whether a file begins with a row that `save` wrote, or is empty."""
    with path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline()
    try:
        return not first or {"messages", "source", "confidence"} == set(json.loads(first))
    except (ValueError, TypeError, RecursionError):
        return False
