"""Slack's export: a JSON file a day for each channel. Give the files of a channel in the order of their names.

Who a number is, each message tells, or `users.json`, which lies above the folders of the channels.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.cue import Lines

LINK = re.compile(r"<(?P<target>[^<>|]+)(?:\|(?P<label>[^<>]*))?>")
SAID_BY_PEOPLE = (None, "", "thread_broadcast", "me_message", "bot_message", "file_share")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a day of a channel.

    Raises:
        ParseError: the JSON is malformed.
    """
    names = _people(getattr(lines, "path", None))
    last_of_thread: dict[str, str] = {}
    for line, item, _ in read_messages(lines):
        user = str(item.get("user") or item.get("bot_id") or "?")
        names[user] = names.get(user) or _name(item)  # who joins is not named yet
        identity, thread = str(item.get("ts", "")), str(item.get("thread_ts") or "")
        # In a thread a message answers the one before it in the thread.
        reply_to = last_of_thread.get(thread, thread) if thread and thread != identity else ""
        if thread:
            last_of_thread[thread] = identity
        text = _text(str(item.get("text") or ""), names)
        mentions = re.findall(r"<@(\w+)", str(item.get("text") or ""))
        yield Message(
            names[user] or user,
            text,
            line,
            epoch_time(identity),
            _content(item, text),
            id=identity,
            reply_to=reply_to,
            mentions=tuple(names.get(mention) or mention for mention in mentions),
        )


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like Slack's export: 0 or 1."""
    keys = json_keys(sample) if is_json(sample) else frozenset()
    return float(keys >= {"ts", "text", "type"} and bool(keys & {"user", "bot_id", "client_msg_id"}))


def _people(path: Path | None) -> dict[str, str]:
    """The names of a workspace's people by their numbers, where a channel's file has the list of them above it."""
    listed = (
        next((file for folder in path.parents[:2] if (file := folder / "users.json").is_file()), None) if path else None
    )
    try:
        people = json.loads(listed.read_text(encoding="utf-8")) if listed else []
    except (OSError, ValueError, RecursionError):
        return {}
    people = [person for person in people if isinstance(person, dict)] if isinstance(people, list) else []
    return {
        str(person.get("id")): _name({"user_profile": person.get("profile"), "username": person.get("name")})
        for person in people
    }


def _name(item: JsonObject) -> str:
    profile = item.get("user_profile")
    profile = profile if isinstance(profile, dict) else {}
    named = profile.get("display_name") or profile.get("real_name") or profile.get("name")
    return str(named or item.get("username") or "")


def _text(text: str, names: dict[str, str]) -> str:
    def shown(match: re.Match[str]) -> str:
        target, label = match["target"], match["label"]
        if target.startswith("@"):
            return "@" + (label or names.get(target[1:]) or target[1:])
        if target.startswith(("#", "!")):
            return target[0].replace("!", "@") + (label or target[1:])
        return label or target

    return html.unescape(LINK.sub(shown, text)).strip()


def _content(item: JsonObject, text: str) -> Content:
    if item.get("type") != "message" or item.get("subtype") not in SAID_BY_PEOPLE:
        return Content.DELETED if item.get("subtype") == "tombstone" else Content.NOTE
    if text:
        return Content.TEXT
    return Content.MEDIA if item.get("files") else Content.NOTE


FORMAT = ChatFormat("slack", "Slack's export (JSON)", read, looks_like, is_json=True, is_text=False)
