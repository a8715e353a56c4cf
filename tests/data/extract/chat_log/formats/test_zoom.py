"""Saved chats of Zoom meetings, old and new."""

import pytest

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
    assert parsed(read, "09:01:12 From Ann a Lee to Everyone:\n\tHi") == [("Ann a Lee", "Hi")]
    assert parsed(read, OLD) == [("Ann Lee", "Is it lit: the lamp?"), ("Tom", "Since four.")]


@pytest.mark.parametrize(
    "form",
    [
        "{m}:12 Von {n} an Alle:\n\t{t}",
        "{m}:12 De {n} à Tout le monde : {t}",
        "{m}:12\t De  {n}  para  Todos : {t}",
        "{m}:12 Da {n} a Tutti: {t}",
        "{m}:12 開始 {n} 宛先 全員:\n\t{t}",
        "{m}:12 从 {n} 到 所有人：\n\t{t}",
    ],
)
def test_the_program_speaks_many_languages(form: str) -> None:
    talk = [("Ann Lee", "Lit?"), ("Tom", "Since four."), ("Ann Lee", "Good.")]
    text = "\n".join(form.format(m=f"09:0{at}", n=name, t=words) for at, (name, words) in enumerate(talk))
    assert looks_like(text.splitlines()) == 1
    assert parsed(read, text) == talk
    alone = "09:01:12 Von Tom an Ann Lee (Direktnachricht):\n\tHi"
    assert [item.chat for item in read(numbered(alone))] == ["Ann Lee – Tom"]


def test_a_saved_chat_is_recognised() -> None:
    assert looks_like(NEW.splitlines()) == looks_like(OLD.splitlines()) == 1
    assert looks_like(["09:01:12 From here it went on.", "Nobody spoke."]) == 0
    assert looks_like(["09:01:12 De Vries: I go a lot.", "09:01:30 Tom: Me too.", "09:02:12 De Vries: Good."]) == 0
