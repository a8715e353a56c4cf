"""PDF files that hold text. Pages that are pictures hold none, and are refused with a word about text recognition."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from offbook.data.extract.document.columns import in_columns, is_read_across
from offbook.data.extract.document.line import BrokenDocumentError, Line

LEAST_LETTERS = 20
"""A page with fewer letters on average is a picture."""
PAGE_NUMBER = re.compile(
    r"^[\W_]*(?:(?:page|seite|p\.)\s*)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:/|of|von)\s*\d+)?[\W_]*$", re.I
)
HYPHEN = re.compile(r"(?<=[^\W\d_])-$")
ENDS = re.compile(r"[.!?:;。！？：”’\"'）)」』…—-]$")
TYPED = re.compile(r"courier|typewriter|\bmono|prestige|nimbusmon", re.IGNORECASE)
"""Fonts all of whose letters are as wide: film scripts are set in them, and say by their margins what a line is."""
PROBED = 8
"""Pages that are looked at for columns: to draw them all takes as long again as to read them."""
FULL = 0.8
"""A line of less than this share of the page's width ends its paragraph."""


def read(path: Path) -> Iterator[Line]:
    """The lines of a document, page by page, without page numbers and running heads."""
    typed, pages = _pages(path)
    pages = _without_running_heads(pages)
    letters = sum(char.isalpha() for lines in pages for line in lines for char in line)
    if letters < LEAST_LETTERS * max(1, len(pages)):
        raise BrokenDocumentError(
            "it holds pictures of pages and next to no text (a scan)",
            "Have its text recognized first, for example: ocrmypdf --sidecar text.txt in.pdf out.pdf",
        )
    if typed:
        yield from (Line(line, {"page": number}) for number, lines in enumerate(pages, 1) for line in [*lines, ""])
        return
    width = _width(pages)
    broken = ""
    for number, lines in enumerate(pages, 1):
        for line in lines:
            text = broken + line.lstrip() if broken else line
            broken = ""
            if HYPHEN.search(text) and len(text) >= FULL * width:
                broken = text[:-1]
                continue
            yield Line(text, {"page": number})
            if width and len(text.strip()) < FULL * width and ENDS.search(text.strip()):
                yield Line("", {"page": number})
    if broken:
        yield Line(broken + "-", {"page": len(pages)})


def _pages(path: Path) -> tuple[bool, Sequence[Sequence[str]]]:
    """Whether the document is typed, and the lines of its pages; those of a typed one with their margins and gaps."""
    import pypdf  # takes a while to import

    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise BrokenDocumentError("it is protected by a password", "Save a copy without the password.")
        typed = sum(_is_typed(page) for page in reader.pages) > len(reader.pages) / 2
        return typed, _typed_lines(reader.pages) if typed else _lines(reader.pages)
    except BrokenDocumentError:
        raise
    except Exception as error:  # a damaged file makes pypdf raise errors of any kind
        raise BrokenDocumentError(
            "it is no PDF, or is damaged: {error}",
            "Export it again.",
            error=error,
        ) from None


def _typed_lines(pages: Sequence[Any]) -> list[list[str]]:
    drawn = [_drawn(page) for page in pages]
    return [in_columns(lines) or lines for lines in drawn]


def _lines(pages: Sequence[Any]) -> list[list[str]]:
    """The lines of each page in the order of the file, column after column where that order runs across columns."""
    texts = [page.extract_text() for page in pages]
    probed = range(0, len(texts), max(1, len(texts) // PROBED))
    if not any(is_read_across(_drawn(pages[number]), texts[number]) for number in probed):
        return [text.split("\n") for text in texts]
    lines = []
    for page, text in zip(pages, texts, strict=True):
        drawn = _drawn(page)
        columns = in_columns(drawn) if is_read_across(drawn, text) else None
        lines.append([line.strip() for line in columns if line.strip()] if columns else text.split("\n"))
    return lines


def _drawn(page: Any) -> list[str]:
    """The lines of a page as they lie on it, with the spaces between."""
    lines: list[str] = page.extract_text(extraction_mode="layout").split("\n")
    return lines


def _is_typed(page: Any) -> bool:
    """Whether a page has text in a font of a typewriter's."""
    fonts = page.get("/Resources", {}).get("/Font", {})
    return any(TYPED.search(str(fonts[name].get("/BaseFont", ""))) for name in fonts)


def _without_running_heads(pages: Sequence[Sequence[str]]) -> list[list[str]]:
    """The pages without page numbers, and without what stands at the head or foot of many of them."""
    edges = Counter(_edge(line) for lines in pages for line in {*lines[:1], *lines[-1:]} if line.strip())
    often = {edge for edge, count in edges.items() if count >= max(3, 0.3 * len(pages))}
    cleaned = []
    for lines in pages:
        kept = list(lines)
        for place in (0, -1):
            while kept and (not kept[place].strip() or PAGE_NUMBER.match(kept[place]) or _edge(kept[place]) in often):
                kept.pop(place)
        cleaned.append(kept)
    return cleaned


def _edge(line: str) -> str:
    return re.sub(r"\d+", "#", line).strip().casefold()


def _width(pages: Sequence[Sequence[str]]) -> int:
    """The width of the text in characters where it is prose in lines, else 0: in verse a short line ends nothing."""
    lengths = sorted(len(line.strip()) for lines in pages for line in lines if line.strip())
    width = lengths[int(0.9 * (len(lengths) - 1))] if lengths else 0
    return width if lengths and lengths[len(lengths) // 2] >= FULL * width else 0
