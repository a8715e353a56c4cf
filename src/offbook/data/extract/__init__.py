"""From scripts, novels, chat logs and subtitles to one character's lines, as rows to train on.

    extraction = extract([Path("hamlet.md")], "Hamlet")      # or stream(…), which does not hold the rows
    extraction.rows      [{"messages": […], "source": {"file", "line", "scene"}, "confidence": 1.0}, …]
    extraction.summary   what was taken, what was left out and why
    speakers([Path("hamlet.md")])      who speaks, how much, and who may be one person

No model and no network: the same files give the same rows. A reader turns a file into cues (`cue.py`); `formats.py`
says where a new format goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.progress import CountProgress, fill, uncounted
from offbook.data.extract.chat_log.conversations import RowWriter
from offbook.data.extract.chat_log.exchanges import exchanges
from offbook.data.extract.chat_log.options import USUAL_OPTIONS, ChatOptions
from offbook.data.extract.chat_log.turns import Pauses
from offbook.data.extract.cue import SURE, Cue, ParseError, Skipped
from offbook.data.extract.file_set import FileSet, recognize
from offbook.data.extract.formats import EXTRACTORS
from offbook.data.extract.progress import Passes
from offbook.data.extract.row_file import check_place, save
from offbook.data.extract.rows import Row, RowOptions, to_rows
from offbook.data.extract.source import open_source
from offbook.data.extract.speakers import Cast, SpeakerStats
from offbook.data.extract.summary import LeftOut, Summary


@dataclass(frozen=True, slots=True)
class Listing:
    """Who speaks in some files."""

    speakers: list[SpeakerStats]
    """Everybody, most lines first, with names that may be one person."""
    formats: dict[str, str]
    """File → the format it was read as."""
    unread: dict[str, str]
    """File → why nothing of it was read."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """A character's rows and the account of how they came about."""

    rows: list[Row]
    summary: Summary


def speakers(paths: Sequence[Path], *, format: str = "auto", chat: ChatOptions = USUAL_OPTIONS) -> list[SpeakerStats]:
    """Everybody who speaks in the files: the speakers of `listing`."""
    return listing(paths, format=format, chat=chat).speakers


def listing(
    paths: Sequence[Path],
    *,
    format: str = "auto",
    chat: ChatOptions = USUAL_OPTIONS,
    progress: CountProgress = uncounted,
) -> Listing:
    """Who speaks in the files, and what each file was read as. A file that cannot be read is named in the answer.

    Args:
        paths: the files.
        format: a name from `EXTRACTORS`, or "auto" to tell each file's own.
        chat: how chats are read.
        progress: is told how many bytes of chats are read, and how many there are.

    Raises:
        UsageError: a file is missing, none can be read (with the line), or nobody speaks in them.
    """
    cast, files = _cast(paths, format, chat, Passes(1, progress))
    return Listing(cast.listed(), _named(files), _reasons(files))


@dataclass(frozen=True, slots=True)
class RowStream:
    """A character's rows, made as they are asked for, in the order of its lines; the summary is whole at the end."""

    summary: Summary
    items: Iterator[Row | LeftOut]
    """The rows, and the pieces of the files that are in none."""

    def rows(self) -> Iterator[Row]:
        """The rows alone."""
        return (item for item in self.items if not isinstance(item, LeftOut))


def extract(
    paths: Sequence[Path],
    role: str,
    *,
    format: str = "auto",
    aliases: Iterable[tuple[str, str]] = (),
    context: int = 0,
    keep_actions: bool = False,
    min_confidence: float = SURE,
    chat: ChatOptions = USUAL_OPTIONS,
) -> Extraction:
    """The rows of the character `role`, file by file, in the order of its lines: those of `stream`, in a list."""
    made = stream(
        paths,
        role,
        format=format,
        aliases=aliases,
        context=context,
        keep_actions=keep_actions,
        min_confidence=min_confidence,
        chat=chat,
    )
    return Extraction(list(made.rows()), made.summary)


def stream(
    paths: Sequence[Path],
    role: str,
    *,
    format: str = "auto",
    aliases: Iterable[tuple[str, str]] = (),
    context: int = 0,
    keep_actions: bool = False,
    min_confidence: float = SURE,
    chat: ChatOptions = USUAL_OPTIONS,
    progress: CountProgress = uncounted,
) -> RowStream:
    """The rows of the character `role`, one by one. The files are gone through once before, for who speaks.

    Args:
        paths: the files.
        role: the character, by a name that it goes by in them.
        format: a name from `EXTRACTORS`, or "auto" to tell each file's own.
        aliases: pairs of names that are one person.
        context: turns (in a chat: exchanges) before the prompt that a row carries along.
        keep_actions: leave stage directions and actions in the texts.
        min_confidence: take only lines of which the reader is so sure.
        chat: how chats become rows; scripts and books take no notice of it.
        progress: is told how many bytes of chats are read, and how many there are.

    Raises:
        UsageError: as in `listing`, or nobody of that name speaks; the nearest names are offered.
    """
    passes = Passes(2, progress)
    cast, files = _cast(paths, format, chat, passes)
    formats = _named(files)
    if chat.whole_conversations:
        _check_chats(formats)
    names = cast.names_of(role, aliases)
    summary = Summary(role, tuple(sorted(names)), formats, unread=_reasons(files))
    likely = {alias for speaker in cast.listed() if speaker.name in names for alias in speaker.likely}
    summary.likely_aliases = tuple(sorted(likely - names))
    options = RowOptions(context, min_confidence, keep_actions)
    return RowStream(summary, _items(files, cast, names, options, chat, summary, passes))


def _items(
    files: FileSet,
    cast: Cast,
    names: frozenset[str],
    options: RowOptions,
    chat: ChatOptions,
    summary: Summary,
    passes: Passes,
) -> Iterator[Row | LeftOut]:
    for path, format in files.formats.items():
        file = str(path)
        read = _read(path, files, chat, passes)
        if EXTRACTORS[format].is_chat:
            made = RowWriter(file, options.context, cast.groups(file), chat).rows(exchanges(read, names))
        else:
            made = to_rows(read, names, file, options)
        source = open_source(path, days=files.days.get(path, ()))
        for item in made:
            if isinstance(item, Skipped):
                summary.leave_out(item, file)
                yield LeftOut(file, item)
            else:
                item["source"].update(source.place(item["source"]["line"]))
                summary.count(item)
                yield item


def _check_chats(formats: dict[str, str]) -> None:
    for file, format in formats.items():
        if not EXTRACTORS[format].is_chat:
            raise UsageError(
                "{file} (read as {format}) is not a chat, and only chats become rows of whole conversations",
                "Use --rows reply; --context N adds the turns before each reply.",
                file=file,
                format=format,
            )


def _named(files: FileSet) -> dict[str, str]:
    return {str(each): name for path, name in files.formats.items() for each in files.days.get(path, (path,))}


def _reasons(files: FileSet) -> dict[str, str]:
    return {str(path): error.what for path, error in files.unread.items()}


def _read(path: Path, files: FileSet, chat: ChatOptions, passes: Passes) -> Iterator[Cue | Skipped]:
    """The cues of a file.

    Raises:
        UsageError: it is damaged; the line is named.
    """
    format = files.formats[path]
    try:
        if EXTRACTORS[format].is_chat:
            yield from EXTRACTORS[format].cues(open_source(path, passes.file(path), files.days.get(path, ())), chat)
        elif path in files.layouts:
            yield from EXTRACTORS[format].cues(open_source(path), chat, files.layouts[path])
        else:
            status = path.stat()
            yield from _book(path, format, status.st_mtime_ns, status.st_size)
    except ParseError as damage:
        raise UsageError("{path}:{line}: {why}", damage.fix, path=path, line=damage.line, why=damage.why) from None


@lru_cache(4)
def _book(path: Path, format: str, _modified: int, _size: int) -> tuple[Cue | Skipped, ...]:
    """The cues of a script or book: they are gone through twice, for who speaks and for the rows."""
    return tuple(EXTRACTORS[format].cues(open_source(path), USUAL_OPTIONS))


def _cast(paths: Sequence[Path], format: str, chat: ChatOptions, passes: Passes) -> tuple[Cast, FileSet]:
    """Who speaks in the files. A file that turns out to be damaged is left out, unless it is the only one."""
    files = recognize(paths, "table" if chat.columns else format)
    passes.begin([path for path, name in files.formats.items() if EXTRACTORS[name].is_chat], files.days)
    cast = Cast()
    for path in list(files.formats):
        heard = Cast()
        try:
            for item in _read(path, files, chat, passes):
                if isinstance(item, Cue):
                    heard.add(item, str(path))
        except UsageError as error:
            files.unread[path] = error
            del files.formats[path]
            if not files.formats:
                raise
        else:
            cast.join(heard)
    if not cast.speakers:
        read_as = ", ".join(
            fill("{file} (read as {format})", {"file": path, "format": name}) for path, name in files.formats.items()
        )
        raise UsageError(
            "nobody is named as a speaker in {read_as}",
            "Name the format: {extractors}.",
            read_as=read_as,
            extractors=", ".join(EXTRACTORS),
        )
    return cast, files


__all__ = [
    "EXTRACTORS",
    "SURE",
    "ChatOptions",
    "Cue",
    "Extraction",
    "LeftOut",
    "Listing",
    "Pauses",
    "Row",
    "RowStream",
    "Skipped",
    "SpeakerStats",
    "Summary",
    "check_place",
    "extract",
    "listing",
    "save",
    "speakers",
    "stream",
]
