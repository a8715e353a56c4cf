"""A table of messages, CSV, TSV or JSON Lines: a column of senders, one of texts, perhaps one of times.

The usual names of these columns are recognized (`USUAL` below); others are named with `--columns`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from offbook.data.extract.chat_log.json_stream import read_json_lines, read_messages
from offbook.data.extract.chat_log.lines import head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.table_stream import columns, read_table
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines, ParseError

Columns = Mapping[str, str]
"""What a column holds (sender, text, time, chat, id, reply_to) → its name in the table."""

USUAL = {
    "sender": "sender speaker role author from user name who character nickname username sender_name 发送者 发送人 "
    "发言人 说话人 角色 人物 昵称 姓名 發送者 說話人 送信者 発言者 話者 보낸사람 발신자 이름",
    "text": "text message content line body dialogue utterance msg words quote 内容 消息 台词 文本 对白 对话 发言 "
    "消息内容 內容 訊息 台詞 メッセージ 本文 セリフ 메시지 내용 대사",
    "time": "time date timestamp datetime sent_at created_at createtime create_time when 时间 日期 时间戳 发送时间 "
    "時間 日時 날짜 시간",
    "chat": "chat channel conversation conversation_id thread room group scene 会话 群聊 聊天 频道 场景 場景",
    "id": "id message_id msg_id",
    "reply_to": "reply_to reply_to_id reply_to_message_id in_reply_to",
}
"""What a column holds → the names it usually has."""
NEEDED = ("sender", "text")


def read(lines: Lines, names: Columns | None = None) -> Iterator[Message]:
    """The messages of a table.

    Args:
        lines: the table's lines.
        names: what the columns are called, where they have other than the usual names.

    Raises:
        ParseError: the table is malformed, or has no such columns.
    """
    first = head(lines, 20)
    if is_json(first):
        is_list = "".join(first).lstrip("\ufeff \t\n").startswith("[")
        rows = _listed(lines) if is_list else read_json_lines(lines)
        present = json_keys(head(lines, 800))
    else:
        rows, present = read_table(lines), frozenset(columns("".join(first[:1])))
    headers = {key: name.casefold() for key, name in names.items()} if names else _recognize(present)
    lowered = {name.casefold() for name in present}
    if missing := [headers.get(key, key) for key in NEEDED if headers.get(key) not in lowered]:
        raise ParseError(1, f"no column '{missing[0]}' among {', '.join(sorted(present)[:12]) or 'none'}")
    for line, row in rows:
        yield _message(line, {str(key).casefold(): value for key, value in row.items()}, headers)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a table of messages: 0 or 1."""
    if is_json(sample):
        return 0.0
    first = sample[0] if sample else ""
    return float(set(NEEDED) <= _recognize(frozenset(columns(first))).keys())


def _listed(lines: Lines) -> Iterator[tuple[int, dict[str, object]]]:
    yield from ((line, item) for line, item, _ in read_messages(lines))


def _recognize(present: frozenset[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for key, usual in USUAL.items():
        if name := next((name for name in usual.split() if name in present and name not in headers.values()), ""):
            headers[key] = name
    return headers


def _message(line: int, row: Mapping[str, object], names: Columns) -> Message:
    def cell(key: str) -> str:
        value = row.get(names.get(key, ""))
        return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)

    text = cell("text").strip()
    content = phrases("wechat").content(text) if text else Content.NOTE
    sender = re.sub(r"\s+", " ", cell("sender")).strip()
    if not sender:
        content = Content.NOTE
    return Message(sender, text, line, any_time(cell("time")), content, cell("chat"), cell("id"), cell("reply_to"))


FORMAT = ChatFormat("table", "a table of messages (sender, text, perhaps time)", read, looks_like, is_json=True)
