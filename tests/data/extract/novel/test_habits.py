"""Forms of address and ways of speaking, learned from the turns whose tags name who speaks."""

import pytest

from offbook.data.extract.novel.address_en import addresses
from offbook.data.extract.novel.english import words
from offbook.data.extract.novel.habits import NarrationHabits


@pytest.mark.parametrize(
    ("speech", "expected"),
    [
        ("Yes, papa, I did.", {"papa"}),
        ("Sir! You forget.", {"sir"}),
        ("Oh, my dear aunt, how kind.", {"aunt"}),
        ("My aunt is out.", set()),
        ("Come, Addy, and sit.", {"Addy"}),
    ],
)
def test_forms_of_address_are_told_from_mentions(speech: str, expected: set[str]) -> None:
    assert addresses(speech) >= expected
    assert bool(addresses(speech)) == bool(expected)


def heard(talk: list[tuple[str, str]]) -> NarrationHabits:
    habits = NarrationHabits(words, addresses)
    for name, speech in talk:
        habits.hear(name, speech)
    habits.finish(lambda name: name)
    return habits


TALK = [("Ada", "Is it late, papa?"), ("Mr. Pell", "Nearly nine."), ("Dick", "Come, Addy."), ("Ada", "I come.")] * 5


def test_a_form_of_address_means_whoever_answers_it() -> None:
    habits = heard([("Ada", "Is it late, papa?"), ("Mr. Pell", "Nearly."), ("", ""), *TALK[2:]] * 5)
    weights = habits.answering({"papa"}, ["Ada", "Mr. Pell", "Dick"])
    assert weights["Mr. Pell"] > 0.5 > weights["Dick"]
    assert habits.answering({"Addy"}, ["Ada", "Mr. Pell"])["Ada"] > 0.5
    assert habits.calling({"papa"}, ["Ada", "Dick"])["Ada"] > habits.calling({"papa"}, ["Ada", "Dick"])["Dick"]


def test_a_form_of_address_that_is_seldom_answered_tells_nothing() -> None:
    habits = heard([("Ada", "Well, sir?"), ("Dick", "No.")])
    assert habits.answering({"sir"}, ["Ada", "Dick"]) == {"Ada": 0.0, "Dick": 0.0}


def test_the_words_of_a_speaker_tell_of_them() -> None:
    habits = heard([("Ada", "prodigious tides and prodigious boats"), ("Dick", "a plain rope is a rope")] * 200)
    people = ["Ada", "Dick", "Nobody"]
    ((ada, dick, nobody), hers) = habits.styles(["what a prodigious rope of prodigious boats", ""], people)
    assert ada > dick
    assert nobody == 0.0
    assert hers == [0.0, 0.0, 0.0]
