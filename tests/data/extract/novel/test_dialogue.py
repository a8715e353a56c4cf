"""The chain of turns: what is known of some turns tells the speakers of others."""

import itertools

import numpy as np
import pytest

from offbook.data.extract.novel import dialogue
from offbook.data.extract.novel.dialogue import BACK, NEW, SAME, UNNAMED, Turn, speakers


def test_turns_between_two_named_ones_alternate() -> None:
    turns = [Turn(named="Ada"), Turn(named="Dick"), Turn(), Turn(), Turn(named="Ada")]
    assert [name for name, _ in speakers(turns, ["Ada", "Dick"])] == ["Ada", "Dick", "Ada", "Dick", "Ada"]


def test_evidence_against_everybody_points_to_somebody_else() -> None:
    turns = [Turn(named="Ada"), Turn(weights={"Ada": -20.0, "Dick": -20.0}), Turn(named="Ada")]
    assert speakers(turns, ["Ada", "Dick"])[1][0] is None


def test_no_turns_have_no_speakers() -> None:
    assert speakers([], ["Ada"]) == []


def test_a_turn_alone_is_as_likely_as_its_evidence() -> None:
    ((name, probability),) = speakers([Turn(weights={"Ada": 2.0})], ["Ada", "Dick"])
    assert name == "Ada"
    assert probability == pytest.approx(np.exp(2) / (np.exp(2) + 1 + np.exp(UNNAMED)))


def test_probabilities_are_those_of_all_sequences_counted_one_by_one() -> None:
    turns = [Turn(weights={"a": 1.0}), Turn(gap=1, weights={"b": 0.5}), Turn(), Turn(gap=2, weights={"a": -1.0})]
    evidence = dialogue._evidence(turns, ["a", "b"])
    totals = np.zeros((4, 3))
    for states in itertools.product(range(3), repeat=4):
        # Nobody is known to have spoken before the first turn: each is as likely.
        for earlier in range(3):
            weight = evidence[0][states[0]]
            chain = (earlier, *states)
            for place in range(1, 4):
                before, last, state = chain[place - 1], chain[place], chain[place + 1]
                gap = min(turns[place].gap, 2)
                move = SAME[gap] if state == last else BACK[gap] if state == before else NEW[gap]
                weight *= np.exp(move) * evidence[place][state]
            totals[range(4), states] += weight
    expected = totals / totals.sum(axis=1, keepdims=True)
    assert [probability for _, probability in speakers(turns, ["a", "b"])] == pytest.approx(expected.max(axis=1))
