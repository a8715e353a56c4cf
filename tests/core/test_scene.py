"""Scenes: who speaks next, what each hears, who leaves, and a script that can be read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.core.scene import Line, Rule, Scene
from offbook.core.types import Turn


def scene(rule: Rule = "addressed") -> Scene:
    return Scene("Tom", ["Ann", "Ben", "小翠"], rule)


@pytest.mark.parametrize(
    ("rule", "text", "speakers"),
    [
        ("addressed", "Ben, is the stove lit?", ["Ben"]),
        ("addressed", "Is it cold, ben? And you, Ann?", ["Ben", "Ann"]),
        ("addressed", "小翠你来", ["小翠"]),
        ("addressed", "Who annoys the bench?", ["Ann"]),
        ("round", "Ben, is the stove lit?", ["Ann", "Ben", "小翠"]),
        ("named", "Is the stove lit?", []),
        ("named", "And you, Ben?", ["Ben"]),
    ],
)
def test_who_answers(rule: Rule, text: str, speakers: list[str]) -> None:
    it = scene(rule)
    it.add_line("Tom", text)
    assert it.next_speakers() == speakers


def test_nobody_named_the_one_who_was_silent_longest_speaks() -> None:
    it = scene()
    for name in ("Ann", "Ben", "小翠", "Tom"):
        it.add_line(name, "Well.")
    assert it.next_speakers() == ["Ann"]
    it.add_line("Ann", "I hear you.")
    assert it.next_speakers() == ["Ben"]
    it.add_line("Ben", "Ann, do you?")
    assert it.next_speakers() == ["Ann"]


def test_each_hears_the_others_by_name_and_itself_as_itself() -> None:
    it = scene()
    it.add_line("Tom", "Is the stove lit?")
    it.add_line("Ben", "Since four.")
    it.add_line("Ann", "It smokes.")
    it.add_line("Tom", "(The door opens.)")
    assert it.turns_for("Ann") == [
        Turn("user", "Tom: Is the stove lit?\nBen: Since four."),
        Turn("assistant", "It smokes."),
        Turn("user", "(The door opens.)"),
    ]
    assert it.turns_for("Ben")[1:] == [
        Turn("assistant", "Since four."),
        Turn("user", "Ann: It smokes.\n(The door opens.)"),
    ]


def test_who_speaks_twice_in_a_row_has_heard_silence() -> None:
    it = scene()
    it.add_line("Ann", "It smokes.")
    assert it.turns_for("Ann") == [Turn("assistant", "It smokes."), Turn("user", "…")]
    assert scene().turns_for("Ann") == [Turn("user", "…")]


def test_what_is_said_while_somebody_is_away_it_has_not_heard() -> None:
    it = scene()
    it.add_line("Tom", "Ann, fetch some wood.")
    it.leave("Ann")
    it.add_line("Ben", "She hides the matches.")
    it.enter("Ann")
    it.add_line("Tom", "There you are.")
    assert it.turns_for("Ann") == [
        Turn("user", "Tom: Ann, fetch some wood.\n(Ann leaves.)\n(Ann enters.)\nTom: There you are.")
    ]
    assert "matches" in it.turns_for("小翠")[0].text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Ann leaves", Line("Ann", "(Ann leaves.)", "leaves")),
        ("(ann exits.)", Line("Ann", "(Ann exits.)", "leaves")),
        ("小翠走了。", Line("小翠", "（小翠走了。）", "leaves")),
        ("（Ben下场）", Line("Ben", "（Ben下场。）", "leaves")),
        ("Ann leaves me no choice", Line("Tom", "Ann leaves me no choice")),
        ("Ann enters", Line("Tom", "Ann enters")),
        ("Annabel leaves", Line("Tom", "Annabel leaves")),
        ("(It rains.)", Line("", "(It rains.)")),
    ],
)
def test_the_user_writes_who_goes_and_what_happens(text: str, line: Line) -> None:
    it = scene()
    it.add_line("Tom", text)
    assert it.lines == [line]


def test_a_character_can_neither_send_another_away_nor_make_it_rain() -> None:
    it = scene()
    it.add_line("Ann", "(Ben leaves.)")
    assert it.present == ["Ann", "Ben", "小翠"]
    assert it.lines == [Line("Ann", "(Ben leaves.)")]


def test_who_comes_back_by_a_line_is_addressed_by_it() -> None:
    it = scene()
    it.add_line("Tom", "Ben leaves")
    it.add_line("Tom", "Ben enters")
    assert it.next_speakers() == ["Ben"]
    assert it.absent == set()


def test_two_of_one_name_cannot_be_told_apart() -> None:
    for user, cast in (("ann", ["Ann", "Ben"]), ("Tom", ["Ben", "Ben"])):
        with pytest.raises(UsageError, match="two in the scene"):
            Scene(user, cast)


def test_a_line_of_anothers_is_not_written() -> None:
    assert scene().prefixes_of_others("Ann") == ["\nTom:", "\nTom：", "\nBen:", "\nBen：", "\n小翠:", "\n小翠："]


def test_who_has_left_is_not_asked_until_it_comes_back() -> None:
    it = scene("round")
    it.leave("ann")
    assert it.next_speakers() == ["Ben", "小翠"]
    with pytest.raises(UsageError, match="'ann' is not among Ben"):
        it.leave("ann")
    it.enter("Ann")
    assert it.next_speakers() == ["Ann", "Ben", "小翠"]
    assert "(Ann leaves.)\n\n(Ann enters.)" in it.script()


def test_extract_reads_the_script_again(tmp_path: Path) -> None:
    from offbook.cli.main import main

    it = Scene("Tom", ["Ann", "Ben"])
    for number in range(12):
        it.add_line("Tom", f"Ann, is stove {number} lit?")
        it.add_line("Ann", f"Stove {number} has burnt\nsince four.")
        it.add_line("Ben", "I lit it.")
    it.add_line("Tom", "Ann leaves")
    path = tmp_path / "scene.txt"
    path.write_text(it.script(), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["extract", str(path), "--role", "Ann", "--out", str(tmp_path / "rows.jsonl")])
    assert not ended.value.code
    rows = (tmp_path / "rows.jsonl").read_text(encoding="utf-8")
    assert rows.count("has burnt since four.") == 12
    assert "is stove 7 lit?" in rows
