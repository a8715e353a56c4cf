"""QQ: its own 消息记录 as text, and the JSON of QQChatExporter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from offbook.data.extract.chat_log.formats import wechat
from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages, string_in
from offbook.data.extract.chat_log.lines import head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

TITLE = re.compile(r"^\ufeff?(?:消息记录|消息分组|消息对象)")
MEDIA_ELEMENTS = frozenset(
    ["image", "video", "audio", "file", "forward", "json", "xml", "location", "markdown", "record", "voice", "ptt"]
)
STICKER_ELEMENTS = frozenset(["face", "market_face", "mface", "sticker", "shake", "dice", "rps", "poke"])


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a QQ export.

    Raises:
        ParseError: the JSON is malformed.
    """
    if not is_json(head(lines, 20)):
        return wechat.read_text(lines)
    return (_message(line, item, string_in(preamble, "name")) for line, item, preamble in read_messages(lines))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a QQ export: 0 or 1."""
    if is_json(sample):
        return float({"chatInfo", "messages"} <= json_keys(sample))
    is_titled = any(TITLE.match(line) for line in sample[:10])
    return float(is_titled and any(wechat.HEADER.match(line) for line in sample))


def _message(line: int, item: JsonObject, chat: str) -> Message:
    person = item.get("sender")
    sender = "?"
    if isinstance(person, dict):
        fields = ("groupCard", "remark", "name", "nickname", "uin", "uid")
        sender = next((str(person[field]) for field in fields if person.get(field)), "?")
    body = item.get("content")
    body = body if isinstance(body, dict) else {"text": body}
    text, content = _body(body)
    if item.get("recalled"):
        content = Content.DELETED
    elif item.get("system"):
        content = Content.NOTE
    sent_at = any_time(item.get("timestamp")) or any_time(item.get("time"))
    return Message(sender, text, line, sent_at, content, chat, str(item.get("id", "")), _reply_to(body))


def _body(body: JsonObject) -> tuple[str, Content]:
    elements = [each for each in _list(body.get("elements")) if isinstance(each, dict)]
    if not elements:
        text = str(body.get("text") or "")
        return text, Content.TEXT if text else Content.NOTE
    parts = []
    for element in elements:
        data = element.get("data")
        if element.get("type") in ("text", "at") and isinstance(data, dict):
            parts.append(str(data.get("text") or data.get("name") or ""))
    text, kinds = "".join(parts).strip(), {str(element.get("type")) for element in elements}
    if text:
        return text, Content.TEXT
    if kinds & MEDIA_ELEMENTS:
        return str(body.get("text") or ""), Content.MEDIA
    return str(body.get("text") or ""), Content.STICKER if kinds & STICKER_ELEMENTS else Content.NOTE


def _reply_to(body: JsonObject) -> str:
    candidates = [body.get("reply"), *(e.get("data") for e in _list(body.get("elements")) if isinstance(e, dict))]
    for each in candidates:
        if isinstance(each, dict) and (identity := each.get("messageId") or each.get("referencedMessageId")):
            return str(identity)
    return ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


FORMAT = ChatFormat("qq", "QQ's text export, QQChatExporter's JSON", read, looks_like, is_json=True)
