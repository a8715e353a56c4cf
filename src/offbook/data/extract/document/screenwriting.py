r"""Scripts as programs for writing film scripts save them, as lines of Fountain.

    .fadein, .osf   Fade In and others: the Open Screenplay Format, XML, packed in a .fadein
    .highland       Highland 2: Fountain within a packed TextBundle, as in any .textpack
    .trelby         Trelby: each line begins with how it ends (. a paragraph, > a space) and what it is (_ a character)

Sources: the Open Screenplay Format's schema, textbundle.org, Trelby's source (screenplay.py).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from offbook.core.i18n import marked, translate
from offbook.data.encoding import open_text
from offbook.data.extract.document.line import BrokenDocumentError, Line, Place, local, parse_xml, spaced, unpack

FORCED = {"scene heading": ".", "action": "!", "general": "!", "shot": "!", "character": "@", "transition": "> "}
"""Kind of paragraph → the mark by which Fountain forces it."""
SPOKEN = ("dialogue", "parenthetical", "lyrics", "singing")
KINDS = {
    "\\": "scene heading",
    ".": "action",
    "_": "character",
    ":": "dialogue",
    "(": "parenthetical",
    "/": "transition",
    "=": "shot",
    "%": "note",
    "*": "act",
    "@": "act",
}
"""What Trelby calls each kind."""
BODY = re.compile(r"^(?P<end>[>+&|.])(?P<kind>[\\._:(/=%*@])(?P<text>.*)$")
TEXT = re.compile(r"(?:^|/)text\.(?:fountain|md|markdown|txt)$", re.IGNORECASE)
OTHERWISE = marked("Export it as .fdx, .fountain or plain text.")


def read_open_screenplay(path: Path) -> Iterator[Line]:
    """The lines of a script in the Open Screenplay Format, packed or not."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            content = unpack(archive, "document.xml")
    else:
        content = path.read_bytes()
    root = parse_xml(content, translate("it"))
    paragraphs = []
    for node in (node for node in root.iter() if local(node) == "para"):
        style = next((child for child in node if local(child) == "style"), None)
        names = {} if style is None else style.attrib
        kind = names.get("basestylename") or names.get("basestyle") or names.get("name") or ""
        text = "".join(
            child.text or "" for child in node if local(child) == "text" and child.get("strikethrough") != "1"
        )
        paragraphs.append((kind.casefold(), text))
    yield from _as_fountain(paragraphs)


def read_trelby(path: Path) -> Iterator[Line]:
    """The lines of Trelby's scripts."""
    paragraphs: list[tuple[str, str]] = []
    seam: str | None = None
    for _, line in open_text(path):
        if not (match := BODY.match(line)):
            continue
        kind, text = KINDS[match["kind"]], match["text"]
        if seam is not None and paragraphs:
            paragraphs[-1] = kind, paragraphs[-1][1] + seam + text
        else:
            paragraphs.append((kind, text))
        seam = {".": None, "&": ""}.get(match["end"], " ")
    yield from _as_fountain([(kind, text) for kind, text in paragraphs if kind != "note"])


def read_text_bundle(path: Path) -> Iterator[Line]:
    """The lines of the text in a packed TextBundle."""
    with zipfile.ZipFile(path) as archive:
        name = next((name for name in archive.namelist() if TEXT.search(name)), "")
        if not name:
            raise BrokenDocumentError("it holds no text", OTHERWISE)
        text = unpack(archive, name).decode("utf-8-sig", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        yield Line(line, {"script_line": number})


def _as_fountain(paragraphs: Iterable[tuple[str, str]]) -> Iterator[Line]:
    """The lines of paragraphs of known kinds; those of a speech follow its character without a blank line."""
    speaks = False
    for number, (kind, raw) in enumerate(paragraphs, 1):
        place: Place = {"paragraph": number}
        if not (text := spaced(raw)):
            continue
        if kind == "parenthetical" and not text.startswith("("):
            text = f"({text})"
        if kind not in SPOKEN:
            yield Line("", place)
        speaks = speaks or kind == "character"
        yield Line(FORCED.get(kind, "") + (text.upper() if kind == "character" else text), place)
    if not speaks:
        raise BrokenDocumentError("nobody speaks in this script", OTHERWISE)
