"""Documents that are no plain text: EPUB, Word, PDF and others, turned into numbered lines, each with its place.

    document = open_document(Path("book.epub"))
    list(document)          [(1, "# Chapter I"), (2, ""), (3, "“Is it late?” said Ada."), …]
    document.place(3)       {"chapter": "Chapter I", "paragraph": 1}

A kind of document is a module with `read(path)`, and an entry in `DOCUMENTS`. What it yields is read on by the
readers of novels and scripts: headings begin with `#`, what is played and not spoken is a line in brackets.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.system_errors import system_reason
from offbook.data.extract.document import (
    branching,
    epub,
    final_draft,
    html,
    kirikiri,
    odt,
    pdf,
    renpy,
    rpg_maker,
    rtf,
    screenwriting,
    tei,
    ttml,
    word,
)
from offbook.data.extract.document.line import BrokenDocumentError, Line, Place


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A kind of document: what it is, how it is read, and the format that its lines are in."""

    what: str
    read: Callable[[Path], Iterator[Line]]
    format: str = "auto"
    """The format of what it yields, where the kind tells it: a name of `formats.EXTRACTORS`."""


DOCUMENTS = {
    ".epub": DocumentKind(marked("an EPUB book"), epub.read),
    ".docx": DocumentKind(marked("a Word document"), word.read),
    ".odt": DocumentKind(marked("an OpenDocument text"), odt.read),
    ".rtf": DocumentKind(marked("a rich text file"), rtf.read),
    ".pdf": DocumentKind(marked("a PDF"), pdf.read),
    ".html": DocumentKind(marked("a web page"), html.read),
    ".htm": DocumentKind(marked("a web page"), html.read),
    ".xhtml": DocumentKind(marked("a web page"), html.read),
    ".ttml": DocumentKind(marked("subtitles as TTML"), ttml.read, "subtitles"),
    ".dfxp": DocumentKind(marked("subtitles as TTML"), ttml.read, "subtitles"),
    ".fdx": DocumentKind(marked("a Final Draft script"), final_draft.read, "fountain"),
    ".fdxt": DocumentKind(marked("a Final Draft script"), final_draft.read, "fountain"),
    ".fadein": DocumentKind(marked("a Fade In script"), screenwriting.read_open_screenplay, "fountain"),
    ".osf": DocumentKind(marked("an Open Screenplay"), screenwriting.read_open_screenplay, "fountain"),
    ".highland": DocumentKind(marked("a Highland script"), screenwriting.read_text_bundle, "fountain"),
    ".textpack": DocumentKind(marked("a TextBundle"), screenwriting.read_text_bundle),
    ".trelby": DocumentKind(marked("a Trelby script"), screenwriting.read_trelby, "fountain"),
    ".xml": DocumentKind(marked("a TEI text"), tei.read),
    ".tei": DocumentKind(marked("a TEI text"), tei.read),
    ".rpy": DocumentKind(marked("a Ren'Py script"), renpy.read, "play"),
    ".ks": DocumentKind(marked("a KiriKiri script"), kirikiri.read, "play"),
    ".yarn": DocumentKind(marked("a Yarn Spinner script"), branching.read, "play"),
    ".ink": DocumentKind(marked("an Ink script"), branching.read, "play"),
    ".nani": DocumentKind(marked("a Naninovel script"), branching.read, "play"),
    ".twee": DocumentKind(marked("a Twee script"), branching.read, "play"),
}
RPG_MAKER = DocumentKind(marked("a file of RPG Maker's data"), rpg_maker.read, "play")
SCRIPTS = (".wdz", ".celtx")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif")
UNREADABLE = {
    ".doc": marked("a Word 97 document"),
    ".pages": marked("a Pages document"),
    ".mobi": marked("a Kindle book"),
    ".azw": marked("a Kindle book"),
    ".fb2": marked("a FictionBook"),
    ".wdz": marked("a WriterDuet script"),
    ".celtx": marked("a Celtx project"),
    ".azw3": marked("a Kindle book"),
    **dict.fromkeys(PICTURES, marked("a picture")),
}
"""What is often tried and cannot be read."""


class Document:
    """A document's numbered lines, readable again and again; they are held in memory."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return ((number, line.text) for number, line in enumerate(self._lines, 1))

    def place(self, number: int) -> Place:
        """Where in the document a line stands: its page, chapter or paragraph."""
        return self._lines[number - 1].place if 0 < number <= len(self._lines) else {}


def kind_of(path: Path) -> DocumentKind | None:
    """The kind of document that a file's name tells; None for plain text."""
    return RPG_MAKER if rpg_maker.FILE_NAME.fullmatch(path.name) else DOCUMENTS.get(path.suffix.casefold())


def open_document(path: Path) -> Document:
    """The lines of a document.

    Raises:
        UsageError: it is damaged, holds pictures of pages, or is of a kind that cannot be read.
    """
    kind = kind_of(path)
    if kind is None:
        raise UsageError(
            "{path} is {unreadable}, which extract does not read",
            _RECOGNIZE
            if path.suffix.casefold() in PICTURES
            else _EXPORT
            if path.suffix.casefold() in SCRIPTS
            else _SAVE_AS,
            path=path,
            unreadable=translate(UNREADABLE[path.suffix.casefold()]),
        )
    try:
        return Document(list(kind.read(path)))
    except BrokenDocumentError as broken:
        raise UsageError(
            "{path}: {broken}",
            "{advice}",
            path=path,
            broken=broken,
            advice=broken.fix,
        ) from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise UsageError(
            "{path} is not {kind}, or is damaged", _SAVE_AS, path=path, kind=translate(kind.what)
        ) from error
    except OSError as error:
        raise UsageError(
            "{path} cannot be read: {strerror}",
            "Is it the right file?",
            path=path,
            strerror=system_reason(error),
        ) from None


_SAVE_AS = marked("Open it in the program that wrote it and save it as .docx, .epub or plain text.")
_EXPORT = marked("Export it from the program that wrote it as .fdx, .fountain, .pdf or plain text.")
_RECOGNIZE = marked(
    "Give the text itself: a chat as its app exports it; else have the picture's text recognized first (OCR)."
)

__all__ = ["DOCUMENTS", "UNREADABLE", "Document", "DocumentKind", "kind_of", "open_document"]
