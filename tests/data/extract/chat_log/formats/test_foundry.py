"""Foundry's logs."""

from offbook.data.extract.chat_log.formats.foundry import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times

LOG = """\
[2/2/2024, 8:05:11 PM] Gamemaster
The harbour lies dark.
---------------------------
[2/2/2024, 8:06:02 PM] Mara
Perception
1d20 + 4 = 11 + 4 = 15
---------------------------
[2/2/2024, 8:07:00 PM] Mara
Then light it."""


def test_messages_stand_between_rules_and_rolls_are_notes() -> None:
    assert [message for message in parsed(read, LOG) if "d20" not in message[1]] == [
        ("Gamemaster", "The harbour lies dark."),
        ("Mara", "Then light it."),
    ]
    assert contents(read, LOG) == [Content.TEXT, Content.NOTE, Content.TEXT]
    assert times(read, LOG)[0] == "2024-02-02 20:05"


def test_a_log_is_recognised_and_other_logs_are_not() -> None:
    assert looks_like(LOG.splitlines()) == 1
    assert looks_like(["[2/2/2024, 8:05:11 PM] Ann", "Late?", "[2/2/2024, 8:06:11 PM] Tom", "No."]) == 0
