"""The chat of a Zoom meeting as Zoom saves it: the time, who writes to whom, the text behind it or on the lines below.

21:30:42 From Ann Lee to Everyone:
<tab>Is the stove lit?
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.lines import entries
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.quotations import Quotations
from offbook.data.extract.chat_log.times import RunningClock, spelled_date
from offbook.data.extract.cue import Lines

FROM = "Von|De|Da|Van|От|开始|開始|从|来自|來自"
TO = "an|à|a|para|aan|кому|宛先|到|至|发送给|傳送給"
"""What stands before both names in the languages of Zoom's programs but English (the Japanese one begins with 開始)."""
HEADER = re.compile(
    rf"^\ufeff?(?:(?P<date>\d{{4}}-\d{{2}}-\d{{2}}) )?(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}}):(?P<second>\d{{2}})\s+"
    rf"(?:(?P<english>From)|(?:{FROM})(?=\s[^:：]+\s(?:{TO})\s))\s+(?P<name>.+?)"
    rf"(?:\s+(?(english)[tT]o|(?:{TO}))\s+(?P<to>.+?))?\s*(?:[:：]\s*(?P<text>.*)|$)"
)
PRIVATE = re.compile(r"\s*[(（][^()（）]+[)）]$")
"""What stands behind the name of somebody to whom alone something is written: (Direct Message), (Privately)."""
REACTION = re.compile(r"^(?:Reacted to|Removed a \S+ reaction from) .*$", re.DOTALL)
REPLY = re.compile(r'^Replying to "(?P<quoted>.*?)"\s*(?:\n|$)\s*', re.DOTALL)


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a saved Zoom chat. What is written to one person alone stands in a chat of its own."""
    clock, earlier = RunningClock(), Quotations()
    for number, header, more in entries(lines, HEADER):
        if header["date"]:
            clock.begin(spelled_date(header["date"])[0])
        text = "\n".join(part.strip() for part in (header["text"] or "", *more)).strip()
        sent_at = clock.at(header["hour"], header["minute"], header["second"])
        content = Content.STICKER if REACTION.match(text) else Content.TEXT if text else Content.NOTE
        quotation = REPLY.match(text)
        reply_to = earlier.find(quotation["quoted"]) if quotation else ""
        text = text[quotation.end() :].strip() if quotation else text
        identity = str(number)
        if content is Content.TEXT:
            earlier.remember(text, identity)
        yield Message(header["name"], text, number, sent_at, content, _chat(header), identity, reply_to)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a Zoom chat: 0 or 1."""
    first = next((line for line in sample if line.strip()), "").lstrip("\ufeff")
    return float(HEADER.match(first) is not None and sum(bool(HEADER.match(line)) for line in sample) > 1)


def _chat(header: re.Match[str]) -> str:
    """The two who write to each other alone, in the order of their names; "" for what all can read."""
    to = PRIVATE.sub("", header["to"] or "")
    private = to != (header["to"] or "")
    return " – ".join(sorted((header["name"], to))) if private else ""


FORMAT = ChatFormat("zoom", "the saved chat of a Zoom meeting", read, looks_like)
