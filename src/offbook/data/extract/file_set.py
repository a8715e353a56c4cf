"""Several files as one source: each one's format, and one layout for the short ones, which are too short to show it.

A folder of scenes holds files of a few lines, in some of which each speaker has one line. Nothing recurs there, so the
layout and the speakers are learned from all of them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from mimetypes import guess_type
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.registry import lookup
from offbook.data.encoding import readable
from offbook.data.extract.chat_log.slack_workspace import DAY, slack_workspace
from offbook.data.extract.cue import Lines
from offbook.data.extract.formats import EXTRACTORS, choose
from offbook.data.extract.script.line_kinds import sort_lines
from offbook.data.extract.script.profile import ScriptProfile
from offbook.data.extract.source import open_source

MEDIA = ("image", "audio", "video", "font")
"""What files are that a chat's export has beside its texts."""
SYSTEM_FILES = ("thumbs.db", "desktop.ini")
"""What a system puts into folders."""
SHORT = 150
"""A script of fewer lines learns from the others of its kind."""
SUPPORT = 6
"""So many labels show a short script's own layout."""


@dataclass(frozen=True, slots=True)
class FileSet:
    """What each file is read as."""

    formats: dict[Path, str]
    """File → the name of its format, in the order in which the files were named."""
    unread: dict[Path, UsageError] = field(default_factory=dict)
    """Files of which nothing is read, and why."""
    layouts: dict[Path, ScriptProfile] = field(default_factory=dict)
    """Short scripts → the layout that they share."""
    days: dict[Path, tuple[Path, ...]] = field(default_factory=dict)
    """The first day of a channel of Slack's → all of its days that were named: they are read as one."""


def within_folders(paths: Iterable[Path]) -> list[Path]:
    """The files to read: those named, and for a folder those that lie in it and are no pictures or sounds.

    A workspace of Slack's is a folder that is read as one; a folder without files stays what it is.
    """
    files: dict[Path, None] = {}
    for path in paths:
        inside = [] if slack_workspace(path) or not path.is_dir() else sorted(filter(_may_be_text, path.iterdir()))
        files.update(dict.fromkeys(inside or [path]))
    return list(files)


def _may_be_text(path: Path) -> bool:
    kind, _ = guess_type(path.name, strict=False)
    if path.name.startswith((".", "~$")) or path.name.lower() in SYSTEM_FILES:
        return False
    return path.is_file() and (kind or "").split("/")[0] not in MEDIA


def recognize(paths: Sequence[Path], format: str) -> FileSet:
    """The format of each file. One that cannot be read does not keep the others from being read.

    Args:
        paths: the files, and folders of files.
        format: a name from `EXTRACTORS`, or "auto".

    Raises:
        UsageError: a file is missing, the format is unknown, or no file can be read (the first one's reason).
    """
    paths = within_folders(paths)
    for path in paths:
        with readable(path):
            path.stat()
    if format != "auto":
        lookup(EXTRACTORS, format, "format")
    formats: dict[Path, str] = {}
    unread: dict[Path, UsageError] = {}
    for path in paths:
        try:
            formats[path] = choose(path, format)
        except UsageError as error:
            unread[path] = error
    layouts = _share_layouts(formats, unread)
    if not formats:
        raise next(iter(unread.values()))
    days = _days(formats)
    later = {day for listed in days.values() for day in listed[1:]}
    return FileSet(
        {path: formats[path] for path in paths if path in formats and path not in later}, unread, layouts, days
    )


def _days(formats: dict[Path, str]) -> dict[Path, tuple[Path, ...]]:
    """The days of each channel of Slack's of which several were named, a file each."""
    channels: dict[Path, list[Path]] = {}
    for path, name in formats.items():
        if name == "slack" and DAY.fullmatch(path.name) and path.is_file():
            channels.setdefault(path.parent, []).append(path)
    listed = (tuple(sorted(days)) for days in channels.values() if len(days) > 1)
    return {days[0]: days for days in listed}


def _share_layouts(formats: dict[Path, str], unread: dict[Path, UsageError]) -> dict[Path, ScriptProfile]:
    """The common layout of short scripts; a file that nobody is seen to speak in joins them if it has that layout."""
    layouts: dict[Path, ScriptProfile] = {}
    scripts = [path for path, name in formats.items() if EXTRACTORS[name].style]
    for name in sorted({formats[path] for path in scripts}):
        style = EXTRACTORS[name].style
        assert style is not None
        members = [path for path in scripts if formats[path] == name and _is_short(path)]
        strangers = [path for path in unread if _is_short(path)]
        if len(members) + len(strangers) < 2:
            continue
        texts = [*members, *strangers] if members else [path for path in scripts if formats[path] == name]
        shared = ScriptProfile(_Joined(texts), style)
        for path in members:
            labels = ScriptProfile(open_source(path), style).labels
            if labels.layout == shared.labels.layout or labels.support < SUPPORT:
                layouts[path] = shared
        for path in strangers:
            if _is_labelled(path, shared):
                formats[path], layouts[path] = name, shared
                del unread[path]
    return layouts


def _is_short(path: Path) -> bool:
    try:
        return len(list(islice(open_source(path), SHORT + 1))) <= SHORT
    except UsageError:
        return False


def _is_labelled(path: Path, shared: ScriptProfile) -> bool:
    """Whether somebody speaks in a file by the layout that others have."""
    rows = sort_lines(open_source(path))
    return any(row.kind == "text" and shared.labels.find(row.text, row.after_blank) for row in rows)


class _Joined:
    """The lines of several files, one after the other, with a blank line between."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __iter__(self) -> Iterator[tuple[int, str]]:
        for path in self._paths:
            lines: Lines = open_source(path)
            yield from lines
            yield 0, ""
