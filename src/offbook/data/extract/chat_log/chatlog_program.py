"""WeChat through the program chatlog: its text, CSV and JSON.

阿澈(wxid_a1) 2021-05-12 21:30:05          老汤(我) 05-12 21:31:06
灯亮了吗？                                  > 阿澈(wxid_a1) 05-12 21:30:05
                                          > 灯亮了吗？
                                          四点就亮了
The day is told where the messages are of several, the year where they are of several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from offbook.data.extract.chat_log.json_stream import read_messages
from offbook.data.extract.chat_log.lines import entries, json_keys
from offbook.data.extract.chat_log.message import Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.quotations import Quotations
from offbook.data.extract.chat_log.table_stream import read_table
from offbook.data.extract.chat_log.times import UNTOLD_YEAR, RunningClock, iso_time
from offbook.data.extract.cue import Lines

ME = "我"
_TIME = r"(?P<day>(?:\d{4}-)?\d\d-\d\d )?(?P<clock>\d\d:\d\d:\d\d)"
HEADER = re.compile(
    rf"^\ufeff?(?:(?P<name>(?!> )\S.{{0,200}}?)\((?:我|[\w@.-]{{2,60}})\)|(?P<bare>系统消息|我|[\w@.-]{{6,60}}))"
    rf"(?: \[[^\n]{{1,120}}\])? {_TIME}$"
)
CERTAIN = re.compile(rf"^\ufeff?(?!> )\S.{{0,200}}?\((?:我|wxid_\w+)\)(?: \[[^\n]{{1,120}}\])? {_TIME}$")
QUOTED = re.compile(r"\A(?:> ?[^\n]*(?:\n|\Z))+")
ATTACHED = re.compile(
    r"!?\[(?:图片|视频|语音|文件|链接|分享|小程序|视频号|合并转发|转账|红包|红包封面|群公告|名片|GIF表情|位置|引用)"
    r"(?:\|.*)?\](?:\(.*\))?|\[合并转发.*|Type: \d+ Content: .*",
    re.DOTALL,
)
"""What the program writes in the place of a picture, a link and the like."""
COLUMNS = {"time", "sendername", "talkername", "talker", "content"}
KEYS = {"isSelf", "talkerName", "senderName", "isChatRoom", "content"}
TYPES = {
    1: Content.TEXT, 10000: Content.NOTE, 50: Content.CALL, 47: Content.STICKER,
}  # fmt: skip
"""WeChat's numbers of what a message holds; any other is a picture, a voice message, a file."""
CARD, ANSWER, PAT = 49, 57, 62
"""A card; of these one is an answer with what it quotes, one a knock on somebody's picture."""


def is_text(sample: Sequence[str]) -> bool:
    """Whether a text is the program's."""
    return sum(bool(CERTAIN.match(line)) for line in sample) > 1


def is_json(sample: Sequence[str]) -> bool:
    """Whether a JSON text is the program's."""
    return json_keys(sample) >= KEYS


def read_text(lines: Lines) -> Iterator[Message]:
    """The messages of the program's text."""
    clock, earlier = RunningClock(), Quotations()
    for line, header, more in entries(lines, HEADER):
        body = "\n".join(text.strip() for text in more).strip()
        name = header["name"] or header["bare"]
        yield _written(name, body, line, _time(header, clock), earlier)


def read_csv(lines: Lines) -> Iterator[Message]:
    """The messages of the program's table.

    Raises:
        ParseError: the table is malformed.
    """
    earlier = Quotations()
    for line, row in read_table(lines):
        name = row["sendername"] or row.get("sender", "")
        yield _written(name, row["content"].strip(), line, iso_time(row["time"]), earlier, row["talkername"])


def read_json(lines: Lines) -> Iterator[Message]:
    """The messages of the program's JSON.

    Raises:
        ParseError: the JSON is malformed.
    """
    earlier = Quotations()
    for line, item, _ in read_messages(lines, re.compile("messages|items|data")):
        message = _message(line, item)
        contents = item.get("contents")
        quoted = contents.get("refer") if isinstance(contents, dict) else None
        words = str(quoted.get("content") or "") if isinstance(quoted, dict) else ""
        message = message._replace(reply_to=earlier.find(words) if words else "")
        earlier.remember(message.text, message.id)
        yield message


def _message(line: int, item: Mapping[str, Any]) -> Message:
    kind, subtype = item.get("type"), item.get("subType")
    text = str(item.get("content") or "").strip()
    content = TYPES.get(kind, Content.MEDIA) if isinstance(kind, int) else Content.MEDIA
    if kind == CARD and subtype in (ANSWER, PAT):
        content = Content.TEXT if subtype == ANSWER else Content.STICKER
    if content is Content.TEXT:
        content = phrases("wechat").content(text) if text else Content.NOTE
    chat = str(item.get("talkerName") or item.get("talker") or "")
    other = chat if item.get("isChatRoom") is False else str(item.get("sender") or "?")
    sender = str(item.get("senderName") or (ME if item.get("isSelf") else other))
    sender = "" if content is Content.NOTE else sender
    return Message(sender, text, line, iso_time(item.get("time")), content, chat, str(item.get("seq") or line))


def _written(name: str, body: str, line: int, sent_at: datetime | None, earlier: Quotations, chat: str = "") -> Message:
    """A message as the program writes it out, with what it quotes above it."""
    quotation = QUOTED.match(body)
    text = body[quotation.end() :].strip() if quotation else body
    answered = ""
    if quotation:
        words = [part.removeprefix(">").strip() for part in quotation[0].strip().split("\n")[1:]]
        answered = earlier.find("\n".join(words))
    content = phrases("wechat").content(text) if text else Content.NOTE
    if name == "系统消息":
        content = Content.NOTE
    elif content is Content.TEXT and ATTACHED.fullmatch(text):
        content = Content.MEDIA
    identity = str(line)
    earlier.remember(text, identity)
    sender = "" if content in (Content.NOTE, Content.DELETED) else name
    return Message(sender, text, line, sent_at, content, chat, identity, answered)


def _time(header: re.Match[str], clock: RunningClock) -> datetime | None:
    day, time = (header["day"] or "").strip(), header["clock"]
    if day:
        return iso_time(f"{day if len(day) > 5 else f'{UNTOLD_YEAR}-{day}'} {time}")
    return clock.at(*time.split(":"))
