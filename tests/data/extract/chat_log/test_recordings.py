"""Transcripts of recordings: what is heard in them is not said."""

import re
from pathlib import Path

import pytest

from offbook.data.extract import extract
from offbook.data.extract.chat_log.formats import copied, table, text_log
from offbook.data.extract.chat_log.message import Message, MessageReader
from tests.data.extract.reading import numbered

OTTER = """
Dana Whitfield  0:03
Okay, we're rolling. [laughs] Welcome back.

Marcus Oyelaran  0:11
Thanks. (inaudible) I was, um, [crosstalk 00:00:14] glad to come.

Dana Whitfield  0:24
[00:00:24] Tell me about the bees.

Marcus Oyelaran  0:31
[sighs]

Dana Whitfield  0:33
All of them.

Transcribed by https://otter.ai
"""
REV = """
Speaker 1 (00:03):
Okay, we're rolling. [laughs 00:00:05] Welcome back.

Speaker 2 (00:11):
Thanks. [inaudible 00:00:14] I was, um, glad to come.

Speaker 1 (00:24):
Tell me about the bees.

Speaker 2 (00:30):
(sighs)

Speaker 1 (00:33):
All of them.
"""
PODCAST = """
[00:00:00] DANA: Okay, we're rolling. (LAUGHTER) Welcome back.
[00:00:16] MARCUS: Thanks. I was, um, [INAUDIBLE] glad to come.
[00:00:19] DANA: (SOUNDBITE OF BEES BUZZING) Tell me about the bees.
[00:00:21] MARCUS: (SIGHS)
[00:00:24] DANA: All of them. [MUSIC]
"""


def spoken_texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages if message.sender]


@pytest.mark.parametrize("text", [OTTER, REV])
def test_what_a_transcript_with_names_above_hears_is_not_said(text: str) -> None:
    assert spoken_texts(list(copied.read(numbered(text)))) == [
        "Okay, we're rolling. Welcome back.",
        "Thanks. I was, um, glad to come.",
        "Tell me about the bees.",
        "All of them.",
    ]


def test_what_a_transcript_with_names_beside_hears_is_not_said() -> None:
    assert spoken_texts(list(text_log.read(numbered(PODCAST)))) == [
        "Okay, we're rolling. Welcome back.",
        "Thanks. I was, um, glad to come.",
        "Tell me about the bees.",
        "All of them.",
    ]


def test_in_a_chat_brackets_are_written() -> None:
    chat = (
        "Ann Hale  9:30 PM\nIs it lit? (hope so)\n\nBen Reed  9:31 PM\nNot yet [sorry]\n\nAnn Hale  9:32 PM\nok (sighs)"
    )
    assert spoken_texts(list(copied.read(numbered(chat)))) == ["Is it lit? (hope so)", "Not yet [sorry]", "ok (sighs)"]


def test_in_a_table_of_a_script_s_lines_brackets_hold_what_is_done() -> None:
    script = "角色,台词\n林晚,（转身）船呢？\n周牧,沉了。\n林晚（OS）,（低声）我没有问。\n周牧,（海浪声）\n"
    assert [(message.sender, message.text) for message in table.read(numbered(script)) if message.sender] == [
        ("林晚", "船呢？"),
        ("周牧", "沉了。"),
        ("林晚", "我没有问。"),
    ]
    chat = script.replace("台词", "内容")
    assert spoken_texts(list(table.read(numbered(chat))))[0] == "（转身）船呢？"


CUT = """\
00:02 Ann: Is the lamp lit?
00:09 Tom: Since four. (laughs)
04:40 Ann: And oil?
31:07 Tom: Half a can. [music]
1:02:10 Ann: Good.
"""


def test_times_that_only_rise_beyond_a_clock_s_are_minutes_of_a_recording() -> None:
    above = re.sub(r"(?m)^([\d:]+) (\w+): ", r"\2 \1\n", CUT)
    for read, text in ((text_log.read, CUT), (copied.read, above)):
        messages = [message for message in read(numbered(text)) if message.sender]
        assert [message.text for message in messages][1] == "Since four."
        times = [message.sent_at for message in messages if message.sent_at]
        assert [(time - times[0]).seconds for time in times] == [0, 7, 278, 1865, 3728]


def test_a_chat_past_midnight_stays_a_chat() -> None:
    chat = "00:04 Ann: Lit? (hope so)\n00:09 Tom: Yes. (sighs)\n23:50 Ann: Oil?\n00:10 Tom: Half.\n45:10 Ann: Good."
    assert spoken_texts(list(text_log.read(numbered(chat))))[:2] == ["Lit? (hope so)", "Yes. (sighs)"]


SHORT = (
    "We are rolling. Welcome to our talk about lighthouses and those who keep them.",
    "Glad to be here. I brought you a lamp, by the way, and a whole can of oil.",
    "Thank you so much for that. So, when did you light the lamp today?",
    "At four. I always do, because of the fog that comes in at about that time.",
)


def _clocks(messages: list[Message]) -> list[str]:
    return [f"{message.sent_at:%H:%M:%S}" for message in messages if message.sent_at]


@pytest.mark.parametrize(
    ("read", "form"),
    [
        (text_log.read, "[{clock}] {name}: {text}\n"),
        (copied.read, "{name} {clock}\n{text}\n\n"),
        (copied.read, "2021-05-12 21:30 | 12 min\n{name} {clock}\n{text}\n\n"),
    ],
    ids=["beside", "above", "below a date of its own"],
)
def test_the_clock_of_a_short_recording_counts_minutes_and_seconds(read: MessageReader, form: str) -> None:
    clocks = ("00:06", "00:14", "00:22", "00:29")
    lines = [
        form.format(clock=clock, name=name, text=text)
        for clock, name, text in zip(clocks, ("Ann Hale", "Tom Reed") * 2, SHORT, strict=True)
    ]
    assert _clocks(list(read(numbered("".join(lines))))) == [f"00:{clock}" for clock in clocks]


@pytest.mark.parametrize(
    ("clocks", "names"),
    [
        (("00:06", "00:07", "08:14", "21:30"), ("Ann Hale", "Tom Reed")),  # too few words for a recording
        (("00:06", "00:06", "00:07", "00:09"), ("Ann Hale", "Tom Reed")),  # a burst
    ],
)
def test_a_chat_at_night_has_times_of_day(clocks: tuple[str, ...], names: tuple[str, str]) -> None:
    lines = [f"[{clock}] {name}: {text}" for clock, name, text in zip(clocks, names * 2, SHORT, strict=True)]
    assert _clocks(list(text_log.read(numbered("\n".join(lines))))) == [f"{clock}:00" for clock in clocks]


def test_numbered_speakers_tell_a_recording() -> None:
    text = "Speaker 1 (00:05):\nOkay.\n\nSpeaker 2 (03:20):\nYes.\n\nSpeaker 1 (07:20):\nSo?\n"
    assert _clocks(list(copied.read(numbered(text)))) == ["00:00:05", "00:03:20", "00:07:20"]


def test_a_date_above_a_transcript_says_when_it_was_recorded() -> None:
    text = "Weekly\n2021-05-12 21:30\n\n发言人1 00:05\n灯点了吗？\n\n发言人2 00:12\n四点。\n\n发言人1 00:20\n油呢？\n"
    assert _clocks(list(copied.read(numbered(text))))[1:] == ["00:00:05", "00:00:12", "00:00:20"]


def test_a_transcript_that_tells_the_time_now_and_then_is_read_as_a_script(tmp_path: Path) -> None:
    path = tmp_path / "meet.txt"
    talk = "Ann Hale: Is it lit?\nTom Reed: Since four.\n"
    path.write_text(f"Attendees\nAnn Hale, Tom Reed\n00:00:00\n \n{talk}00:05:02\n \n{talk * 2}", encoding="utf-8")
    replies = [row["messages"][-1]["content"] for row in extract([path], "Tom Reed").rows]
    assert replies == ["Since four."] * 3
