"""Slack's export: the folder or archive of a workspace, or some of the files in it, one a day for each channel.

Who a number is, each message tells, or `users.json`, which lies above the folders of the channels.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.slack_workspace import SlackWorkspace
from offbook.data.extract.chat_log.times import epoch_time
from offbook.data.extract.cue import Lines, ParseError

LINK = re.compile(r"<(?P<target>[^<>|]+)(?:\|(?P<label>[^<>]*))?>")
SAMPLE = 400
"""So many messages tell the order of a file."""
SAID_BY_PEOPLE = (None, "", "thread_broadcast", "me_message", "bot_message", "file_share")


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a day of a channel, or of all days of all channels of a workspace.

    Raises:
        ParseError: the JSON is malformed.
        UsageError: that of a file of a workspace is.
    """
    if isinstance(lines, SlackWorkspace):
        yield from _read_workspace(lines)
    else:
        yield from _Channel(_people(getattr(lines, "path", None))).read(lines)


def _read_workspace(workspace: SlackWorkspace) -> Iterator[Message]:
    names = _names(workspace.people())
    members = workspace.members()
    channel = _Channel(names)
    for day in workspace.days():
        people = [names.get(member) or member for member in members.get(day.channel, ())]
        chat = " – ".join(sorted(people)) or f"#{day.channel}"
        if chat != channel.chat:
            channel = _Channel(names, chat)
        try:
            yield from channel.read(day.lines, day.first_line)
        except ParseError as damage:
            raise UsageError(
                "{path}:{line}: {why}",
                damage.fix,
                path=f"{workspace.path}: {day.name}",
                line=damage.line,
                why=damage.why,
            ) from None


class _Channel:
    """The messages of a channel, day after day.

    Args:
        names: people's names by their numbers; those that messages tell are added.
        chat: the channel's name.
    """

    def __init__(self, names: dict[str, str], chat: str = "") -> None:
        self.chat = chat
        self._names = names
        self._last_of_thread: dict[str, tuple[str, str, str]] = {}
        """A thread → who wrote last in it, that message, and the one that it answers."""

    def read(self, lines: Lines, first_line: int = 1) -> Iterator[Message]:
        """The messages of a day whose lines are numbered from `first_line` on."""
        names = self._names
        for line, item in _oldest_first(read_messages(lines)):
            user = str(item.get("user") or item.get("bot_id") or "?")
            names[user] = names.get(user) or _name(item)  # who joins is not named yet
            text = _text(str(item.get("text") or ""), names)
            mentions = re.findall(r"<@(\w+)", str(item.get("text") or ""))
            yield Message(
                names[user] or user,
                text,
                first_line + line - 1,
                epoch_time(item.get("ts", "")),
                _content(item, text),
                self.chat,
                str(item.get("ts", "")),
                self._answered(item, user),
                tuple(names.get(mention) or mention for mention in mentions),
            )

    def _answered(self, item: JsonObject, user: str) -> str:
        """What a message in a thread answers: the one before it there, or what the same person's one before does."""
        identity, thread = str(item.get("ts", "")), str(item.get("thread_ts") or "")
        if not thread:
            return ""
        writer, last, answered = self._last_of_thread.get(thread, ("", thread, ""))
        reply_to = "" if thread == identity else answered if writer == user and answered else last
        self._last_of_thread[thread] = user, identity, reply_to
        return reply_to


def _oldest_first(messages: Iterator[tuple[int, JsonObject, str]]) -> Iterator[tuple[int, JsonObject]]:
    """The messages of a day with their lines; Slack's API, unlike its export, gives the newest first."""
    first = [(line, item) for line, item, _ in islice(messages, SAMPLE)]
    rest = ((line, item) for line, item, _ in messages)
    times = [time for _, item in first if (time := epoch_time(item.get("ts", "")))]
    back = sum(one > other for one, other in pairwise(times))
    listed = chain(first, rest)
    yield from reversed(list(listed)) if 2 * back > len(times) - 1 else listed


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
    return _names([person for person in people if isinstance(person, dict)] if isinstance(people, list) else [])


def _names(people: Sequence[JsonObject]) -> dict[str, str]:
    """People's names by their numbers; to a name that several have, the account's is added."""
    names = {
        str(person.get("id")): _name({"user_profile": person.get("profile"), "username": person.get("name")})
        for person in people
    }
    counts = Counter(names.values())
    accounts = {str(person.get("id")): str(person.get("name") or person.get("id")) for person in people}
    return {
        identity: f"{name} ({accounts[identity]})" if name and counts[name] > 1 else name
        for identity, name in names.items()
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
