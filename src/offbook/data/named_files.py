"""Files of a folder that are called after people, who may be those who answer in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.text import HAN, normalize
from offbook.data.exclusions import NAMES_SHOWN, Belonging

NAME_OF_FILE = re.compile(rf"[A-ZÀ-Þ][a-zß-ÿ]+(?:[ _-][A-ZÀ-Þ][a-zß-ÿ]+){{0,2}}|[{HAN}]{{2,4}}")
"""What a file is called after that may be a person, without a number."""


def refuse_files_of_others(rows: Sequence[Belonging], files: Sequence[str], character: str | None) -> None:
    """See that not one of a folder's files is called after the character, so that the others may be others'.

    Args:
        rows: where the rows belong.
        files: the file of each of them.
        character: the character's name, if it is known.

    Raises:
        UsageError: one is, and the rows of another name nobody.
    """
    if character is None:
        _refuse_names(rows, files)
        return
    unnamed = {file for file, row in zip(files, rows, strict=True) if row.character is None}
    named = [file for file in dict.fromkeys(files) if normalize(character) in map(normalize, _names_in(file))]
    others = [
        file for file in sorted(unnamed) if not any(normalize(character) in normalize(n) for n in _names_in(file))
    ]
    if named and others:
        raise UsageError(
            "{path} bears the character's name, and other files are beside it: {names}",
            "Name the character's files alone. If the others are the character's, too, put its name into theirs.",
            path=named[0],
            names=", ".join(str(Path(file).name) for file in others[:NAMES_SHOWN]),
        )


def _refuse_names(rows: Sequence[Belonging], files: Sequence[str]) -> None:
    """Raises: UsageError: each of several files in a folder is called as people may be, and its rows name nobody."""
    unnamed = {file for file, row in zip(files, rows, strict=True) if row.character is None}
    names = {_names_in(file)[0]: file for file in dict.fromkeys(files)}
    if len(names) > 1 and unnamed == set(files) and all(map(NAME_OF_FILE.fullmatch, names)):
        raise UsageError(
            "{path} and other files beside it ({names}…) may be called after the characters who answer in them",
            "If they are, name one character's file alone. If they are all one character's, say its name "
            "(--persona.name), or name the files one by one.",
            path=next(iter(names.values())),
            names=", ".join(list(names)[1 : NAMES_SHOWN + 1]),
        )


def _names_in(file: str) -> tuple[str, str]:
    """The names in a path that may be a character's: the file's, and its folder's."""
    path = Path(file)
    return path.name.partition(".")[0], path.parent.name
