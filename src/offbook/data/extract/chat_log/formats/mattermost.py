"""Mattermost's bulk export (JSON Lines): a post on each line, with its answers in it.

{"type": "post", "post": {"channel": "lamp", "user": "ann", "message": "Lit?", "create_at": 1620855000000, …}}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_json_lines
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.order import in_order
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.cue import Lines

POSTS = ("post", "direct_post")


def read(lines: Lines) -> Iterator[Message]:
    """The posts and their answers, channel by channel, oldest first; what else the export holds is passed over.

    Raises:
        ParseError: a line is no JSON object.
    """
    return in_order(message for line, item in read_json_lines(lines) for message in _posts(line, item))


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like Mattermost's export: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"type", "message", "create_at", "user"} and bool(keys & set(POSTS)))


def _posts(line: int, item: JsonObject) -> Iterator[Message]:
    post = item.get(str(item.get("type"))) if item.get("type") in POSTS else None
    if not isinstance(post, dict):
        return
    members = post.get("channel_members")
    chat = str(post.get("channel") or "") or ", ".join(map(str, members if isinstance(members, list) else ()))
    identity = f"{line}"
    yield _message(line, post, chat)._replace(id=identity)
    replies = post.get("replies")
    for reply in replies if isinstance(replies, list) else ():
        if isinstance(reply, dict):
            yield _message(line, reply, chat)._replace(reply_to=identity)


def _message(line: int, post: JsonObject, chat: str) -> Message:
    text = str(post.get("message") or "").strip()
    content = Content.TEXT if text else Content.MEDIA
    if str(post.get("type") or "").startswith("system_"):
        content = Content.NOTE
    return Message(str(post.get("user") or "?"), text, line, epoch_time(post.get("create_at")), content, chat)


FORMAT = ChatFormat("mattermost", "Mattermost's bulk export (JSONL)", read, looks_like, is_json=True, is_text=False)
