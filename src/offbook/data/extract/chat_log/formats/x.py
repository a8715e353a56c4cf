"""X's (Twitter's) direct messages: direct-messages.js of the archive, whose people are numbers.

window.YTD.direct_messages.part0 = [{"dmConversation": {"conversationId": "1-2", "messages": […]}}, …]

Whose archive it is, account.js beside it tells.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages, string_in
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import iso_time
from offbook.data.extract.cue import Lines

BEGIN = re.compile(r"[\s\ufeff]*window\.YTD\.(?:direct|group)_?messages?\w*\.part\d+\s*=")
SHORT_LINK = re.compile(r"\s*https://t\.co/\w+\s*\Z")


def read(lines: Lines) -> Iterator[Message]:
    """The messages, conversation by conversation, oldest first.

    Raises:
        ParseError: the JSON is malformed.
    """
    names = _owner(getattr(lines, "path", None))
    messages = (
        _message(line, item, string_in(preamble, "conversationId"), names)
        for line, item, preamble in read_messages(lines)
    )
    return in_order(messages)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like X's archive: 0 or 1."""
    return float(BEGIN.match("\n".join(sample[:5])) is not None)


def _message(line: int, item: JsonObject, chat: str, names: dict[str, str]) -> Message:
    created = item.get("messageCreate")
    if not isinstance(created, dict):
        return Message("", next(iter(item), ""), line, None, Content.NOTE, chat)
    text = html.unescape(str(created.get("text") or ""))
    if created.get("mediaUrls"):
        text = SHORT_LINK.sub("", text)
    links = created.get("urls")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("url"):
            text = text.replace(str(link["url"]), str(link.get("expanded") or link["url"]))
    number = str(created.get("senderId") or "?")
    return Message(
        names.get(number, number),
        text.strip(),
        line,
        iso_time(created.get("createdAt")),
        Content.TEXT if text.strip() else Content.MEDIA,
        chat,
        str(created.get("id") or ""),
    )


def _owner(path: Path | None) -> dict[str, str]:
    """The number of the archive's owner → the name, where account.js is there."""
    try:
        account = (path.parent / "account.js").read_text(encoding="utf-8") if path else ""
    except (OSError, ValueError):
        return {}
    number = string_in(account, "accountId")
    return {number: string_in(account, "username") or number} if number else {}


FORMAT = ChatFormat("x", "X's (Twitter's) direct-messages.js", read, looks_like)
