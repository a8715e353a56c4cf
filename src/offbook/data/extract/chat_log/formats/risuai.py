"""RisuAI's chats: one (`risuChat`) or all of a character's (`risuAllChats`) as JSON, one as text or as a web page.

In JSON the character's name stands in the file's name alone: Mara_2024-05-01T213042123Z_chat.json

--Mara                        <div class="chat"><h2>Mara</h2><div>The lamp is lit.</div></div>
The lamp is lit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import entries, head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.chat_log.web_page import elements, is_page
from offbook.data.extract.cue import Lines

USER, CHARACTER = "User", "Character"
"""What the two sides are called where nothing names them."""
FILE_NAME = re.compile(r"(?P<name>.+?)_\d{4}-\d{2}-\d{2}T\d{6,9}Z_(?:chat|all_chats?)", re.IGNORECASE)
NAME = re.compile(r"^\ufeff?--(?P<name>[^\s-][^\n]{0,79})$")
CHAT = "chat"
PAGE = re.compile(r'\.idat\s*\{|<div class="idat">|<p>Chat from Risuai</p>')
TYPE = re.compile(r'"type"\s*:\s*"risu(?:All)?Chats?"')


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such chats; each chat begins anew.

    Raises:
        ParseError: the JSON is malformed.
    """
    first = head(lines)
    if not is_json(first):
        yield from _from_page(lines) if is_page("\n".join(first[:20])) else _from_text(lines)
        return
    match = FILE_NAME.match(Path(getattr(lines, "path", "")).stem)
    character = match["name"] if match else CHARACTER
    speakers = {str(item.get("saying")) for _, item, _ in read_messages(lines, "message") if item.get("saying")}
    chats: dict[str, int] = {}
    for line, item, preamble in read_messages(lines, "message"):
        number = chats.setdefault(preamble, len(chats) + 1)
        name = character if len(speakers) < 2 else str(item.get("saying") or character)  # in a group each has a number
        yield _message(line, item, name, f"chat {number}")


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like RisuAI's chats: 0 or 1."""
    if is_page("\n".join(sample[:20])):
        return float(
            any(PAGE.search(line) for line in sample) and any("<h2>" in line or "<td>" in line for line in sample)
        )
    if not is_json(sample):
        return _likeness(sample)
    return float(TYPE.search("\n".join(sample[:10])[:4000]) is not None and "data" in json_keys(sample))


def _message(line: int, item: JsonObject, character: str, chat: str) -> Message:
    text = str(item.get("data") or "")
    sender = str(item.get("name") or (USER if item.get("role") == "user" else character))
    content = Content.NOTE if item.get("isComment") or not text.strip() else Content.TEXT
    return Message(sender, text, line, any_time(item.get("time")), content, chat)


def _likeness(sample: Sequence[str]) -> float:
    """1 where the text begins with a name and a few names recur so, each with a text below."""
    first = next((line for line in sample if line.strip()), "")
    names = [match["name"] for line in sample if (match := NAME.match(line))]
    return float(NAME.match(first) is not None and len(names) > 1 and len(set(names)) <= max(2, len(names) / 1.5))


def _from_text(lines: Lines) -> Iterator[Message]:
    for line, header, more in entries(lines, NAME):
        text = "\n".join(more).strip()
        yield Message(header["name"].strip(), text, line, None, Content.TEXT if text else Content.NOTE)


def _from_page(lines: Lines) -> Iterator[Message]:
    """The messages of a page, or of the table that is copied to be set into one."""
    for element in elements(lines, lambda each: each.is_a(CHAT) or each.tag == "tr"):
        parts = element.parts()
        if len(parts) == 2 and parts[0].tag in ("h2", "td"):
            text = parts[1].text()
            content = Content.TEXT if text else Content.MEDIA
            yield Message(parts[0].text() or CHARACTER, text, element.line, None, content)


FORMAT = ChatFormat("risuai", "RisuAI's chats (JSON, text, HTML)", read, looks_like, is_json=True, is_page=True)
