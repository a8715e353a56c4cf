"""What the tests of chat logs share."""

from datetime import datetime, timedelta
from typing import Any

from offbook.data.extract.chat_log.message import Content, Message, MessageReader
from tests.data.extract.reading import numbered

START = datetime(2021, 5, 12, 21, 30)


def message(sender: str, text: str, minutes: float = 0.0, content: Content = Content.TEXT, **fields: Any) -> Any:
    """A message so many minutes after the first one; its line is its minute."""
    return Message(sender, text, int(minutes) + 1, START + timedelta(minutes=minutes), content, **fields)


def parsed(read: MessageReader, text: str) -> list[tuple[str, str]]:
    """(sender, text) of every message that holds text."""
    return [(item.sender, item.text) for item in read(numbered(text)) if item.content is Content.TEXT]


def contents(read: MessageReader, text: str) -> list[Content]:
    """What each message holds."""
    return [item.content for item in read(numbered(text))]


def times(read: MessageReader, text: str) -> list[str]:
    """When each message was sent."""
    return [f"{item.sent_at:%Y-%m-%d %H:%M}" if item.sent_at else "" for item in read(numbered(text))]
