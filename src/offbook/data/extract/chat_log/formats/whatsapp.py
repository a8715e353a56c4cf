"""WhatsApp's "Export chat": `[12/05/2021, 21:33:20] Ann: Hi` (iPhone), `12/05/21, 21:33 - Ann: Hi` (Android).

The phone's language decides on the order and the signs of the date and on the words beside the time, and Android
writes in the digits of that language: `٢٠٢١/٥/١٢`, `2021. 5. 12. 오후 9:30`, `12.5.2021 klo 21.33`, `12/05/21 9:33 PM`.
What is copied from WhatsApp Web, and a Vietnamese iPhone, have the clock first: `[9:33 PM, 5/12/2021] Ann: Hi`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice

from offbook.core.patterns import lazy_pattern
from offbook.data.extract.chat_log.lines import entries, head, share
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.phrases import content_of_any_app, phrases
from offbook.data.extract.chat_log.times import DateOrder, at_clock, is_american, numeric_date
from offbook.data.extract.cue import Lines, ParseError

MARK = "\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
# Possessive (*+): two such runs side by side would share a long one out in every way that there is.
SPACE = rf"[\s{MARK}]*+"
SEPARATOR = rf"{SPACE}[./\-年月년월]{SPACE}"
WORD = r"[^\d\s\[\]:,،-]{1,12}(?:\s[^\W\d]{1,3}\.)?"
"""A word beside the time: PM, p. m., 오후, 下午, klo, à, kl., om."""
_DATE = (
    rf"(?P<first>\d{{1,4}}){SEPARATOR}(?P<second>\d{{1,2}}){SEPARATOR}(?P<third>\d{{1,4}})"
    rf"{SPACE}(?:[.日일]|г\.)?{SPACE}"
)
_CLOCK = (
    rf"(?P<before>{WORD})?{SPACE}"
    rf"(?P<hour>\d{{1,2}})[:.](?P<minute>\d{{2}})(?:[:.](?P<second_of_minute>\d{{2}}))?"
    rf"{SPACE}(?P<after>{WORD})?{SPACE}"
)
HEADER = lazy_pattern(
    rf"^[{MARK}]*+(?P<open>\[)?[{MARK}]*+{_DATE}[,،]?{SPACE}{_CLOCK}"
    rf"(?(open)\]|(?:(?<=[\s{MARK}])[-–]|(?:(?<=\d)|(?<=[\s\d][AaPp][Mm])):(?=\s))){SPACE}(?P<rest>.*)$"
)
CLOCK_FIRST = lazy_pattern(
    rf"^[{MARK}]*+(?P<open>\[)?[{MARK}]*+{_CLOCK}[,،]?{SPACE}{_DATE}(?(open)\]|[-–]){SPACE}(?P<rest>.*)$"
)
HEADERS = (HEADER, CLOCK_FIRST)
TIME_PARTS = ("first", "second", "third", "hour", "minute", "second_of_minute", "before", "after")
_IN_NAME = r"(?:[^:“”\"\n]|\"[^:\"\n]{1,40}\"|“[^:“”\n]{1,40}”)"
"""A character of a name, or a nickname in quotation marks. A colon within marks is a note's: `named it "To: all"`."""
SENDER = lazy_pattern(rf"^[{MARK}~\s]*+(?P<name>(?![【<]){_IN_NAME}{{1,200}}?)[{MARK}]*:(?!//)(?P<text>.*)$", re.DOTALL)
_SUFFIXES = (
    "jpe?g|png|gif|webp|heic|mp4|mov|3gp|mkv|opus|ogg|m4a|mp3|aac|amr|wav|pdf|docx?|xlsx?|pptx?|vcf|zip|rar|apk|csv|txt"
)
ATTACHED = lazy_pattern(
    rf"^[{MARK}]*(?:(?P<kind>IMG|VID|AUD|PTT|DOC|STK)-\d{{8}}-WA\d+\.\w{{2,5}} ?[(（][^()（）]+[)）]"
    rf"|<[^<>:：]{{2,30}}[:：] ?\d{{8}}-(?P<named>[A-Z]+)-[^<>]+>"
    rf"|[^\n]{{1,200}}\.(?i:{_SUFFIXES}) [(（][^()（）\n]{{4,40}}[)）](?=\n|$))(?P<caption>.*)$",
    re.DOTALL,
)
"""A file as either phone names it: `IMG-20210512-WA0001.jpg (…)`, `<…: 00000012-PHOTO-….jpg>`, or with a name of its
own: `rent.pdf (…)`; in every language."""
SPACES = ("", " ", "\u200e", "\u200f")
"""What follows the colon after a sender's name."""
STICKERS = ("STK", "STICKER")
LOCATION = lazy_pattern(r"[^:\n]{2,30}: ?https://maps\.google\.com/\?q=-?[\d.]+,-?[\d.]+")
"""A place that was sent, in any language: `location: https://maps.google.com/?q=41.0,28.9`."""
POLL = lazy_pattern(r"[^:：\n]{2,20}[:：]\n.+(?:\n\u200e?[^:：\n]{2,20}[:：] .*[(（]\u200e?\d+[^()（）\n]*[)）])+")
"""A poll, in any language: its name, the question, and each choice with the number of votes in brackets."""
OMITTED = lazy_pattern(r"<[^<>\n]{3,60}>")
"""Android sets what it leaves out in such brackets, in every language; nobody types them."""
MENTION = lazy_pattern("@\u2068~?\\s?([^\u2068\u2069\\n]{1,80})\u2069")
"""Somebody whom a message addresses, between marks of writing direction."""
EDITED = lazy_pattern(r"\s*\u200e<[^<>\n]{3,60}>$")
"""An iPhone's note that a message was changed, in any language."""
ENDING = lazy_pattern(r"(?<=\S)\s(<[^\W\d][^<>\n]{1,60}\s[^<>\n]{1,60}>)$")
"""What may be Android's: it has no mark. A note in a language that is not known stands so again and again."""
LONGEST_SURE = 80
"""What is longer before a colon may be a note's beginning: it is a name where it comes back."""
FEWEST_MORE = 3
"""So many words behind a name tell what somebody did."""
LONGEST_PREFIX = 40
SURVEYED_LINES = 100_000
"""So many lines at the head of a file tell the order of its dates, and its senders."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a WhatsApp export. Looks through the head of `lines` first, for the order of dates and the names.

    Raises:
        ParseError: no line begins a message.
    """
    survey = _survey(lines)
    if not survey.any_sender:
        raise ParseError(1, "no message of WhatsApp's form: date, time, name, colon")
    for line, header, more in entries(lines, survey.header):
        yield _message(line, header, "\n".join([header["rest"], *more]), survey)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a WhatsApp export: the share of its lines that begin a message.

    Never quite 1: a format that has a sign of its own beside such lines is more particular.
    """
    return 0.99 * max(_likeness(sample, pattern) for pattern in HEADERS)


def _likeness(sample: Sequence[str], pattern: re.Pattern[str]) -> float:
    headers = (header for line in sample if (header := pattern.match(line)))
    names = [_name(sender) for header in headers if (sender := SENDER.match(header["rest"]))]
    if 2 * sum(name.startswith("[") for name in names) >= len(names):  # a log of several channels: [Sea] Ann: Hi
        return 0.0
    return share(sample, pattern)


@dataclass(frozen=True, slots=True)
class _Survey:
    """What only the whole file tells."""

    header: re.Pattern[str]
    month_first: bool
    any_sender: bool
    senders: frozenset[str]
    """Names before a colon that no space follows, again and again. Once, it belongs to a note of the app's."""
    writers: frozenset[str]
    """Senders of texts. An iPhone signs notes of the app with the group's name, which writes none."""
    edited: frozenset[str]
    """Words in such brackets in which several messages end: the note that they were changed."""
    notes: frozenset[str]
    """What stands before a colon once, and is somebody's name and what that person did: `Ann changed the rules: …`."""
    long_names: frozenset[str]
    """Names that are longer than most and come back."""
    full_names: dict[str, str]
    """Name up to its first colon → the whole name, where it holds another: `Ann: work`."""

    def is_sender(self, sender: re.Match[str]) -> bool:
        """Whether what stands before a colon is a name, and not the beginning of a note of the app's."""
        name = _name(sender)
        if (len(name) > LONGEST_SURE and name not in self.long_names) or name in self.notes:
            return False
        return sender["text"][:1] in SPACES or name in self.senders


def _survey(lines: Lines) -> _Survey:
    first = head(lines)
    pattern = max(HEADERS, key=lambda pattern: share(first, pattern))
    order, spaced, close = DateOrder(is_american(first)), 0, Counter[str]()
    writers: set[str] = set()
    messages, prefixes, endings = Counter[str](), Counter[tuple[str, str]](), Counter[str]()
    for _, text in islice(lines, SURVEYED_LINES):
        header = pattern.match(text)
        sender = SENDER.match(header["rest"]) if header else None
        if text[-1:] == ">" and (ending := ENDING.search((sender["text"] if sender else text).strip())):
            endings[ending[1]] += 1
        if header is None:
            continue
        if len(header["first"]) < 3:
            order.add(header["first"], header["second"])
        if sender:
            name = _name(sender)
            prefix, colon, _ = sender["text"].partition(": ")
            messages[name] += 1
            prefixes[name, prefix] += bool(colon) and len(prefix) <= LONGEST_PREFIX
            if not sender["text"].lstrip(" ").startswith("\u200e"):
                writers.add(name)
            spaced += sender["text"][:1] in SPACES
            close[name] += sender["text"][:1] not in SPACES
    senders = frozenset(name for name, count in close.items() if count > 1)
    # A name is saved with a colon in it if all that its owner writes begins alike.
    full = {name: f"{name}:{prefix}" for (name, prefix), count in prefixes.items() if count == messages[name] > 2}
    edited = frozenset(ending for ending, count in endings.items() if count > 1)
    long_names = frozenset(name for name, count in messages.items() if len(name) > LONGEST_SURE and count > 1)
    any_sender = bool(spaced or senders)
    notes = _notes(messages)
    return _Survey(pattern, order.month_first, any_sender, senders, frozenset(writers), edited, notes, long_names, full)


def _notes(messages: Counter[str]) -> frozenset[str]:
    """The senders of one message who are called like one of several, with a few words more that begin small."""
    begins = {name for name, count in messages.items() if count > 1}
    once = (name.split(" ") for name, count in messages.items() if count == 1)
    return frozenset(
        " ".join(words)
        for words in once
        for at in range(1, len(words) - FEWEST_MORE + 1)
        if " ".join(words[:at]) in begins and words[at][:1].isalpha() and not words[at][0].isupper()
    )


def _message(line: int, header: re.Match[str], body: str, survey: _Survey) -> Message:
    sent_at = _time(survey.month_first, *header.group(*TIME_PARTS))
    sender = SENDER.match(body.strip())
    if sender is None or not survey.is_sender(sender):
        return Message("", body.strip(), line, sent_at, Content.NOTE)
    words = phrases("whatsapp")
    name, text = _name(sender), sender["text"]
    if (full := survey.full_names.get(name)) is not None:
        name, text = full, text.removeprefix(full[len(name) + 1 :]).removeprefix(":")
    text = text.strip(" \n")
    unedited = words.without_edited(text)
    if text[-1:] == ">" and (ending := ENDING.search(unedited)) and ending[1] in survey.edited:
        unedited = unedited[: ending.start()]
    if (")" in unedited or ">" in unedited or "）" in unedited) and (file := ATTACHED.match(unedited)):
        if caption := file["caption"].strip():
            return _text_message(name, caption, line, sent_at)
        kind = file["kind"] or file["named"]
        return Message(name, unedited, line, sent_at, Content.STICKER if kind in STICKERS else Content.MEDIA)
    if ("maps.google" in unedited and LOCATION.fullmatch(unedited)) or POLL.fullmatch(unedited):
        return Message(name, unedited, line, sent_at, Content.MEDIA)
    # What may be seen once only leaves an empty message.
    content = words.content(unedited) if unedited else Content.MEDIA
    if content is not Content.TEXT:
        return Message(name, unedited, line, sent_at, content)
    # An iPhone sets a mark before the app's own words, whatever their language.
    first, _, caption = unedited.partition("\n")
    if first.startswith("\u200e") or (first.startswith("<") and OMITTED.fullmatch(first)):
        if caption.strip():
            return _text_message(name, caption.strip(), line, sent_at)
        if name not in survey.writers:
            return Message("", unedited, line, sent_at, Content.NOTE)
        return Message(name, unedited, line, sent_at, Content.MEDIA)
    if caption and words.content(first) is Content.MEDIA:
        return _text_message(name, caption.strip(), line, sent_at)
    return _text_message(name, unedited, line, sent_at)


def _text_message(name: str, text: str, line: int, sent_at: datetime | None) -> Message:
    """A message of text, without the app's marks in it."""
    text = EDITED.sub("", text) if text[-1:] == ">" else text
    caption, mark, omitted = text.rpartition(" \u200e")
    if mark and phrases("whatsapp").content(omitted) in (Content.MEDIA, Content.STICKER):
        text = caption.strip()
    content = Content.TEXT
    if text.startswith("[") and text.endswith("]"):  # other programs write such lines, too
        content = content_of_any_app(text)
    if "\u2068" not in text:
        return Message(name, text, line, sent_at, content)
    return Message(name, MENTION.sub(r"@\1", text), line, sent_at, mentions=tuple(MENTION.findall(text)))


def _name(sender: re.Match[str]) -> str:
    return sender["name"].strip()


@lru_cache(maxsize=64)
def _time(
    month_first: bool,
    first: str,
    second: str,
    third: str,
    hour: str,
    minute: str,
    seconds: str | None,
    *halves: str | None,
) -> datetime | None:
    """When a message was sent; the messages of a minute mostly stand together."""
    day = numeric_date(first, second, third, month_first)
    return None if day is None else at_clock(day, hour, minute, seconds, halves)


FORMAT = ChatFormat("whatsapp", "WhatsApp's text export", read, looks_like)
