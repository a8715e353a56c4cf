"""Final Draft scripts (.fdx), as lines of Fountain: every kind of paragraph is marked as what it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from offbook.data.extract.document.line import BrokenDocumentError, Line, Place, local, parse_xml, spaced

FORCED = {"Scene Heading": ".", "Action": "!", "General": "!", "Shot": "!", "Character": "@", "Transition": "> "}
"""Kind of paragraph → the mark by which Fountain forces it."""
SPOKEN = ("Dialogue", "Lyrics", "Parenthetical")


def read(path: Path) -> Iterator[Line]:
    """The lines of a script; those of a speech follow its character without a blank line."""
    root = parse_xml(path.read_bytes(), "it")
    content = next((node for node in root.iter() if local(node) == "Content"), None)
    if local(root) != "FinalDraft" or content is None:
        raise BrokenDocumentError("it is no Final Draft script", "Export it from Final Draft as .fdx or .fountain.")
    for number, node in enumerate((node for node in content.iter() if local(node) == "Paragraph"), 1):
        place: Place = {"paragraph": number}
        kind = node.get("Type", "")
        text = spaced("".join(child.text or "" for child in node if local(child) == "Text"))
        if not text:
            continue
        if kind == "Parenthetical" and not text.startswith("("):
            text = f"({text})"
        if kind not in SPOKEN:
            yield Line("", place)
        yield Line(FORCED.get(kind, "") + text, place)
