"""Fountain, and film scripts in plain text."""

import time

import pytest

from offbook.data.extract.script import fountain
from tests.data.extract.reading import cues, left, numbered, texts

SCRIPT = """
Title: Big Rain
Author: Nobody

FADE IN:

INT. KITCHEN - NIGHT #1#

Margot stands at the window.

MARGOT (O.S.)
(quietly)
Is it still *raining*?
it is.

JEAN-PAUL ^
No. [[check the weather]]

@McCLANE
Yippee.
(beat)
Ki-yay.

COP #2 (CONT'D)
Freeze!

CUT TO:

.FLASHBACK

/* MARGOT
This is cut. */

!MARGOT
runs.

MARGOT
~La la
"""


def test_characters_speak_until_the_blank_line() -> None:
    assert texts(fountain.read, SCRIPT) == [
        ("MARGOT", "Is it still raining? it is."),
        ("JEAN-PAUL", "No."),
        ("McCLANE", "Yippee.\nKi-yay."),
        ("COP #2", "Freeze!"),
        ("MARGOT", "La la"),
    ]


def test_a_speech_that_is_stressed_as_a_whole_is_said() -> None:
    script = "INT. HALL - DAY\n\nMARGOT\n*Never.*\n\nCOP\nSure? *Sure.* All right.\n"
    assert texts(fountain.read, script) == [("MARGOT", "Never."), ("COP", "Sure? Sure. All right.")]


def test_extensions_and_parentheticals_are_actions() -> None:
    first, second, third, *_ = cues(fountain.read, numbered(SCRIPT))
    assert first.acted == "(O.S.) (quietly) Is it still raining? it is."
    assert second.acted == ""
    assert third.acted == "Yippee.\n(beat)\nKi-yay."


def test_scene_headings_part_scenes_and_lose_their_numbers() -> None:
    scenes = [cue.scene for cue in cues(fountain.read, numbered(SCRIPT))]
    assert scenes == ["INT. KITCHEN - NIGHT"] * 4 + ["FLASHBACK"]


def test_action_transitions_and_comments_are_not_speech() -> None:
    assert left(fountain.read, numbered(SCRIPT)) == {"narration": [4, 8, 26, 33, 34], "heading": [6, 28]}


def test_a_typed_film_script_is_told_by_its_layout() -> None:
    script = """
EXT. DOCK - DAY

                         TOM
               Cast off!

     The boat drifts.

                         MARA
               (laughing)
               Cast off yourself.
"""
    assert fountain.looks_like(script.split("\n")) > 0.5
    assert texts(fountain.read, script) == [("TOM", "Cast off!"), ("MARA", "Cast off yourself.")]


def test_a_shooting_script_has_its_scenes_numbers_in_the_margins() -> None:
    script = """
7    EXT. DOCK - DAY    7

                         TOM
               Cast off!

7A   INT. CABIN - LATER    7A

                         MARA
               Cast off yourself.
"""
    assert len({cue.scene for cue in cues(fountain.read, numbered(script))}) == 2
    assert left(fountain.read, numbered(script)) == {"heading": [1, 6]}


def test_a_speech_may_be_emphasized_from_its_first_word() -> None:
    script = "INT. QUAY - DAY\n\nMARA\n*No*.\n\nTOM (CONT'D)\n*Never*, she says.\n"
    assert texts(fountain.read, script) == [("MARA", "No."), ("TOM", "Never, she says.")]


@pytest.mark.parametrize("mark", ["[", "[[a", "[]"])
def test_notes_that_never_close_take_no_longer_than_their_length(mark: str) -> None:
    text = mark * (60_000 // len(mark))
    began = time.process_time()
    assert fountain.NOTE.sub("", text) == text
    assert time.process_time() - began < 1
    assert fountain.NOTE.sub("", "No. [[check [the] weather]] Yes. [[and]]") == "No.  Yes. "


def test_a_song_keeps_its_lines_and_two_who_speak_at_once_are_both_named() -> None:
    text = "INT. BOAT - DAY\n\nANA\n~Oh the sea is wide\n~and the boat is small\n\nANA & LUIS\nRun!\n"
    assert [(cue.speakers, cue.text) for cue in cues(fountain.read, numbered(text))] == [
        (("ANA",), "Oh the sea is wide\nand the boat is small"),
        (("ANA", "LUIS"), "Run!"),
    ]


def test_a_speech_that_goes_on_over_the_page_is_one() -> None:
    text = (
        "ANA\nThen who came in? I heard\n(MORE)\n\n12.\n\nANA (CONT'D)\na step.\n\nLUIS\nNobody.\n(MORE)\n\nANA\nHark!"
    )
    assert texts(fountain.read, text) == [
        ("ANA", "Then who came in? I heard a step."),
        ("LUIS", "Nobody."),
        ("ANA", "Hark!"),
    ]


SHOOTING_SCRIPT = """
1    INT. KITCHEN - NIGHT                                    1

                         TOM
               You're late.

*                        MARA                                *
               Again?                                        *
                         (MORE)

     BLUE REV. 6/1/19                                       3.
     CONTINUED:

                         MARA (CONT'D)
               still?

               TOM                           MARA
          Where is he?              Don't go
          I'm going.                in there!

A2   INT. HALL - DAY                                        A2

                         McCABE
               Leave him be.
"""


def test_a_shooting_scripts_margins_are_not_spoken_and_columns_are_told_apart() -> None:
    assert texts(fountain.read, SHOOTING_SCRIPT) == [
        ("TOM", "You're late."),
        ("MARA", "Again? still?"),
        ("TOM", "Where is he?\nI'm going."),
        ("MARA", "Don't go in there!"),
        ("McCABE", "Leave him be."),
    ]
    scenes = [cue.scene for cue in cues(fountain.read, numbered(SHOOTING_SCRIPT))]
    assert (scenes[0], scenes[-1]) == ("INT. KITCHEN - NIGHT", "INT. HALL - DAY")


def test_a_name_that_speaks_elsewhere_begins_a_speech_with_no_blank_line_before_it() -> None:
    script = "INT. HALL - DAY\n\nMARGOT\nIs it late?\nCOP\nNo.\n\nCOP\nBut dark.\n\nMARGOT\nCOP\nis right.\n"
    assert texts(fountain.read, script) == [
        ("MARGOT", "Is it late?"),
        ("COP", "No."),
        ("COP", "But dark."),
        ("MARGOT", "COP is right."),
    ]
