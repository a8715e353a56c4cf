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


COURT = """
 1              (Court convened at 9:02 a.m.)
 2              THE COURT:  All right.  Call your next witness.
 3              MR. PRUITT:  The State calls Dora Wick.
 4    having been first duly sworn, testified as follows:
 5                      DIRECT EXAMINATION
 6    BY MR. PRUITT:
 7         Q.   Good morning, Ms. Wick.  Where do you work?
 8         A.   At the feed store on Main.
 9         Q.   (By Mr. Pruitt)  And were you there on the
10    night of the ninth?
11         A.   I was.  I closed up at seven.
12              THE COURT:  Thank you.
                                                            14
 1                      CROSS-EXAMINATION
 2    BY MS. LOMAX:
 3         Q.   You wear glasses?
 4         A.   For 12 years.
 5              MR. PRUITT:  Nothing further.
"""


def test_the_numbers_at_the_lines_of_a_court_s_transcript_are_not_read() -> None:
    assert texts(play.read, COURT) == [
        ("THE COURT", "All right. Call your next witness."),
        ("MR. PRUITT", "The State calls Dora Wick."),
        ("Q", "Good morning, Ms. Wick. Where do you work?"),
        ("A", "At the feed store on Main."),
        ("Q", "And were you there on the night of the ninth?"),
        ("A", "I was. I closed up at seven."),
        ("THE COURT", "Thank you."),
        ("Q", "You wear glasses?"),
        ("A", "For 12 years."),
        ("MR. PRUITT", "Nothing further."),
    ]
    assert cues(play.read, numbered(COURT))[-1].scene == "CROSS-EXAMINATION"


def test_numbers_that_do_not_follow_on_each_other_stay() -> None:
    text = "".join(f"MARA. Read me the line.\n{number} men went.\nTOM. No.\n" for number in (3, 7, 12, 40))
    assert texts(play.read, text)[0] == ("MARA", "Read me the line.\n3 men went.")


def test_what_the_player_of_a_game_may_say_is_his() -> None:
    text = """
Lyra: You're just in time.
Paimon: In time for what?
Icon Dialogue Talk What's going on?
Icon Dialogue Quest Do you have food?
Lyra: The lamp has gone out.
Paimon: Again?!
"""
    assert [speaker for speaker, _ in texts(screenplay.read, text)] == [
        *("Lyra", "Paimon", "Player", "Player", "Lyra", "Paimon"),
    ]


def test_what_is_heard_stands_in_wide_brackets_too() -> None:
    text = "林晚：饭吃了吗？［放下钥匙声］\n周牧：没有。\n［敲门声］\n林晚：来了。\n周牧：谁？"
    assert texts(screenplay.read, text) == [
        *(("林晚", "饭吃了吗？"), ("周牧", "没有。"), ("林晚", "来了。"), ("周牧", "谁？")),
    ]


def test_directions_stand_in_round_brackets_behind_names_in_bold_too() -> None:
    text = """
[Scene: a pier.]
**Mara**: Is it lit?
**Tom**: (panting) Not yet.
[She looks.]
**Mara**: (quietly) I see it.
[He waves.]
**Tom**: Where?
"""
    assert [speech for _, speech in texts(screenplay.read, text)][1:3] == ["Not yet.", "I see it."]


def test_cues_of_radio_plays_may_be_numbered_and_sounds_speak_not() -> None:
    radio = (
        "1.  FX:       DOOR OPENS.\n2.  MARA:     Shut it! You'll let the\n              cold in.\n"
        "3.  TOM:      (BREATHLESS) There's somebody.\n4.  GRAMS:    FADE UP STRINGS.\n5.  MARA:     At this hour?\n"
        "6.  TOM:      You see?\n7.  ATMOS:    GULLS."
    )
    assert texts(screenplay.read, radio) == [
        ("MARA", "Shut it! You'll let the cold in."),
        ("TOM", "There's somebody."),
        ("MARA", "At this hour?"),
        ("TOM", "You see?"),
    ]


def test_notes_and_dice_are_nobodys_words_in_a_game_of_roles() -> None:
    game = (
        "**GM:** It is dark.\n\n**Mara:** I light my torch.\n\n**Dice Bot:** Mara rolled 1d20+3: 17\n\n"
        "**Note:** the bear is friendly.\n\n**GM:** Something growls.\n\n**Mara:** Run!\n\n**Dice Bot:** Hit: 4"
    )
    assert texts(play.read, game) == [
        ("GM", "It is dark."),
        ("Mara", "I light my torch."),
        ("GM", "Something growls."),
        ("Mara", "Run!"),
    ]
    table = "KP：很黑。\n沈砚：有人吗？\n骰娘：沈砚进行侦查检定：34/60 成功\nKP：你听见低吼。\n沈砚：跑！"
    assert {speaker for speaker, _ in texts(screenplay.read, table)} == {"KP", "沈砚"}


def test_a_cue_for_sound_within_a_play_is_not_spoken() -> None:
    scene = "MARA\nLight it.\nLIGHTS: dim.\nAgain.\n\nTOM\nIt was.\n\nSOUND: Thunder.\n\nMARA\nSo?\n\nTOM\nNo."
    assert [text for _, text in texts(play.read, scene)] == ["Light it.\nAgain.", "It was.", "So?", "No."]


def test_questions_below_a_heading_of_a_hearing_are_asked() -> None:
    hearing = """
THE COURT: Call your first witness.
MR. HALE: The State calls Mara Quill.
MARA QUILL, having been first duly sworn, testified as follows:

DIRECT EXAMINATION
BY MR. HALE:
Q.   State your name, please.
A.   Mara Quill.
MS. ORR: Objection.
THE COURT: Overruled.

CROSS-EXAMINATION
BY MS. ORR:
Q.   You were alone?
A.   Yes, ma'am.
"""
    assert texts(play.read, hearing) == [
        ("THE COURT", "Call your first witness."),
        ("MR. HALE", "The State calls Mara Quill."),
        ("Q", "State your name, please."),
        ("A", "Mara Quill."),
        ("MS. ORR", "Objection."),
        ("THE COURT", "Overruled."),
        ("Q", "You were alone?"),
        ("A", "Yes, ma'am."),
    ]
