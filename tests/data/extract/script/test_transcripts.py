"""Transcripts of broadcasts, and what stands about a text at its end."""

import pytest

from offbook.data.extract.script import play, screenplay
from tests.data.extract.reading import cues, left, numbered, texts

NEWS = """
TOM REED, HOST: Welcome back.

ANA LOPEZ: Thanks for having me, Tom.

REED: What makes a good loaf?

DR. MAYA GUPTA, CNN CHIEF MEDICAL CORRESPONDENT: Time.

LOPEZ: You can't hurry it.

GUPTA: No.

REED: Thank you.
"""


def test_who_is_introduced_by_a_job_goes_on_under_the_surname() -> None:
    speakers = [speaker for speaker, _ in texts(screenplay.read, NEWS)]
    assert speakers == ["REED", "LOPEZ", "REED", "GUPTA", "LOPEZ", "GUPTA", "REED"]


def test_in_a_play_a_title_and_a_surname_are_two_people() -> None:
    scene = "MACBETH: Who?\nLADY MACBETH: I.\nMACBETH: When?\nLADY MACBETH: Now.\nMACBETH: Good."
    assert {speaker for speaker, _ in texts(screenplay.read, scene)} == {"MACBETH", "LADY MACBETH"}


@pytest.mark.parametrize(
    "credit",
    [
        "Copyright © 2024 NPR. All rights reserved.",
        "© 2011 by Alex Hill. Performance rights must be obtained.",
        "Transcribed by Coffee Mug",
        "版权所有，未经许可不得演出。",
    ],
)
def test_a_line_about_the_text_at_its_end_is_not_spoken(credit: str) -> None:
    assert texts(screenplay.read, f"{NEWS}\n{credit}\n")[-1] == ("REED", "Thank you.")
    spoken = f"MARA. Is it in?\nJONAS. Not yet.\nMARA. We wait.\nJONAS. Yes.\n\n{credit}"
    assert texts(play.read, spoken)[-1] == ("JONAS", "Yes.")
    assert left(play.read, numbered(spoken)) == {"note or narration": [6]}


@pytest.mark.parametrize("aside", ["Aparte", "Aparte.", "Vanse."])
def test_an_aside_at_a_lines_end_needs_no_brackets(aside: str) -> None:
    scene = f"DON LUIS.- ¿Quién llama? {aside}\nINÉS.- Nadie.\nDON LUIS.- Aparte de eso, nada.\nINÉS.- Será el viento."
    assert [text for _, text in texts(play.read, scene)] == [
        "¿Quién llama?",
        "Nadie.",
        "Aparte de eso, nada.",
        "Será el viento.",
    ]


def test_who_speaks_is_told_by_where_he_is_and_a_page_that_goes_on_is_no_action() -> None:
    text = """
Mara: Is it lit?
Tom (CONT'D): Not yet. (sighs) No.
Mara: So light it.
Voice on the phone: Harbour here.
Tom: Not now!
"""
    read = cues(screenplay.read, numbered(text))
    assert [cue.speaker for cue in read] == ["Mara", "Tom", "Mara", "Voice on the phone", "Tom"]
    assert read[1].acted == "Not yet. (sighs) No."


def test_what_somebody_tells_that_others_said_is_his() -> None:
    text = """
甲：我一听就急了，我说：您买不买？他说：买，可是得便宜点儿。我问：便宜多少？他说：您倒贴我两千。
乙：嗨！
甲：他问我：你卖不卖？我说：不卖！
乙：好。
——幕落
"""
    assert texts(screenplay.read, text) == [
        ("甲", "我一听就急了，我说：您买不买？他说：买，可是得便宜点儿。我问：便宜多少？他说：您倒贴我两千。"),
        ("乙", "嗨！"),
        ("甲", "他问我：你卖不卖？我说：不卖！"),
        ("乙", "好。"),
    ]
