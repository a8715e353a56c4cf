"""WhatsApp-Chat-Exporter's result.json, made from a phone's backup: address → chat → number → message.

What the phone's owner wrote is signed `Me`; in a chat of two the other side is called as the chat is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, JsonText
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.cue import Lines

KEYS = frozenset(["messages", "from_me", "key_id", "quoted_data"])
ME = "Me"
BREAK = re.compile(r"<br ?/?>")
CALL = re.compile(r"A (?:group )?(?:video|voice) (?:group )?call\b", re.IGNORECASE)


def read(lines: Lines) -> Iterator[Message]:
    """The messages of all chats; the file is held in memory.

    Raises:
        ParseError: the JSON is malformed.
    """
    text = JsonText(lines)
    for address, chat in text.value.items() if isinstance(text.value, dict) else ():
        messages = chat.get("messages") if isinstance(chat, dict) else None
        if not isinstance(messages, dict):
            continue
        name = str(chat.get("name") or address.partition("@")[0])
        for item in messages.values():
            if isinstance(item, dict):
                yield _message(item, name, text)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a file: 0 or 1."""
    return float(is_json(sample) and json_keys(sample) >= KEYS)


def _message(item: JsonObject, chat: str, source: JsonText) -> Message:
    written = item.get("caption") if item.get("media") else item.get("data")
    written = written if isinstance(written, str) else ""
    text = BREAK.sub("\n", written).strip()
    content = Content.TEXT if text else Content.MEDIA
    if item.get("meta"):
        content = Content.CALL if CALL.match(text) else Content.NOTE
    elif item.get("sticker"):
        content = Content.STICKER
    key = str(item.get("key_id") or "")
    line = source.line_of(written or key)
    sender = ME if item.get("from_me") else str(item.get("sender") or chat)
    return Message(
        sender, text, line, epoch_time(item.get("timestamp")), content, chat, key, str(item.get("reply") or "")
    )


FORMAT = ChatFormat(
    "whatsapp_exporter", "WhatsApp-Chat-Exporter's result.json", read, looks_like, is_json=True, is_text=False
)
