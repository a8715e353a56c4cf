"""Conversations copied from Messenger's web page, whose hidden labels come along: `You sent` and `Enter`, translated.

You sent              Tom Reed
Is the lamp lit?      Tom
Enter                 Since four.
12:03 PM              Enter

The line below `Enter` is the sender's name, perhaps with a longer or shorter form of it on the next line. A time, alone
on its line, is that of all messages up to the next.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from offbook.core.i18n import marked
from offbook.data.extract.chat_log.lines import head
from offbook.data.extract.chat_log.message import Content, Message
from offbook.data.extract.chat_log.phrases import phrases
from offbook.data.extract.chat_log.stamps import STAMP, WEEKDAY, StampReader
from offbook.data.extract.cue import Lines, ParseError

SENT = frozenset(
    [
        "You sent",
        "Du hast gesendet",
        "Vous avez envoyé",
        "Enviaste",
        "Has enviado",
        "Você enviou",
        "Hai inviato",
        "Je hebt verzonden",
        "Du skickade",
        "Du sendte",
        "Wysłałeś",
        "Wysłałaś",
        "Wysłano przez Ciebie",
        "Poslali jste",
        "Вы отправили",
        "Ви надіслали",
        "Sen gönderdin",
        "Gönderdin",
        "Bạn đã gửi",
        "Anda mengirim",
        "你发送了",
        "你已发送",
        "您已发送",
        "你已傳送",
        "你發送了",
        "你傳送了",
        "您发送了",
        "あなたが送信",
        "あなたが送信しました",
        "회원님이 보냄",
    ]
)
"""What stands above a message of the owner's."""
ENTER = "Enter"
ME = "You"
ALONE = re.compile(rf"(?:(?i:{WEEKDAY}){STAMP})$")
OWN_REPLY = re.compile(
    r"(?:You replied to|Du hast (?=.* geantwortet$)|Vous avez répondu à|Respondiste a|Has respondido a|Você respondeu a"
    r"|Respondeste a|Hai risposto a|Je hebt (?=.* (?:gereageerd|geantwoord|beantwoord)$)|Je hebt gereageerd op"
    r"|Du svarade|Du svarte|Du svarede|Odpowiedziałe[śm]|Odpowiedziała[śm]|Вы ответили|Ви відповіли|Bạn đã trả lời"
    r"|Anda membalas|Kamu membalas|[你您]已?回[复覆]了?|คุณตอบกลับ|회원님이 (?=.*답장)).{0,80}"
    r"|.{1,60} (?:kullanıcısına|adlı kişiye) yanıt verdin(?:iz)?|[^が]{1,60}に返信しました"
)
"""What stands above an answer of the owner's."""
REPLIED = re.compile(
    r"(?P<name>[^\n]{1,60}?)(?: replied to (?:you|yourself|themsel(?:f|ves)|himself|herself|[A-Z].{0,60})"
    r"| hat (?:.{1,60} )?geantwortet| (?:vous |t[’'])?a répondu(?: à .{1,60})?| (?:te )?respondió(?: a .{1,60})?"
    r"| respondeu (?:a|para) .{1,60}| (?:ti )?ha risposto(?: a .{1,60})?| heeft (?:.{1,60} )?(?:gereageerd|geantwoord)"
    r"| heeft gereageerd op .{1,60}| svarade .{1,60}| svarte .{1,60}| svarede .{1,60}"
    r"| odpowiedział(?:a|\(a\))? .{1,60}| ответил(?:а|\(а\))? .{1,60}| відпові(?:в|ла) .{1,60}"
    r"| đã trả lời .{1,60}| membalas .{1,60}| (?:sana|size|.{1,60} kişisine) yanıt verdi| ?回[复覆]了 ?.{1,60}"
    r"|が.{1,60}に返信しました| ตอบกลับ .{1,60}|님이 .{1,60}답장.{0,20})"
)
"""What stands above an answer of somebody else's, in the languages of the page."""
LONGEST_NAME = 60
FEWEST_SENT, FEWEST_ENTER = 2, 3
"""So many lines of these words alone tell such a copy."""
SAMPLE = 3000
MOST_UNNAMED = 0.2
"""Where a larger share of messages has no name above it, the copy does not tell who writes."""
DOWNLOAD = marked(
    "Download the conversation as JSON (Messenger: Settings, Download your information) and extract that."
)


class LabelledText(NamedTuple):
    """What stands between two labels: its first line, its lines, and the time above it."""

    line: int
    texts: list[str]
    stamp: re.Match[str] | None


def looks_like(sample: Sequence[str]) -> bool:
    """Whether a text is such a copy."""
    return _are_many_sent(sample) and _enter(sample) != ""


def lacks_labels(sample: Sequence[str]) -> bool:
    """Whether a text is such a copy without the label that ends each message."""
    return _are_many_sent(sample) and _enter(sample) == ""


def _are_many_sent(sample: Sequence[str]) -> bool:
    return sum(_stripped(line) in SENT for line in sample) >= FEWEST_SENT


def _enter(sample: Sequence[str]) -> str:
    """What stands for `Enter` in the page's language: a line that recurs above those that say who sent; "" for none."""
    lines = [text for line in sample if (text := _stripped(line)) and not ALONE.match(text)]
    count, above = Counter(lines), Counter(before for before, line in pairwise(lines) if line in SENT)
    if count[ENTER] >= FEWEST_ENTER:
        return ENTER
    label, times = max(above.items(), key=lambda item: item[1], default=("", 0))
    is_label = times >= FEWEST_SENT and 2 * times >= above.total() and count[label] >= FEWEST_ENTER
    return label if is_label and label not in SENT else ""


def _stripped(line: str) -> str:
    return line.strip(" \t\ufeff\xa0\u200e")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of such a copy.

    Raises:
        ParseError: too many messages have no name above them.
    """
    enter = _enter(head(lines, SAMPLE))
    names = _names(_labelled_texts(lines, enter))
    unnamed = [each for each in _labelled_texts(lines, enter) if not _sender(each, names)]
    if len(unnamed) > MOST_UNNAMED * sum(1 for _ in _labelled_texts(lines, enter)):
        raise ParseError(unnamed[0].line, "this message from Messenger's page has no name above it", fix=DOWNLOAD)
    clock = StampReader(each.stamp for each in _labelled_texts(lines, enter) if each.stamp)
    stamp, sent_at = None, None
    for each in _labelled_texts(lines, enter):
        if each.stamp and each.stamp is not stamp:
            stamp, sent_at = each.stamp, clock.time(each.stamp)
        yield _message(each, names)._replace(sent_at=sent_at)


def _labelled_texts(lines: Lines, enter: str) -> Iterator[LabelledText]:
    """The messages between the labels."""
    line, texts, stamp = 1, list[str](), None
    for number, raw in lines:
        text = _stripped(raw)
        is_label = text == enter or (text in SENT and texts)
        time = None if texts else ALONE.match(text)
        if is_label and texts:
            yield LabelledText(line, texts, stamp)
            texts = []
        if time:
            stamp = time
        elif text and text != enter:
            line = line if texts else number
            texts = [*texts, text]
    if texts:
        yield LabelledText(line, texts, stamp)


def _names(labelled: Iterable[LabelledText]) -> dict[str, str]:
    """The lines that name somebody → the longest form of the name: `Tom` and `Tom Reed` below each other are one."""
    first, with_text, below = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for each in labelled:
        name, rest = each.texts[0], each.texts[1:]
        if name not in SENT and not _is_reply(name) and len(name) <= LONGEST_NAME:
            first[name] += 1
            with_text[name] += bool(rest)
            below.update([(name, rest[0])] if rest and _are_one(name, rest[0]) else [])
    names = {name: name for name, count in first.items() if count > 1 and 2 * with_text[name] > count}
    for (name, other), count in below.items():
        if name in names and count > 1:
            names[name] = names[other] = max(name, other, key=len)
    return names


def _are_one(name: str, other: str) -> bool:
    """Whether two lines may be one name, in short and in full."""
    words = set(name.split()), set(other.split())
    return words[0] <= words[1] or words[1] <= words[0]


def _is_reply(line: str) -> bool:
    """Whether a line tells who answers whom."""
    return OWN_REPLY.fullmatch(line) is not None or REPLIED.fullmatch(line) is not None


def _sender(each: LabelledText, names: dict[str, str]) -> str:
    """Who writes; "" where no name stands above the text."""
    first = each.texts[0]
    if OWN_REPLY.fullmatch(first):
        return ME
    if replied := REPLIED.fullmatch(first):
        name = replied["name"]
        return next((names[each] for each in names if _are_one(name, each)), "")
    return ME if first in SENT else names.get(first, "")


def _message(each: LabelledText, names: dict[str, str]) -> Message:
    sender, texts = _sender(each, names), each.texts[1:]
    if not sender:
        return Message("", "\n".join(each.texts), each.line, content=Content.NOTE)
    texts = texts[1:] if len(texts) > 1 and names.get(texts[0]) == sender else texts
    texts = texts[:-1] if len(texts) > 1 and names.get(texts[-1]) == sender else texts
    is_parted = True
    if _is_reply(each.texts[0]):  # what is answered stands above the answer, and nothing between them
        is_labelled = len(texts) > 2 and texts[0].endswith((":", "："))  # Original message:
        below = texts[1:] if is_labelled else texts
        is_parted = len(below) == (2 if is_labelled else 1)
        texts = below[-1:] if is_parted else below
    text = "\n".join(texts)
    content = phrases("messenger").content(text) if text and is_parted else Content.MEDIA
    return Message(sender, text, each.line, content=content)
