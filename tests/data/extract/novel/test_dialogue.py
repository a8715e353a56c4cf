"""The chain of turns: what is known of some turns tells the speakers of others."""

import itertools

import numpy as np
import pytest

from offbook.data.extract.novel import dialogue
from offbook.data.extract.novel.dialogue import BACK, NEW, SAME, Turn, Weights
from offbook.data.extract.novel.features import FEATURES

# One feature alone: the candidate's log weight itself.
MOVES = np.array([[[-4.2, 0.3, -3.1]] * 3, [[-0.3, -1.4, -2.6]] * 3, [[-1.1, -0.6, -2.3]] * 3])
WEIGHTS = Weights(MOVES, np.ones(1), np.full(3, -3.5))


def speakers(
    turns: list[Turn], candidates: list[str], evidence: dict[tuple[int, str], float] | None = None
) -> list[tuple[str | None, float]]:
    return dialogue.speakers(turns, candidates, values(turns, candidates, evidence or {}), WEIGHTS)


def values(turns: list[Turn], candidates: list[str], evidence: dict[tuple[int, str], float]) -> dialogue.Array:
    return np.array([[[evidence.get((place, name), 0.0)] for name in candidates] for place in range(len(turns))])


def test_turns_between_two_named_ones_alternate() -> None:
    turns = [Turn(named="Ada"), Turn(named="Dick"), Turn(), Turn(), Turn(named="Ada")]
    assert [name for name, _ in speakers(turns, ["Ada", "Dick"])] == ["Ada", "Dick", "Ada", "Dick", "Ada"]


def test_evidence_against_everybody_points_to_somebody_else() -> None:
    turns = [Turn(named="Ada"), Turn(), Turn(named="Ada")]
    assert speakers(turns, ["Ada", "Dick"], {(1, "Ada"): -20.0, (1, "Dick"): -20.0})[1][0] is None


def test_no_turns_have_no_speakers() -> None:
    assert speakers([], ["Ada"]) == []


def test_a_turn_alone_is_as_likely_as_its_evidence() -> None:
    ((name, probability),) = speakers([Turn()], ["Ada", "Dick"], {(0, "Ada"): 2.0})
    assert name == "Ada"
    assert probability == pytest.approx(np.exp(2) / (np.exp(2) + 1 + np.exp(-3.5)))


def test_probabilities_are_those_of_all_sequences_counted_one_by_one() -> None:
    turns = [Turn(), Turn(gap=1, told_by="pronoun"), Turn(), Turn(gap=2, told_by="action")]
    narrated = {(0, "a"): 1.0, (1, "b"): 0.5, (3, "a"): -1.0}
    moves = np.arange(27).reshape(3, 3, 3) / -10
    weights = Weights(moves, np.ones(1), np.array([-3.5, -1.0, -2.0]))
    numbers = values(turns, ["a", "b"], narrated)
    evidence = dialogue._evidence(turns, ["a", "b"], numbers, weights)
    totals = np.zeros((4, 3))
    for states in itertools.product(range(3), repeat=4):
        # Nobody is known to have spoken before the first turn: each is as likely.
        for earlier in range(3):
            weight = evidence[0][states[0]]
            chain = (earlier, *states)
            for place in range(1, 4):
                before, last, state = chain[place - 1], chain[place], chain[place + 1]
                move = SAME if state == last else BACK if state == before else NEW
                weight *= np.exp(moves[turns[place].move][move]) * evidence[place][state]
            totals[range(4), states] += weight
    expected = totals / totals.sum(axis=1, keepdims=True)
    result = dialogue.speakers(turns, ["a", "b"], numbers, weights)
    assert [probability for _, probability in result] == pytest.approx(expected.max(axis=1))


def test_the_weights_in_use_are_of_the_features_that_are_measured() -> None:
    weights = dialogue.weights("en")
    assert weights.moves.shape == (3, 3, 3)
    assert weights.features.shape == (len(FEATURES),)
    assert weights.unnamed.shape == (3,)
