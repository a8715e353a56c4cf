"""Rocket.Chat's messages as its API gives them, `messages`, the newest first, and as its "Export as file" does.

{"messages": [{"_id": "a", "rid": "G", "msg": "Lit?", "ts": "2021-05-12T21:30:05.000Z", "u": {"username": "ann"}}]}
{"msg": "Lit?", "username": "ann", "ts": "2021-05-12T21:30:05.000Z"}
<p><strong>ann</strong> (Wed, 12 May 2021 21:30:05 GMT):<br/>Lit?</p>
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_json_lines, read_messages
from offbook.data.extract.chat_log.lines import first_keys, head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import any_time, epoch_time, iso_time
from offbook.data.extract.chat_log.web_page import Element, elements
from offbook.data.extract.cue import Lines

QUOTATION = re.compile(r"\A\s*\[ ?\]\(\S*?[?&]msg=(?P<id>\w+)\S*?\)\s*")
"""What stands before a message that quotes another: a link without words."""
FILE_KEYS, OTHER_FILE_KEYS = frozenset(["msg", "username", "ts"]), frozenset(["attachments", "type", "url"])
"""Fields of each line of a file in JSON, and those that some have."""
PARAGRAPH = re.compile(r"<p><strong>[^<>]{1,80}</strong> \(\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\):<br ?/?>")
REMOVED = "rm"
CALLS = ("videoconf", "jitsi_call_started")


def read(lines: Lines) -> Iterator[Message]:
    """The messages, oldest first.

    Raises:
        ParseError: the JSON is malformed.
    """
    first = head(lines, 20)
    if not is_json(first):
        return (_from_page(each) for each in elements(lines, lambda each: each.tag == "p"))
    if _is_file(first):
        return (_message(line, {**item, "u": item, "t": item.get("type")}) for line, item in read_json_lines(lines))
    return in_order(_message(line, item) for line, item, _ in read_messages(lines))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like Rocket.Chat's messages: 0 or 1."""
    if not is_json(sample):
        return float(any(map(PARAGRAPH.search, sample[:20])))
    return float(_is_file(sample) or json_keys(sample) >= {"messages", "rid", "msg", "ts", "u"})


def _is_file(sample: Sequence[str]) -> bool:
    """Whether JSON is what "Export as file" writes."""
    return FILE_KEYS <= first_keys(sample) <= FILE_KEYS | OTHER_FILE_KEYS


def _from_page(paragraph: Element) -> Message:
    """A message of the page that "Export as file" writes.

    What people write has no elements in it; notes are `<i>`, and files links.
    """
    name, _, rest = paragraph.text(lambda each: each.tag == "a").partition(" (")
    time, _, text = rest.partition("):\n")
    is_note = any(each.tag == "i" for each in paragraph.parts())
    content = Content.NOTE if is_note else Content.TEXT if text.strip() else Content.MEDIA
    return Message(name, text.strip(), paragraph.line, any_time(time), content)


def _message(line: int, item: JsonObject) -> Message:
    text = str(item.get("msg") or "")
    quotation = QUOTATION.match(text)
    answered = quotation["id"] if quotation else str(item.get("tmid") or "")
    text = text[quotation.end() :] if quotation else text
    sent = item.get("ts")
    sent_at = epoch_time(sent.get("$date")) or iso_time(sent.get("$date")) if isinstance(sent, dict) else iso_time(sent)
    mentions = item.get("mentions")
    return Message(
        _name(item.get("u")) or "?",
        text.strip(),
        line,
        sent_at,
        _content(item, text),
        str(item.get("rid") or ""),
        str(item.get("_id") or ""),
        answered,
        tuple(filter(None, map(_name, mentions if isinstance(mentions, list) else ()))),
    )


def _name(person: object) -> str:
    return str(person.get("name") or person.get("username") or "") if isinstance(person, dict) else ""


def _content(item: JsonObject, text: str) -> Content:
    kind = item.get("t")
    if kind:
        return Content.DELETED if kind == REMOVED else Content.CALL if kind in CALLS else Content.NOTE
    return Content.TEXT if text.strip() else Content.MEDIA


FORMAT = ChatFormat(
    "rocketchat", "Rocket.Chat's messages from its API or its files", read, looks_like, is_json=True, is_page=True
)
