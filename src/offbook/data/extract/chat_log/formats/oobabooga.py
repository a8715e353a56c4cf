"""The history of oobabooga's text-generation-webui: JSON with pairs of what the user and the character wrote.

{"internal": [["<|BEGIN-VISIBLE-CHAT|>", "Welcome."], ["Is it lit?", "Since four."]], "visible": [["", "Welcome."], …]}
logs/chat/Mara/20240501-21-30-42.json       the character's name is the folder's
Mara_20230501-213042.json                   or the file's, in older versions
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from offbook.data.extract.chat_log.json_stream import JsonText
from offbook.data.extract.chat_log.lines import is_json
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import spelled_time
from offbook.data.extract.cue import Lines

USER, CHARACTER = "You", "AI"
"""What the program calls the two sides at first; the file does not name them."""
BEGIN = "<|BEGIN-VISIBLE-CHAT|>"
"""What stands in the place of the user's words where the character greets."""
KEYS = ("internal", "data")
"""The pairs as they were said; `visible` has them as HTML."""
HEAD = re.compile(r'\{\s*"(?:internal|data)"\s*:\s*\[\s*\[\s*"|\{\s*"(?:visible|data_visible)"\s*:\s*\[\s*\[\s*"')
OLD_NAME = re.compile(r"(?P<name>.+)_(?:persistent|\d{8}-\d{6})")
NEW_NAME = re.compile(r"\d{8}-\d{2}-\d{2}-\d{2}")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a history.

    Raises:
        ParseError: the JSON is malformed.
    """
    source = JsonText(lines)
    history = source.value if isinstance(source.value, dict) else {}
    pairs: list[Any] = next((history[key] for key in KEYS if isinstance(history.get(key), list)), [])
    metadata = history.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    names = USER, _character(Path(getattr(lines, "path", "")))
    for number, pair in enumerate(pairs):
        sides = zip(("user", "assistant"), names, pair, strict=False) if isinstance(pair, list) else ()
        for role, name, text in sides:
            if isinstance(text, str) and text not in ("", BEGIN):
                sent_at = _time(metadata.get(f"{role}_{number}"))
                content = Content.TEXT if text.strip() else Content.NOTE
                yield Message(name, text, source.line_of(text), sent_at, content)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a history: 0 or 1."""
    return float(is_json(sample) and HEAD.match("\n".join(sample[:20]).lstrip("\ufeff \n")) is not None)


def _character(path: Path) -> str:
    if match := OLD_NAME.fullmatch(path.stem):
        return match["name"]
    return path.parent.name if NEW_NAME.fullmatch(path.stem) and path.parent.name else CHARACTER


def _time(details: Any) -> Any:
    return spelled_time(str(details.get("timestamp") or "")) if isinstance(details, dict) else None


FORMAT = ChatFormat(
    "oobabooga", "text-generation-webui's history (JSON)", read, looks_like, is_json=True, is_text=False
)
