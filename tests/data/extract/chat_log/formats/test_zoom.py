"""Saved chats of Zoom meetings, old and new."""

from offbook.data.extract.chat_log.formats.zoom import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed
from tests.data.extract.reading import numbered

NEW = """\
09:01:12 From Ann Lee to Everyone:
\tIs the lamp lit?
09:01:30 From Tom to Everyone:
\tSince four.
\tI lit it myself.
09:02:10 From Tom to Ann Lee(Direct Message):
\tHalf a can of oil.
09:02:40 From Ann Lee to Everyone:
\tReplying to "Since four. I..."

\tGood.
09:03:00 From Tom to Everyone:
\tReacted to "Good." with 👍"""
OLD = "09:01:12\t From  Ann Lee : Is it lit: the lamp?\n09:01:30\t From  Tom  to  Ann Lee(Privately) : Since four."


def test_the_text_stands_below_and_what_is_quoted_goes() -> None:
    assert parsed(read, NEW) == [
        ("Ann Lee", "Is the lamp lit?"),
        ("Tom", "Since four.\nI lit it myself."),
        ("Tom", "Half a can of oil."),
        ("Ann Lee", "Good."),
    ]
    assert contents(read, NEW)[-1] is Content.STICKER


def test_what_is_written_to_one_person_is_another_chat() -> None:
    assert [item.chat for item in read(numbered(NEW))][:3] == ["", "", "Ann Lee – Tom"]


def test_older_versions_write_one_line() -> None:
    assert parsed(read, OLD) == [("Ann Lee", "Is it lit: the lamp?"), ("Tom", "Since four.")]


def test_a_saved_chat_is_recognised() -> None:
    assert looks_like(NEW.splitlines()) == looks_like(OLD.splitlines()) == 1
    assert looks_like(["09:01:12 From here it went on.", "Nobody spoke."]) == 0
