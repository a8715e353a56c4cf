"""WeFlow's pages and Markdown.

A page holds its messages as JSON, one on each line, with the body of each in HTML. In Markdown a heading has the time
and the name, `## 2021-05-12 21:30:05 阿澈`, what is answered has `> ` before it, and signs of Markdown a backslash.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.lines import head
from offbook.data.extract.chat_log.message import Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.chat_log.web_page import Element, elements
from offbook.data.extract.cue import Lines

ME = "我"
TITLE = re.compile(r"<title>(?P<name>.*) - 聊天记录</title>")
ITEM = re.compile(r'\s*(?:window\.(?:__WEFLOW_CHUNK_LOADED__\(\d+,\s*|WEFLOW_DATA = )\[\s*)?(?P<json>\{"i":.*)')
MADE_BY = re.compile(r"^- 导出工具: WeFlow\s*$")
HEADING = re.compile(r"^## (?=\d{4}\\?-)")
ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~:\"'])")
LINKED = re.compile(r"!?\[[^\]\n]*\]\([^)\n]*\)")
"""A picture, a file or a link, alone on its line."""
DECODER = json.JSONDecoder()


def is_page(sample: Sequence[str]) -> bool:
    """Whether a text is a page of WeFlow's, or one of the files that hold the messages of a large one."""
    is_named = any("WEFLOW_DATA" in line or "__WEFLOW_CHUNK_LOADED__(" in line for line in sample)
    return is_named and any(map(ITEM.match, sample))


def is_markdown(sample: Sequence[str]) -> bool:
    """Whether a text is WeFlow's Markdown."""
    return any(map(MADE_BY.match, sample[:20]))


class AsText:
    """The lines that WeFlow's text has in the place of those of its Markdown."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[tuple[int, str]]:
        is_begun = is_first = False
        for number, line in self._lines:
            if HEADING.match(line):
                is_begun = is_first = True
                yield number, _unescaped(HEADING.sub("", line))
                continue
            if not is_begun or (is_first and line.startswith(">")):
                continue
            is_first = is_first and not line.strip()
            yield number, "[链接]" if LINKED.fullmatch(line.strip()) else _unescaped(line)


def _unescaped(line: str) -> str:
    return ESCAPED.sub(r"\1", line)


def read_page(lines: Lines) -> Iterator[Message]:
    """The messages of a page; in a chat of two it names the other side alone."""
    title = next((match for line in head(lines, 200) if (match := TITLE.search(line))), None)
    other = html.unescape(title["name"]) if title else "?"
    for number, line in lines:
        if match := ITEM.match(line):
            yield _message(number, match["json"], other)


def _message(number: int, text: str, other: str) -> Message:
    try:
        item, _ = DECODER.raw_decode(text)
    except ValueError:
        return Message("", text, number, None, Content.NOTE)
    page = next(elements([(number, f"<div>{item.get('b') or ''}</div>")], lambda _: True))
    named, stamp, body = (page.first(name) for name in ("sender-name", "message-time", "message-content"))
    words = body.text(without=lambda part: part.is_a("quoted-message")) if body else ""
    sender = named.text() if named else ME if item.get("s") == 1 else other
    content = _content(body, words)
    identity, answered = (str(item.get(key) or "") for key in ("p", "r"))
    sent_at = (any_time(stamp.text()) if stamp else None) or any_time(item.get("t"))
    sender = "" if content is Content.NOTE else sender
    return Message(sender, words, number, sent_at, content, "", identity, answered)


def _content(body: Element | None, words: str) -> Content:
    if body is None:
        return Content.NOTE
    attached = body.first("message-media", "message-link-card")
    if attached:
        return Content.STICKER if attached.is_a("emoji") else Content.MEDIA
    return phrases("wechat").content(words) if words else Content.NOTE
