"""Character.AI's chats as the usual exporters save them: `turns` with their candidates, or older `msgs`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import head, is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import any_time
from offbook.data.extract.cue import Lines

USER = "User"


def read(lines: Lines) -> Iterator[Message]:
    """The messages of saved chats; each chat begins anew.

    Raises:
        ParseError: the JSON is malformed.
    """
    key = "msgs" if "msgs" in json_keys(head(lines, 800)) else "turns"
    chats: dict[str, int] = {}
    for line, item, preamble in read_messages(lines, key):
        number = chats.setdefault(preamble, len(chats) + 1)
        yield _message(line, item, f"chat {number}")


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like a chat of Character.AI's: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"turns", "candidates", "raw_content"} or keys >= {"msgs", "src", "text"})


def _message(line: int, item: JsonObject, chat: str) -> Message:
    author = item.get("author") or item.get("src")
    author = author if isinstance(author, dict) else {}
    user = author.get("user")
    name = author.get("name") or (user.get("username") if isinstance(user, dict) else "")
    sender = str(name or (USER if author.get("is_human") else "?"))
    text = _text(item)
    sent_at = any_time(item.get("create_time") or item.get("created"))
    return Message(sender, text, line, sent_at, Content.TEXT if text.strip() else Content.NOTE, chat)


def _text(item: JsonObject) -> str:
    """The text, or the candidate that the reader of the chat settled on."""
    candidates = item.get("candidates")
    listed = [each for each in candidates if isinstance(each, dict)] if isinstance(candidates, list) else []
    if not listed:
        return str(item.get("text") or "")
    chosen = [each for each in listed if each.get("candidate_id") == item.get("primary_candidate_id")]
    return str((chosen or listed)[0].get("raw_content") or "")


FORMAT = ChatFormat("characterai", "Character.AI's chats (JSON)", read, looks_like, is_json=True, is_text=False)
