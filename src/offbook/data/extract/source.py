"""The files that lines are extracted from: plain text line by line, documents through their readers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path

from offbook.core.progress import CountProgress, uncounted
from offbook.data.encoding import open_text
from offbook.data.extract.aozora import without_notes
from offbook.data.extract.chat_log.formats import CHAT_FORMATS
from offbook.data.extract.chat_log.slack_workspace import SlackWorkspace, slack_days, slack_workspace
from offbook.data.extract.document import UNREADABLE, Document, kind_of, open_document
from offbook.data.extract.document.line import Place
from offbook.data.extract.gutenberg import within_book

HEAD, HEAD_OF_PAGE = 200, 3000
"""So many lines tell whether a web page is a chat's export; styles may stand above the first message."""
MARKUP = (".html", ".htm", ".xml")
SURELY_A_CHAT = 0.5


class TextFile:
    """A text file's numbered lines, readable again and again without holding them."""

    def __init__(self, path: Path, progress: CountProgress = uncounted) -> None:
        self.path = path
        self.progress = progress

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return without_notes(within_book(open_text(self.path, self.progress)))

    def place(self, _number: int) -> Place:
        """Nothing: a line of a text file is told by its number alone."""
        return {}


def open_source(
    path: Path, progress: CountProgress = uncounted, days: Sequence[Path] = ()
) -> TextFile | Document | SlackWorkspace:
    """The numbered lines of a file of any kind.

    Args:
        path: the file, or the folder of a workspace of Slack's.
        progress: is told how many bytes of a text file are read, and how many it has.
        days: the days of a channel of Slack's, of which the file is the first; they are read as one.

    Raises:
        UsageError: it is a document that is damaged or cannot be read.
    """
    if days:
        return slack_days(days, progress)
    if workspace := slack_workspace(path, progress):
        return workspace
    suffix = path.suffix.casefold()
    if (kind_of(path) is None and suffix not in UNREADABLE) or not path.is_file():
        return TextFile(path, progress)
    if suffix in MARKUP and _is_chat(path):
        return TextFile(path, progress)
    status = path.stat()
    return _opened(path, status.st_mtime_ns, status.st_size)


def document_format(path: Path) -> str:
    """The format of the lines of a document or a workspace where its kind tells it, else "auto"."""
    if slack_workspace(path):
        return "slack"
    kind = kind_of(path)
    return kind.format if kind else "auto"


@lru_cache(4)
def _opened(path: Path, _modified: int, _size: int) -> Document:
    return open_document(path)


def _is_chat(path: Path) -> bool:
    head = [text for _, text in islice(open_text(path), HEAD_OF_PAGE)]
    return any(
        chat.is_text and chat.looks_like(head if chat.is_page else head[:HEAD]) >= SURELY_A_CHAT
        for chat in CHAT_FORMATS.values()
    )
