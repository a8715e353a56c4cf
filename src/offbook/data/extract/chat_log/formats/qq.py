"""QQ: its own 消息记录 as text and as the page that it saves (.mht), and QQChatExporter's JSON, text and pages.

The latter's text has a line for each part of a message:

阿澈:
时间: 2021-05-12 21:30:00
内容: 灯亮了吗？
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from offbook.data.extract.chat_log.formats import wechat
from offbook.data.extract.chat_log.json_stream import JsonObject, read_json_lines, read_messages, string_in
from offbook.data.extract.chat_log.lines import head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.qq_web import SavedPage, is_exported, is_saved, read_exported
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.chat_log.web_page import is_page
from offbook.data.extract.cue import Lines

TITLE = re.compile(r"^\ufeff?(?:消息记录|消息分组|消息对象)")
REPORT = re.compile(r"^\ufeff?\[QQChatExporter|^\s*QQ聊天记录导出文件\s*$")
REPORTED_TIME = re.compile(r"时间: (?P<time>\d{4}[-/]\d{1,2}[-/]\d{1,2}\D{1,4}\d{1,2}:\d{2}(?::\d{2})?)\s*$")
REPORTED_TEXT = re.compile(
    r"(?:类型: .*\n)?内容: (?:\[回复 [^\]\n]*\]\s*)?(?P<text>.*?)\s*(?=\n(?:资源: \d+ 个文件|提及: |回复: |={20,})|\Z)",
    re.DOTALL,
)
"""What a message says, before what the program tells of its files, of whom it addresses and what it answers."""
MEDIA_ELEMENTS = frozenset(
    ["image", "video", "audio", "file", "forward", "json", "xml", "location", "markdown", "record", "voice", "ptt"]
)
STICKER_ELEMENTS = frozenset(["face", "market_face", "mface", "sticker", "shake", "dice", "rps", "poke"])


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a QQ export.

    Raises:
        ParseError: the JSON is malformed.
    """
    first = head(lines, 20)
    if is_saved(first):
        return wechat.read_text(SavedPage(lines))
    if is_page("\n".join(first)):
        return read_exported(lines)
    if not is_json(first):
        return _from_report(lines) if _is_report(first) else wechat.read_text(lines)
    if "chatInfo" not in json_keys(head(lines, 800)):
        return (_message(line, item, "") for line, item in read_json_lines(lines))
    return (_message(line, item, string_in(preamble, "name")) for line, item, preamble in read_messages(lines))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a QQ export: 0 or 1."""
    if is_json(sample):
        keys = json_keys(sample)
        return float(keys >= {"chatInfo", "messages"} or keys >= {"uin", "elements", "recalled"})
    if is_saved(sample) or is_exported(sample):
        return 1.0
    if _is_report(sample):
        return 1.0
    is_titled = any(TITLE.match(line) for line in sample[:10])
    return float(is_titled and any(wechat.HEADER.match(line) for line in sample))


def _is_report(sample: Sequence[str]) -> bool:
    return any(REPORT.match(line) for line in sample[:10])


def _from_report(lines: Lines) -> Iterator[Message]:
    """The messages of QQChatExporter's text: a time below a line that ends with a colon begins one."""
    name, place, sent_at, body = "", 0, None, list[str]()
    for number, text in lines:
        if (time := REPORTED_TIME.match(text)) and body and body[-1].endswith(":"):
            if place:
                yield _reported(place, name, sent_at, body[:-1])
            name, place, sent_at, body = body[-1][:-1].strip(), number - 1, any_time(time["time"]), []
        else:
            body.append(text)
    if place:
        yield _reported(place, name, sent_at, body)


def _reported(line: int, name: str, sent_at: datetime | None, body: list[str]) -> Message:
    match = REPORTED_TEXT.match("\n".join(body).strip())
    return wechat.from_text(line, name, sent_at, match["text"].split("\n") if match else [])


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


FORMAT = ChatFormat(
    "qq",
    "QQ's text export and pages (.mht), QQChatExporter's JSON, text and pages",
    read,
    looks_like,
    is_json=True,
    is_page=True,
)
