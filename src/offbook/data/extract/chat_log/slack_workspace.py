"""A workspace as Slack exports it: a folder or a ZIP archive with a folder for each channel and a file for each day.

acme/users.json                      who is who
acme/dms.json, acme/mpims.json       who takes part in a conversation
acme/general/2024-05-01.json         the messages of a day
"""

from __future__ import annotations

import json
import re
import zipfile
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from offbook.core.errors import UsageError
from offbook.core.progress import CountProgress, uncounted
from offbook.data import unpacking
from offbook.data.extract.cue import Lines

PEOPLE = "users.json"
CONVERSATIONS = ("dms.json", "mpims.json")
"""The lists of conversations of two and of several."""
DAY = re.compile(r"(?:(?P<channel>[^/]+)/)?\d{4}-\d{2}-\d{2}\.json")


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a channel."""

    channel: str
    """The name of its folder."""
    name: str
    """Its file."""
    first_line: int
    """The number of its first line: the lines of all days are numbered on."""
    lines: Lines


class SlackWorkspace:
    """The lines of all days of all channels, numbered on, readable again and again without holding them.

    Args:
        path: the folder, or the archive, as it was named.
        sizes: the files of the days, one channel's after the other's, and their bytes.
        root: what stands before the names of the files that list people and conversations.
        read: a file's name to its bytes.
        progress: is told how many bytes are read, and how many there are.
    """

    def __init__(
        self, path: Path, sizes: Mapping[str, int], root: str, read: Callable[[str], bytes], progress: CountProgress
    ) -> None:
        self.path = path
        self.size = sum(sizes.values())
        """Bytes of all days."""
        self._sizes = sizes
        self._root = root
        self._read = read
        self._progress = progress

    def __iter__(self) -> Iterator[tuple[int, str]]:
        for day in self.days():
            yield from day.lines

    def days(self) -> Iterator[Day]:
        """The days of one channel after the other's, the earliest first.

        Raises:
            UsageError: a day cannot be read.
        """
        first, done = 1, 0
        for name, size in self._sizes.items():
            try:
                lines = self._read(name).decode("utf-8-sig").split("\n")
            except (OSError, ValueError, zipfile.BadZipFile, RuntimeError) as error:
                raise UsageError(
                    "{path} cannot be read: {strerror}",
                    "Check the path and its rights.",
                    path=f"{self.path}: {name}",
                    strerror=error,
                ) from None
            match = DAY.fullmatch(name.removeprefix(self._root))
            yield Day((match and match["channel"]) or self.path.stem, name, first, list(enumerate(lines, first)))
            first, done = first + len(lines), done + size
            self._progress(done, self.size)

    def place(self, number: int) -> dict[str, int | str]:
        """The file of the day in which a line stands."""
        starts, names = self._starts
        return {"day": names[bisect_right(starts, number) - 1]}

    def people(self) -> list[dict[str, Any]]:
        """What the list of people says of each."""
        return self._listed(PEOPLE)

    def members(self) -> dict[str, list[str]]:
        """The folder of a conversation → the numbers of those who take part in it."""
        return {
            str(item.get(key)): [str(member) for member in item["members"]]
            for name in CONVERSATIONS
            for item in self._listed(name)
            for key in ("id", "name")
            if isinstance(item.get("members"), list) and item.get(key)
        }

    def _listed(self, name: str) -> list[dict[str, Any]]:
        try:
            listed = json.loads(self._read(self._root + name))
        except (OSError, KeyError, ValueError, RecursionError):
            return []
        return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []

    @cached_property
    def _starts(self) -> tuple[list[int], list[str]]:
        days = [(day.first_line, day.name) for day in self.days()]
        return [first for first, _ in days], [name for _, name in days]


def slack_workspace(path: Path, progress: CountProgress = uncounted) -> SlackWorkspace | None:
    """The workspace, or the one channel of it, that a folder or an archive holds; None where it is something else.

    Raises:
        UsageError: it is an archive that unpacks to more than any text does.
    """
    if path.is_dir():
        names = [
            file.relative_to(path).as_posix() for depth in ("", "*/", "*/*/") for file in path.glob(f"{depth}*.json")
        ]
        root, days = _days(names)
        if days and DAY.fullmatch(days[0]) and not (path / PEOPLE).is_file():
            root = "../"  # the folder of one channel
        sizes = {name: (path / name).stat().st_size for name in days}
        return SlackWorkspace(path, sizes, root, lambda name: (path / name).read_bytes(), progress) if days else None
    if path.suffix.casefold() != ".zip" or not zipfile.is_zipfile(path):
        return None
    archive = zipfile.ZipFile(path)
    root, days = _days(archive.namelist())
    sizes = {name: archive.getinfo(name).file_size for name in days}
    if sum(sizes.values()) > max(unpacking.UNPACKED, unpacking.RATIO * path.stat().st_size):
        raise UsageError(
            "{path} unpacks to more than {ratio} times its size, which no text does",
            "Unpack it yourself, if it is what you want.",
            path=path,
            ratio=unpacking.RATIO,
        )
    return SlackWorkspace(path, sizes, root, archive.read, progress) if days else None


def slack_days(paths: Sequence[Path], progress: CountProgress = uncounted) -> SlackWorkspace:
    """Some days of one channel, files of one folder, above which the list of people may lie."""
    folder = paths[0].parent
    root = "" if (folder / PEOPLE).is_file() else "../"
    sizes = {path.name: path.stat().st_size for path in paths}
    return SlackWorkspace(folder, sizes, root, lambda name: (folder / name).read_bytes(), progress)


def _days(names: Sequence[str]) -> tuple[str, list[str]]:
    """Where the list of people lies, and the files of the days, one channel's after the other's.

    It lies at the top or in a folder there; a folder of days without such a list is a channel's.
    """
    roots = sorted(
        (name.removesuffix(PEOPLE) for name in names if re.fullmatch(rf"(?:[^/]+/)?{PEOPLE}", name)), key=len
    )
    for root in roots:
        if days := sorted(name for name in names if name.startswith(root) and DAY.fullmatch(name[len(root) :])):
            return root, days
    return "", sorted(name for name in names if "/" not in name and DAY.fullmatch(name))
