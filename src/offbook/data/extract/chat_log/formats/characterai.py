"""Character.AI's chats as the usual exporters save them: `turns` with their candidates, or older `msgs`.

As they are copied from its page, a badge stands below the character's name, and the user's name alone above a text:
Mira / c.ai / Since four. / ann / And the door?
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

USER = "User"
BADGE = re.compile(r"\s*c\.ai\s*", re.IGNORECASE)
NAME = re.compile(r"[^\W_][^\n.!?,:;*\"“”]{0,39}")
FEWEST = 2


def read(lines: Lines) -> Iterator[Message]:
    """The messages of saved chats; each chat begins anew.

    Raises:
        ParseError: the JSON is malformed.
    """
    if not is_json(head(lines, 20)):
        yield from _from_copy(lines)
        return
    yield from in_order(_from_json(lines))


def _from_json(lines: Lines) -> Iterator[Message]:
    """The messages as the file has them: the site gives the newest first."""
    key = "msgs" if "msgs" in json_keys(head(lines, 800)) else "turns"
    chats: dict[str, int] = {}
    for line, item, preamble in read_messages(lines, key):
        number = chats.setdefault(preamble, len(chats) + 1)
        yield _message(line, item, f"chat {number}")


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a chat of Character.AI's: 0 or 1."""
    if not is_json(sample):
        return float(sum(_characters(sample).values()) >= FEWEST and len(_names(sample)) > 1)
    keys = json_keys(sample)
    return float(keys >= {"turns", "candidates", "raw_content"} or keys >= {"msgs", "src", "text"})


def _characters(sample: Sequence[str]) -> Counter[str]:
    """The names that stand above the badge."""
    texts = [text.strip() for text in sample if text.strip()]
    return Counter(name for name, below in pairwise(texts) if BADGE.fullmatch(below))


def _names(sample: Sequence[str]) -> frozenset[str]:
    """Who writes: the characters, and the user, whose name stands alone again and again."""
    texts = [text.strip() for text in sample]
    characters = _characters(sample)
    alone = Counter(
        text for above, text in pairwise(["", *texts]) if not above and NAME.fullmatch(text) and text not in characters
    )
    users = [name for name, count in alone.most_common(1) if count >= FEWEST]
    return frozenset([*characters, *users])


def _from_copy(lines: Lines) -> Iterator[Message]:
    names = _names(head(lines, 3000))
    name, place, body, above = "", 1, list[str](), ""
    for number, text in lines:
        if text.strip() in names and not above:
            if body or name:
                yield _copied(name, body, place)
            name, place, body = text.strip(), number, []
        elif not BADGE.fullmatch(text):
            body.append(text.strip())
        above = text.strip()
    yield _copied(name, body, place)


def _copied(name: str, body: Sequence[str], place: int) -> Message:
    text = "\n".join(body).strip()
    return Message(name, text, place, None, Content.TEXT if text and name else Content.NOTE)


def _message(line: int, item: JsonObject, chat: str) -> Message:
    author = item.get("author") or item.get("src")
    author = author if isinstance(author, dict) else {}
    user = author.get("user")
    name = author.get("name") or (user.get("username") if isinstance(user, dict) else "")
    sender = str(name or (USER if author.get("is_human") else "?"))
    text = _text(item)
    sent_at = any_time(item.get("create_time") or item.get("created"))
    is_kept = bool(text.strip()) and not item.get("is_alternative")  # else the user swiped it away
    return Message(sender, text, line, sent_at, Content.TEXT if is_kept else Content.NOTE, chat)


def _text(item: JsonObject) -> str:
    """The text, or the candidate that the reader of the chat settled on."""
    candidates = item.get("candidates")
    listed = [each for each in candidates if isinstance(each, dict)] if isinstance(candidates, list) else []
    if not listed:
        return str(item.get("text") or "")
    chosen = [each for each in listed if each.get("candidate_id") == item.get("primary_candidate_id")]
    return str((chosen or listed)[0].get("raw_content") or "")


FORMAT = ChatFormat("characterai", "Character.AI's chats (JSON, or copied)", read, looks_like, is_json=True)
