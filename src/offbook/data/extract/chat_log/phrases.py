"""What the apps write in the place of a text, in the languages of their users: `<Media omitted>`, `[スタンプ]`.

The words lie in `phrases/APP/LANGUAGE.json`: lists named after what the message holds. In a phrase `{any}` stands for
any text, `{n}` for a number and `{file}` for a file's name. A new language is one more file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product

from offbook.data.extract.chat_log.message import Content

KINDS = {
    "media": Content.MEDIA,
    "stickers": Content.STICKER,
    "deleted": Content.DELETED,
    "calls": Content.CALL,
    "notes": Content.NOTE,
}
EDITED = "edited"
HOLES = {"{any}": r".{0,300}?", "{n}": r"\d+", "{file}": r"[^\n]{1,200}\.\w{1,8}"}
HOLE = re.compile(r"(\{any\}|\{n\}|\{file\})")
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\xad]")
"""Marks of writing direction and the like, which apps strew among their own words."""


HEAD = 2
BEGIN = 5
PADDING = frozenset(" <>\t\n\r\v\f") | {""}
"""What `normalize` takes away at either end of a text of ASCII, besides full stops."""
STOPS = ".。।۔"
"""Full stops, of Hindi, Bengali and Urdu, too."""
LONGEST_PHRASE = 400


@dataclass(frozen=True, slots=True)
class HoledPhrase:
    """A phrase with holes."""

    content: Content
    literal: str
    """Its longest piece between holes: a text without it need not be compared."""
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Phrases:
    """An app's own words in all languages."""

    exact: dict[str, Content]
    begins: frozenset[str]
    """How the exact phrases begin."""
    holed: dict[tuple[str, str], list[HoledPhrase]]
    """(how it begins, how it ends) → phrases; "" for an end that is a hole. Most messages are seen to be none."""
    heads: frozenset[str]
    """How phrases begin that do not with a hole."""
    tails: frozenset[str]
    """How those end that begin with a hole, or "" for one that ends with a hole, too."""
    edited: re.Pattern[str]
    """The note at the end of a message that was changed after it was sent."""

    def content(self, text: str) -> Content:
        """What a message holds whose text is this: TEXT unless all of it is the app's."""
        if len(text) > LONGEST_PHRASE or self._is_plain(text):
            return Content.TEXT
        key = normalize(text)
        if content := self.exact.get(key):
            return content
        for boundaries in product((key[:HEAD], ""), (key[-HEAD:], "")):
            for phrase in self.holed.get(boundaries, ()):
                if phrase.literal in key and phrase.pattern.fullmatch(key):
                    return phrase.content
        return Content.TEXT

    def _is_plain(self, text: str) -> bool:
        """Whether a text of ASCII begins and ends as no phrase does: then it need not be brought into its form."""
        if "" in self.tails or not text.isascii() or text[:1] in PADDING or text[-1:] in PADDING:
            return False
        begin = text[:BEGIN].casefold()
        if begin in self.begins or begin[:HEAD] in self.heads:
            return False
        return text.rstrip(".")[-HEAD:].casefold() not in self.tails

    def without_edited(self, text: str) -> str:
        """The text without the note that it was edited."""
        return self.edited.sub("", text).rstrip() if ">" in text[-4:] else text


APPS = ("whatsapp", "wechat", "line", "kakaotalk", "viber", "imessage", "zalo")


def content_of_any_app(text: str) -> Content:
    """What a message holds whose app is not known: tables, copies and logs are made of chats of any app."""
    contents = (phrases(app).content(text) for app in APPS)
    return next((content for content in contents if content is not Content.TEXT), Content.TEXT)


def normalize(text: str) -> str:
    """A phrase as it is compared: no case, no invisible marks, no brackets around it and no stop after it."""
    text = " ".join((text if text.isascii() else INVISIBLE.sub("", text)).split()).casefold()
    if text[:1] == "<" and text[-1:] == ">":
        text = text[1:-1].strip()
    if text[:1] == "【" and text[-1:] == "】":  # 【图片】
        text = f"[{text[1:-1]}]"
    return text.rstrip(STOPS)


@cache
def phrases(app: str) -> Phrases:
    """The words of an app, from all its files."""
    exact: dict[str, Content] = {}
    holed: dict[tuple[str, str], list[HoledPhrase]] = {}
    edited = []
    for kind, phrase in _entries(app):
        if kind == EDITED:
            edited.append(re.escape(phrase.rstrip(STOPS)))
            continue
        key = normalize(phrase)
        if "{" in key:
            pieces = HOLE.split(key)
            boundaries = _whole(pieces[0][:HEAD]), _whole(pieces[-1][-HEAD:])
            holed.setdefault(boundaries, []).append(
                HoledPhrase(KINDS[kind], max(pieces[::2], key=len), _pattern(pieces))
            )
        else:
            exact.setdefault(key, KINDS[kind])
    notes = "|".join(edited) or "(?!)"
    return Phrases(
        exact,
        frozenset(key[:BEGIN] for key in exact),
        holed,
        frozenset(head for head, _ in holed if head),
        frozenset(tail for head, tail in holed if not head),
        re.compile(rf"\s*[\u200e\u200f]*<[\u200e\u200f]*(?:{notes})[{STOPS}]?>\s*$", re.IGNORECASE),
    )


def _entries(app: str) -> Iterator[tuple[str, str]]:
    folder = files(__package__) / "phrases" / app
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        for kind, texts in json.loads(file.read_text(encoding="utf-8")).items():
            yield from ((kind, text) for text in texts)


def _whole(end: str) -> str:
    """What a phrase begins or ends with; "" where that is too short to be looked up by."""
    return end if len(end) == HEAD else ""


def _pattern(pieces: list[str]) -> re.Pattern[str]:
    return re.compile("".join(HOLES.get(piece) or re.escape(piece) for piece in pieces))
