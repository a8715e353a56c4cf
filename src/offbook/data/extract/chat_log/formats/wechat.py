"""WeChat through the programs that export it: MemoTrace (留痕), PyWxDump, WeFlow, EchoTrace and chatlog.

MemoTrace's text has a line of time and name, then the message:

2023-08-08 21:14:05 阿澈
在吗
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from datetime import datetime
from itertools import islice

from offbook.data.extract.chat_log import chatlog_program, weflow
from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages, string_in
from offbook.data.extract.chat_log.lines import (
    NAME_LENGTH,
    entries,
    head,
    is_json,
    json_keys,
    share,
    stand_above,
    with_long_names,
)
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.remnants import without_remnants
from offbook.data.extract.chat_log.table_stream import columns, read_table
from offbook.data.extract.chat_log.times import any_time, spelled_time
from offbook.data.extract.cue import Lines

DATE = r"\d{4}[-/年]\d{1,2}[-/月]\d{1,2}日?"
CLOCK = r"(?:(?:凌晨|清晨|早上|上午|中午|下午|傍晚|晚上) ?)?\d{1,2}:\d{2}(?::\d{2})?(?: [AP]M)?"
HEADER = re.compile(
    rf"^\ufeff?(?:(?P<date>{DATE}) (?P<clock>{CLOCK}) (?P<name>[^\s:：][^:：]*+|(?<=:\d\d:\d\d )\S.*)"
    rf"|(?P<name_first>(?!{DATE})[^\s:：\[(<][^:：\[\]<>]{NAME_LENGTH}) {{1,3}}"
    rf"(?P<date_last>{DATE}) (?P<clock_last>{CLOCK}))\s*$"
)
"""Time and name, as programs write it, or name and time, as WeChat and QQ copy messages."""
STAMPED = re.compile(rf"\ufeff?{DATE} {CLOCK} \S")
"""A line with a time first; most of them are headers, unless a log has its texts beside the names."""
DECORATED = re.compile(
    r"\S+ \S+ (?:From .+ [tT]o .+:\s*$|(?:from .+ )?[-–—] [A-Z])|.*(?:\*\*|__(?=\S).*__)|#{1,6} |.*\s[-–—·•|]\s\d{4}\D"
)
"""A line of name and time that has Markdown, a dash between the two, whom it is for (Zoom) or whether it is read
(iMazing): of no such program."""
HEADER_PARTS = (("date", "date_last"), ("clock", "clock_last"), ("name", "name_first"))
BADGE = re.compile(r"^(?:【[^】]*】)?(?P<name>.*?)(?P<account>\(\d{5,}\)|<[^<>]+@[^<>]+>)?$")
"""QQ sets a rank before the name and the account's number or address behind it."""
SAMPLE, PAGE = 400, 3000
"""So many lines tell which program a text is of; styles may stand above a page's messages."""
SURVEYED_LINES = 100_000
"""So many lines at the head of a file tell what the owners of accounts are called."""
QUOTED_NAME = re.compile(r"^'(.+)'$")
"""WeFlow's text sets names in quotation marks."""
SYSTEM = re.compile(r"(?:系统消息|系統訊息)(?:\(10000\))?")
"""What QQ signs its own notes with."""
QUOTED = re.compile(r"(?:\n引用[:：].*|\n\s*\[引用\].*|\[引用 .*\])$|\A\[引用 [^\[\]\n]*\]\s*(?=\S)", re.DOTALL)
"""What is answered, behind the answer or before it: MemoTrace's, PyWxDump's `[引用](2021-05-12 21:33:20)阿澈:在吗` on a
line of its own, and WeFlow's `好[引用 阿澈：在吗]`."""
ANSWERED = re.compile(r"^「[^「」]*」\s*\n(?:[-—] ?){5,}\n", re.DOTALL)
"""What a message answers, as WeChat copies it: in brackets above a dashed line."""
TOKENS = re.compile(r"\[(?:图片|表情|表情包|动画表情|闪照|圖片|貼圖)\]")
"""What stands for a picture amid a text."""
PATTED = re.compile(r"[\"“][^\"”\n]{1,40}[\"”] ?拍了拍|我拍了拍 ?[\"“]")
"""What the app notes of somebody's knock on another's picture: "阿澈" 拍了拍 "老汤" 的肩膀"""
TITLE = re.compile(r"<title>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</title>", re.DOTALL)
SPOKEN = "[语音转文字]"
"""What programs set before the words of a voice message."""
MEMOTRACE = {"strcontent", "issender", "createtime"}
PYWXDUMP = {"type_name", "is_sender", "talker", "msg"}
ME = "我"

TYPES = {
    1: Content.TEXT, 3: Content.MEDIA, 34: Content.MEDIA, 42: Content.MEDIA, 43: Content.MEDIA, 47: Content.STICKER,
    48: Content.MEDIA, 49: Content.MEDIA, 50: Content.CALL, 62: Content.MEDIA, 10000: Content.NOTE,
    10002: Content.DELETED,
}  # fmt: skip
"""WeChat's own numbers of what a message holds. 49 is a card: a link, a file, or a quotation with an answer below."""
QUOTATION = ("57", "244813135921")
TYPE_NAMES = {
    "文本": Content.TEXT, "引用": Content.TEXT, "图片": Content.MEDIA, "语音通话": Content.CALL, "通话": Content.CALL,
    "语音": Content.MEDIA, "视频通话": Content.CALL, "视频": Content.MEDIA, "动画表情": Content.STICKER,
    "表情": Content.STICKER, "系统": Content.NOTE, "拍一拍": Content.STICKER, "撤回": Content.DELETED,
    "image": Content.MEDIA, "text": Content.TEXT, "voice": Content.MEDIA, "video": Content.MEDIA,
}  # fmt: skip
"""The same in words, the first that the type contains; any other is a file, a link, a card."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a WeChat export.

    Raises:
        ParseError: the JSON or the table is malformed.
    """
    first = head(lines, 20)
    if is_json(first):
        return chatlog_program.read_json(lines) if chatlog_program.is_json(first) else _from_json(lines)
    if (names := set(columns("".join(first[:1])))) >= chatlog_program.COLUMNS:
        return chatlog_program.read_csv(lines)
    if names >= PYWXDUMP:
        return (_from_pywxdump(line, row) for line, row in read_table(lines))
    if names >= MEMOTRACE:
        return _from_memotrace_s_table(lines)
    if weflow.is_page(head(lines, PAGE)):
        return weflow.read_page(lines)
    if chatlog_program.is_text(head(lines)):
        return chatlog_program.read_text(lines)
    return read_text(weflow.AsText(lines) if weflow.is_markdown(first) else lines)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such an export: half of its lines or so begin a message."""
    if is_json(sample):
        keys = json_keys(sample)
        is_weflow = "weflow" in keys or keys >= {"session", "messages", "senderUsername"}
        return float(is_weflow or keys >= PYWXDUMP or chatlog_program.is_json(sample))
    names = set(columns("".join(sample[:1])))
    if any(names >= table for table in (MEMOTRACE, PYWXDUMP, chatlog_program.COLUMNS)):
        return 1.0
    if chatlog_program.is_text(sample[:SAMPLE]) or weflow.is_markdown(sample) or weflow.is_page(sample):
        return 1.0
    headers = [line for line in sample if HEADER.match(line)]
    stamped = sum(bool(STAMPED.match(line)) for line in sample)
    if (
        not stand_above(sample, HEADER)
        or 3 * len(headers) < 2 * stamped
        or 2 * sum(map(is_header, headers)) < len(headers)
    ):
        return 0.0
    return min(1.0, 2.5 * share(sample, HEADER))


def is_header(line: str) -> bool:
    """Whether a line is one of time and name as these programs and the apps write it."""
    return HEADER.match(line) is not None and not DECORATED.match(line)


def read_text(lines: Lines) -> Iterator[Message]:
    """The messages of a text export of WeChat's or QQ's."""
    names = _names_by_account(lines)
    for line, header, more in entries(lines, with_long_names(HEADER, head(lines, 3000), "name_first")):
        date, clock, named = (header[part] or header[other] for part, other in HEADER_PARTS)
        sent_at = spelled_time(f"{date} {clock}")
        name, account = _name(named)
        yield from_text(line, names.get(account, name), sent_at, more, is_signed=not SYSTEM.fullmatch(named.strip()))


def _names_by_account(lines: Lines) -> dict[str, str]:
    """Account → the name that its owner mostly has: people in QQ's groups change theirs as they like."""
    names: dict[str, Counter[str]] = {}
    for _, text in islice(lines, SURVEYED_LINES):
        if text[-1:] in ")>" and (header := HEADER.match(text)) and header["name"]:
            name, account = _name(header["name"])
            if account:
                names.setdefault(account, Counter())[name] += name not in account  # its number is no name
    return {account: count.most_common(1)[0][0] for account, count in names.items()}


def _name(named: str) -> tuple[str, str]:
    """The name of whoever writes, and the account; "" where none is told."""
    badge = BADGE.match(named)
    name = (badge["name"].strip() if badge else "") or named.strip()
    return QUOTED_NAME.sub(r"\1", name), (badge["account"] or "") if badge else ""


def from_text(
    line: int, name: str, sent_at: datetime | None, more: Sequence[str], *, is_signed: bool = True
) -> Message:
    """A message of a text export or a copy, or a note of the app's, which is not signed by a person."""
    body = without_remnants(ANSWERED.sub("", "\n".join(text.strip() for text in more).strip()))
    body = body.removeprefix(SPOKEN).lstrip()
    picture, _, caption = body.partition("\n")
    if caption and TOKENS.fullmatch(picture):
        body = caption
    content = Content.NOTE if PATTED.match(body) else phrases("wechat").content(body)
    text = TOKENS.sub("", QUOTED.sub("", body)).strip()
    if content is Content.TEXT and not text:
        content = Content.MEDIA if body else Content.NOTE
    if content is Content.TEXT and not is_signed:
        content = Content.NOTE
    sender = "" if not body or content in (Content.DELETED, Content.NOTE) else name
    return Message(sender, text or body or name, line, sent_at, content)


def _from_json(lines: Lines) -> Iterator[Message]:
    for line, item, preamble in read_messages(lines):
        if item.keys() >= PYWXDUMP:
            yield _from_pywxdump(line, {key: "" if value is None else str(value) for key, value in item.items()})
        else:
            chat = string_in(preamble, "displayName") or string_in(preamble, "nickname")
            yield _from_weflow(line, item, chat)


def _from_weflow(line: int, item: JsonObject, chat: str) -> Message:
    sender = str(item.get("senderDisplayName") or item.get("senderUsername") or (ME if item.get("isSend") else "?"))
    text = str(item.get("content") or "")
    content = _named_type(str(item.get("type", "")))
    if text.startswith(SPOKEN):
        text, content = text.removeprefix(SPOKEN), Content.TEXT
    reply_to = item.get("replyToMessageId") or item.get("quotedMessageId") or ""
    identity = str(item.get("platformMessageId") or item.get("serverId") or item.get("localId") or "")
    return _finished(
        Message(sender, text, line, any_time(item.get("createTime")), content, chat, identity, str(reply_to))
    )


def _from_memotrace_s_table(lines: Lines) -> Iterator[Message]:
    """The messages of a table; a name that stands on both sides' messages is that of the chat, so one side is `ME`."""
    by_side: dict[bool, set[str]] = {True: set(), False: set()}
    for _, row in islice(read_table(lines), SURVEYED_LINES):
        by_side[row.get("issender") == "1"].add(_named_in(row))
    names_of_chats = by_side[True] & by_side[False]
    for line, row in read_table(lines):
        yield _from_memotrace(line, row, names_of_chats)


def _named_in(row: dict[str, str]) -> str:
    return row.get("remark") or row.get("nickname") or row.get("sender") or ""


def _from_memotrace(line: int, row: dict[str, str], names_of_chats: Set[str]) -> Message:
    text = row.get("strcontent", "")
    kind = row.get("type", "1")
    content = TYPES.get(int(kind), Content.MEDIA) if kind.isdecimal() and len(kind) < 8 else _named_type(kind)
    if kind in QUOTATION or (kind == "49" and row.get("subtype") in QUOTATION):
        title = TITLE.search(text)
        content, text = Content.TEXT, title[1] if title else text
    is_mine, name = row.get("issender") == "1", _named_in(row)
    sender = ME if is_mine and (not name or name in names_of_chats) else name or "?"
    sent_at = any_time(row.get("strtime")) or any_time(row.get("createtime"))
    chat = row.get("roomname", "") or row.get("talkerid", "")
    return _finished(Message(sender, text, line, sent_at, content, chat, row.get("localid", "")))


def _from_pywxdump(line: int, row: dict[str, str]) -> Message:
    is_mine = row.get("is_sender") == "1" and "room_name" not in row
    sender = ME if is_mine else row.get("talker") or "?"
    chat = row.get("room_name") or ""
    sent_at = any_time(row.get("CreateTime") or row.get("createtime"))
    content = _named_type(row["type_name"])
    return _finished(Message(sender, row["msg"], line, sent_at, content, chat, row.get("id", "")))


def _named_type(name: str) -> Content:
    name = name.casefold()
    return next((content for word, content in TYPE_NAMES.items() if word in name), Content.MEDIA)


def _finished(message: Message) -> Message:
    """The message as what its text shows it to be, where its type says that it is text."""
    if message.content is not Content.TEXT:
        return message
    text = QUOTED.sub("", message.text).strip()
    content = phrases("wechat").content(text)
    return Message(
        message.sender, text, message.line, message.sent_at, content, message.chat, message.id, message.reply_to
    )


FORMAT = ChatFormat(
    "wechat",
    "WeChat through MemoTrace, PyWxDump, WeFlow, EchoTrace or chatlog",
    read,
    looks_like,
    is_json=True,
    is_page=True,
)
