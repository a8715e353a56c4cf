"""Telegram Desktop's "Export chat history": result.json of one chat or of the whole account, or messages.html."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages, string_in
from offbook.data.extract.chat_log.lines import head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.times import iso_time, spelled_time
from offbook.data.extract.cue import Lines, ParseError

MEDIA_FIELDS = (
    "photo",
    "file",
    "media_type",
    "location_information",
    "contact_information",
    "poll",
    "game_title",
    "self_destruct_period_seconds",
)
LONGEST_TAG = 1 << 16
"""Characters. A page that holds a longer one is no export, and each of its lines would be read from the tag's begin."""
QUOTATION = "blockquote"
"""The type of a piece of text, and the tag of a page, that repeats what somebody has said."""
VIA_BOT = re.compile(r" via @\w+$")
"""What a page adds to the name of somebody who wrote through a bot."""
BEGIN_OF_MESSAGE = re.compile(r'class="message (?:default|service)')


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a Telegram export.

    Raises:
        ParseError: the JSON is malformed, or a tag of the page does not end.
    """
    if not is_json(head(lines, 20)):
        yield from _Page(lines).messages()
        return
    accounts: dict[str, str] = {}
    for line, item, preamble in read_messages(lines):
        message = _message(line, item, string_in(preamble, "name"))
        identity = str(item.get("from_id") or "")
        if identity and accounts.setdefault(message.sender, identity) != identity:
            message = message._replace(sender=f"{message.sender} ({identity})")  # another person of the same name
        yield message


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a Telegram export: 0 or 1."""
    if is_json(sample):
        keys = json_keys(sample)
        return float({"messages", "from_id"} <= keys or '"personal_chat"' in "\n".join(sample[:400]))
    return float(sum(bool(BEGIN_OF_MESSAGE.search(line)) for line in sample) > 1)


def _message(line: int, item: JsonObject, chat: str) -> Message:
    sender = str(item.get("from") or item.get("from_id") or item.get("actor") or "?")
    text = _answer(item.get("text"))
    reply_to = item.get("reply_to_message_id")
    return Message(
        sender,
        text or str(item.get("action", "")),
        line,
        iso_time(item.get("date")),
        _content(item, text),
        chat,
        str(item.get("id", "")),
        "" if reply_to is None else str(reply_to),
        tuple(_mentions(item.get("text"))),
    )


def _content(item: JsonObject, text: str) -> Content:
    if item.get("type") != "message":
        return Content.CALL if item.get("action") == "phone_call" else Content.NOTE
    if "forwarded_from" in item:
        return Content.FORWARDED
    if item.get("media_type") == "sticker":
        return Content.STICKER
    if text:
        return Content.TEXT
    return Content.MEDIA if any(field in item for field in MEDIA_FIELDS) else Content.NOTE


def _text(value: Any) -> str:
    """A text, or its pieces: plain strings and objects for links, bold and the like."""
    if isinstance(value, list):
        return "".join(_text(piece.get("text")) if isinstance(piece, dict) else _text(piece) for piece in value)
    return value if isinstance(value, str) else ""


def _answer(value: Any) -> str:
    """A text without what it quotes; that is all of it where nothing stands beside it."""
    if not isinstance(value, list):
        return _text(value)
    pieces = ["\0" if isinstance(piece, dict) and piece.get("type") == QUOTATION else piece for piece in value]
    return re.sub(r"\n*\0\n*", "\n", _text(pieces)).strip() or _text(value)


def _mentions(value: Any) -> Iterator[str]:
    for piece in value if isinstance(value, list) else ():
        if isinstance(piece, dict) and piece.get("type") in ("mention", "mention_name"):
            yield _text(piece.get("text")).removeprefix("@")


class _Page(HTMLParser):
    """A page of messages.html, message by message."""

    def __init__(self, lines: Lines) -> None:
        super().__init__(convert_charrefs=True)
        self._lines = lines
        self._line = 1
        self._ready: list[Message] = []
        self._depths: list[str] = []
        """For each open div, what it holds."""
        self._fields: dict[str, str] | None = None
        """What the message at hand holds so far."""
        self._sender = ""
        self._chat = ""
        self._quoting = 0
        """So many quotations are open."""

    def messages(self) -> Iterator[Message]:
        """The page's messages; joined ones have the sender of the one before.

        Raises:
            ParseError: a tag or comment does not end.
        """
        for number, text in self._lines:
            self._line = number
            self.feed(text + "\n")
            if len(self.rawdata) > LONGEST_TAG:
                raise ParseError(number, "a tag or comment that began above does not end")
            yield from self._ready
            self._ready.clear()
        self.close()
        self._finish()
        yield from self._ready

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag in ("br", QUOTATION, "pre") and self._fields is not None and self._depths[-1:] == ["text"]:
            self._fields[self._text_part] += "\n"
        self._quoting += tag == QUOTATION
        if tag == "a" and self._fields is not None and self._depths[-1:] == ["reply"]:
            self._fields["reply"] = attributes.get("href", "").rpartition("message")[2]
        if tag != "div":
            return
        classes = attributes.get("class", "").split()
        if "message" in classes:
            self._finish()
            self._quoting = 0
            identity = attributes.get("id", "").removeprefix("message")
            self._fields = {
                "line": str(self._line), "id": identity, "kind": classes[1] if len(classes) > 1 else "", "date": "",
                "name": "", "text": "", "media": "", "reply": "", "forwarded": "", "service": "", "quoted": "",
            }  # fmt: skip
        if "date" in classes and self._fields is not None and not self._fields["date"]:
            self._fields["date"] = attributes.get("title", "")
        if "media_call" in classes and self._fields is not None:
            self._fields["media"] += "Call\n"
        self._depths.append(self._part(classes))

    def handle_endtag(self, tag: str) -> None:
        if tag == "div" and self._depths:
            self._depths.pop()
        elif tag == QUOTATION:
            self._quoting = max(0, self._quoting - 1)
        elif tag == "pre" and self._fields is not None and self._depths[-1:] == ["text"]:
            self._fields[self._text_part] += "\n"

    def handle_data(self, data: str) -> None:
        part = self._depths[-1] if self._depths else ""
        if part == "chat" and self._fields is None:
            self._chat = self._chat or data.strip()
        elif self._fields is not None and part in self._fields and part not in ("reply", "forwarded"):
            self._fields[self._text_part if part == "text" else part] += data

    @property
    def _text_part(self) -> str:
        """Where what is written goes: what is quoted is kept apart."""
        return "quoted" if self._quoting else "text"

    def _part(self, classes: list[str]) -> str:
        parts = {
            "from_name": "name", "text": "text", "media_wrap": "media", "reply_to": "reply", "forwarded": "forwarded",
        }  # fmt: skip
        if self._fields is not None and "service" in self._fields["kind"] and "body" in classes:
            return "service"
        part = next((parts[name] for name in classes if name in parts), "")
        if self._fields is None:
            return "chat" if "bold" in classes else ""
        if part in ("media", "forwarded") and self._fields is not None:
            self._fields[part] += " "
        inside = next((outer for outer in reversed(self._depths) if outer in ("media", "forwarded", "reply")), "")
        # A caption stands beside the picture, a forwarded text inside what says that it is.
        return inside or part

    def _finish(self) -> None:
        fields, self._fields = self._fields, None
        if fields is None:
            return
        text = fields["text"].strip() or fields["quoted"].strip()
        if fields["name"].strip():
            self._sender = VIA_BOT.sub("", " ".join(fields["name"].split()))
        content = Content.TEXT if self._sender else Content.NOTE  # who began it stands on the page before
        sent_at = _page_time(fields["date"])
        if "service" in fields["kind"]:
            self._ready.append(Message("", fields["service"].strip(), int(fields["line"]), None, Content.NOTE))
            return
        if fields["forwarded"]:
            content = Content.FORWARDED
        elif not text and fields["media"]:
            labels = [label.strip() for label in fields["media"].split("\n") if label.strip()]
            words = phrases("telegram")
            contents = [words.content(label.split(",")[0]) for label in labels]
            content = next((each for each in contents if each is not Content.TEXT), Content.MEDIA)
        self._ready.append(
            Message(
                self._sender, text, int(fields["line"]), sent_at, content, self._chat, fields["id"], fields["reply"]
            )
        )


def _page_time(title: str) -> datetime | None:
    """`12.05.2021 21:33:20 UTC+01:00`."""
    return spelled_time(title, month_first=False)


FORMAT = ChatFormat(
    "telegram", "Telegram Desktop's export (JSON or HTML)", read, looks_like, is_json=True, is_page=True
)
