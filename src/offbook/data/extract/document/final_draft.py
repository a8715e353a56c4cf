"""Final Draft scripts (.fdx), as lines of Fountain: every kind of paragraph is marked as what it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from offbook.core.i18n import translate
from offbook.data.extract.document.line import BrokenDocumentError, Line, Place, local, parse_xml, spaced
from offbook.data.extract.script.fountain import IN_PREFIX

FORCED = {"Scene Heading": ".", "Action": "!", "General": "!", "Shot": "!", "Character": "@", "Transition": "> "}
"""Kind of paragraph → the mark by which Fountain forces it."""
NOTES = ("ScriptNote", "SceneProperties")
"""What a writer notes at a paragraph."""
STRUCK = "Strikeout"
"""The style of what a writer has struck through."""
SPOKEN = ("Dialogue", "Lyrics", "Parenthetical")


def read(path: Path) -> Iterator[Line]:
    """The lines of a script; those of a speech follow its character without a blank line."""
    root = parse_xml(path.read_bytes(), translate("it"))
    content = next((node for node in root.iter() if local(node) == "Content"), None)
    if local(root) != "FinalDraft" or content is None:
        raise BrokenDocumentError("it is no Final Draft script", "Export it from Final Draft as .fdx or .fountain.")
    for number, node in enumerate(_paragraphs(content), 1):
        place: Place = {"paragraph": number}
        kind = node.get("Type", "")
        text = spaced(
            "".join(
                child.text or "" for child in node if local(child) == "Text" and STRUCK not in child.get("Style", "")
            )
        )
        if not text:
            continue
        if kind == "Parenthetical" and not text.startswith("("):
            text = f"({text})"
        if kind == "Character":
            text = _in_capitals(text)
        if kind not in SPOKEN:
            yield Line("", place)
        yield Line(FORCED.get(kind, "") + text, place)


def _in_capitals(name: str) -> str:
    """A name as Final Draft shows it, however it was typed; the small letters of McCABE were meant."""
    return name if IN_PREFIX.sub("MC", name).isupper() else name.upper()


def _paragraphs(node: Element) -> Iterator[Element]:
    """The paragraphs, also those of two who speak at once, without notes."""
    for child in node:
        if local(child) == "Paragraph":
            yield child
        if local(child) not in NOTES:
            yield from _paragraphs(child)
