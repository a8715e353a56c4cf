"""Rich text files (.rtf): their paragraphs. Source: Rich Text Format Specification 1.9.1 (Microsoft, 2008)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from offbook.data.extract.document import rich_text
from offbook.data.extract.document.line import LARGEST, BrokenDocumentError, Line
from offbook.data.extract.document.rich_text import Paragraph, Run
from offbook.data.extract.word_lists import words

TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})?[ ]?"
    rb"|\\'(?P<code>[0-9a-fA-F]{2})"
    rb"|\\(?P<sign>[^a-zA-Z])"
    rb"|(?P<brace>[{}])"
    rb"|[\r\n]+"
    rb"|(?P<text>[^\\{}\r\n]+)"
)
WORDS = {
    "par": "\n", "sect": "\n", "page": "\n", "row": "\n", "line": "\n", "tab": "\t", "cell": "\t",
    "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•",
    "emspace": " ", "enspace": " ",
}  # fmt: skip
SIGNS = {b"~": "\xa0", b"_": "-", b"-": "", b"\n": "\n", b"\r": "\n"}
LEFT_OUT = words(
    """
    fonttbl colortbl stylesheet info pict object header headerf headerl headerr footer footerf footerl footerr footnote
    annotation deleted listtable listoverridetable revtbl rsidtbl generator themedata xmlnstbl datastore fldinst
    """
)
"""Groups that hold no text of the document's own."""
CODE_PAGES = {0: 1252, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 177: 1255, 178: 1256, 204: 1251}
"""A font's \\fcharset → the code page that its bytes are in."""
FONTS = re.compile(rb"\\f(\d{1,5})(?:\\[a-z]+-?\d* ?)*?\\fcharset(\d{1,3})")
"""A font's number and its character set, in the table of fonts."""
STRUCK = frozenset(["v", "strike", "striked"])
DEEPEST = 1000


@dataclass(slots=True)
class _Group:
    """What holds within a pair of braces."""

    silent: bool = False
    """Whether its text belongs to no paragraph."""
    skipped: int = 1
    """Characters after \\uN that repeat it for programs without Unicode."""
    codec: str = "cp1252"
    bold: bool = False
    italic: bool = False
    struck: bool = False
    """Whether its text is struck through or hidden."""


def read(path: Path) -> Iterator[Line]:
    """The lines of a document, paragraph by paragraph.

    Raises:
        BrokenDocumentError: it is no rich text.
    """
    content = path.read_bytes()
    if not content.startswith(b"{\\rtf") or len(content) > LARGEST:
        raise BrokenDocumentError("it does not begin as rich text does, or is too long")
    yield from rich_text.lines(list(_paragraphs(_runs(content))))


def _paragraphs(text: Iterator[Run]) -> Iterator[Paragraph]:
    number = 0
    for line in rich_text.split(text):
        kept = [run for run in (run._replace(text=run.text.replace("\0", "")) for run in line) if run.text]
        while kept and not kept[0].text.strip():
            kept.pop(0)
        number += bool(kept)
        runs = (kept[0]._replace(text=kept[0].text.lstrip()), *kept[1:]) if kept else ()
        yield Paragraph(runs, {"paragraph": number})


def _runs(content: bytes) -> Iterator[Run]:
    """The document's text; the halves of a character beyond the basic ones, which are written apart, put together."""
    for (bold, italic), parts in groupby(_parts(content), key=lambda run: run[1:]):
        text = "".join(run.text for run in parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        yield Run(text, bold, italic)


def _parts(content: bytes) -> list[Run]:
    parts: list[Run] = []
    pending = bytearray()
    """Bytes of one code page that may be the halves of characters."""
    charsets = {int(font): CODE_PAGES.get(int(charset), 1252) for font, charset in FONTS.findall(content)}
    groups = [_Group()]
    skip = 0

    def flush() -> None:
        if not pending:
            return
        parts.append(_run(pending.decode(groups[-1].codec, "replace"), groups[-1]))
        pending.clear()

    for token in TOKEN.finditer(content):
        group = groups[-1]
        if token["code"]:
            if skip:
                skip -= 1
            elif not group.silent:
                pending.append(int(token["code"], 16))
            continue
        if token["text"]:
            text = token["text"][skip:]
            skip = max(0, skip - len(token["text"]))
            if not group.silent:
                pending += text
            continue
        flush()
        if token["brace"] == b"{":
            if len(groups) > DEEPEST:
                raise BrokenDocumentError("its groups are nested too deeply")
            groups.append(replace(group))
        elif token["brace"]:
            groups[-1:] = [] if len(groups) > 1 else groups[-1:]
        elif token["sign"]:
            group.silent |= token["sign"] == b"*"
            sign = token["sign"].decode("latin-1") if token["sign"] in b"\\{}" else SIGNS.get(token["sign"], "")
            parts += [] if group.silent else [_run(sign, group)]
        elif token["word"]:
            skip = _word(token["word"].decode(), token["number"], group, parts, charsets)
    flush()
    return parts


def _run(text: str, group: _Group) -> Run:
    return Run("" if group.struck else text, group.bold, group.italic)


def _word(word: str, number: bytes | None, group: _Group, parts: list[Run], charsets: dict[int, int]) -> int:
    """Do what a control word says; how many of the next characters repeat what it wrote."""
    value = int(number) if number else 0
    if word in LEFT_OUT:
        group.silent = True
    elif word == "uc":
        group.skipped = max(0, min(value, 8))
    elif word == "ansicpg" and value in (*CODE_PAGES.values(), 1250, 1257, 1258, 874):
        group.codec = f"cp{value}"
    elif word == "f" and value in charsets:
        group.codec = f"cp{charsets[value]}"
    elif word in ("b", "scaps"):
        group.bold = number is None or value != 0
    elif word == "i":
        group.italic = number is None or value != 0
    elif word in STRUCK:
        group.struck = number is None or value != 0
    elif word == "plain":
        group.bold = group.italic = group.struck = False
    elif group.silent:
        return 0
    elif word == "u" and number:
        parts.append(_run(chr(value % 65536), group))
        return group.skipped
    elif word in WORDS:
        parts.append(Run(WORDS[word], group.bold, group.italic))  # a paragraph ends within hidden text, too
    return 0
