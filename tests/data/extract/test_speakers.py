"""Who speaks, and who may be one person."""

from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract.cue import Cue
from offbook.data.extract.speakers import Cast, same


def cast(*talk: tuple[str, str, str]) -> Cast:
    """A cast from (scene, speaker, text)."""
    made = Cast()
    for line, (scene, name, text) in enumerate(talk, 1):
        made.add(Cue((name,), text, line, scene), "a.txt")
    return made


def likely(made: Cast) -> dict[str, tuple[str, ...]]:
    return {speaker.name: speaker.likely for speaker in made.listed()}


def test_speakers_are_listed_by_lines_with_their_characters() -> None:
    result = cast(("1", "甲", "你好"), ("1", "乙", "嗯"), ("1", "甲", "走")).listed()
    assert [(speaker.name, speaker.lines, speaker.characters) for speaker in result] == [("甲", 2, 3), ("乙", 1, 1)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("宝玉", "贾宝玉"),
        ("凤姐", "凤姐儿"),
        ("嬛儿", "甄嬛"),
        ("沅姐", "苏清沅"),
        ("阿澈", "沈澈"),
        ("操", "曹操"),
        ("Darcy", "Mr. Darcy"),
        ("Ham.", "HAMLET"),
        ("hamlet", "HAMLET"),
    ],
)
def test_names_that_look_alike_are_likely_one_person(one: Any, other: Any) -> None:
    made = cast(("1", one, "a"), ("1", "X", "b"), ("2", other, "c"), ("2", "X", "d"))
    assert likely(made)[one] == (other,)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("士兵甲", "士兵乙"),
        ("宝玉", "宝玉母"),
        ("First Lord", "Second Lord"),
        ("FIRST SENATOR", "SECOND SENATOR"),
        ("宝玉", "黛玉"),
        ("老爷", "王老爷"),
        ("师父", "林师父"),
        ("众人", "众人甲"),
    ],
)
def test_names_that_only_share_a_word_are_not(one: Any, other: Any) -> None:
    made = cast(("1", one, "a"), ("1", "X", "b"), ("2", other, "c"), ("2", "X", "d"))
    assert likely(made)[one] == ()


def test_nobody_answers_himself() -> None:
    made = cast(*[("1", name, "a") for name in ("宝玉", "贾宝玉") * 5])
    assert likely(made)["宝玉"] == ()


def test_a_name_that_is_called_and_answered_by_another_is_that_person() -> None:
    talk = []
    for scene in ("1", "2", "3"):
        talk += [(scene, "皇上", "嗯。"), (scene, "甄嬛", "臣妾在。"), (scene, "皇上", "坐。")]
    for scene in ("4", "5", "6"):
        talk += [(scene, "皇上", "甄嬛，你过来。"), (scene, "莞嫔", "臣妾在。"), (scene, "皇上", "坐。")]
    assert likely(cast(*talk))["甄嬛"] == ("莞嫔",)


def test_names_of_the_same_company_that_nobody_calls_are_two_people() -> None:
    talk = []
    for scene, name in (("1", "甄嬛"), ("2", "甄嬛"), ("3", "甄嬛"), ("4", "安答应"), ("5", "安答应"), ("6", "安答应")):
        talk += [(scene, "皇上", "嗯。"), (scene, name, "臣妾在。"), (scene, "皇上", "坐。")]
    assert likely(cast(*talk))["甄嬛"] == ()


def test_a_role_is_found_by_case_width_and_spaces() -> None:
    made = cast(("1", "HAMLET", "a"), ("1", "Ａ　子", "b"))
    assert made.names_of("hamlet") == {"HAMLET"}
    assert made.names_of("a子") == {"Ａ　子"}
    assert same("Dr. Smith") == same("dr smith")


def test_a_role_is_found_by_its_abbreviation_if_nobody_else_shares_it() -> None:
    assert cast(("1", "Ham.", "a"), ("1", "Hor.", "b")).names_of("Hamlet") == {"Ham."}
    with pytest.raises(UsageError):
        cast(("1", "Ha.", "a"), ("1", "Ham.", "b")).names_of("Hamlet")


def test_aliases_reach_as_far_as_they_are_chained() -> None:
    made = cast(("1", "甄嬛", "a"), ("2", "莞嫔", "b"), ("3", "熹妃", "c"), ("3", "皇上", "d"))
    assert made.names_of("甄嬛", [("熹妃", "莞嫔"), ("莞嫔", "甄嬛")]) == {"甄嬛", "莞嫔", "熹妃"}


@pytest.mark.parametrize(
    ("role", "offer"),
    [("Hamlte", "HAMLET"), ("甄环", "甄嬛"), ("嬛", "甄嬛"), ("贾甄嬛", "甄嬛")],
)
def test_a_wrong_name_gets_an_offer(role: Any, offer: Any) -> None:
    with pytest.raises(UsageError) as error:
        cast(("1", "HAMLET", "a"), ("1", "甄嬛", "b")).names_of(role)
    assert f"did you mean '{offer}'?" in error.value.what
    assert "Speakers found: HAMLET, 甄嬛" in error.value.fix
