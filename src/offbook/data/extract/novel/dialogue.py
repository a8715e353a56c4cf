"""Who speaks at each turn of a dialogue, from what is known of some turns and from how people take turns.

The speakers of a run of turns are the hidden states of a second-order Markov chain: somebody seldom answers himself,
and of two who talk each speaks again after the other. What the text tells of a turn (a name, a pronoun, who is
addressed, who acts beside it) weighs on its speaker. The forward-backward algorithm gives each turn's probabilities.

Source: L. R. Rabiner, "A tutorial on hidden Markov models", Proceedings of the IEEE 77 (1989), section III.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CERTAIN = 30.0
GAPS = 3
"""No, one, or more paragraphs of narration before a turn."""
TOLD = ("none", "pronoun", "action")
"""What tells who speaks, as far as it bears on the taking of turns; a name counts as "none"."""
SAME, BACK, NEW = range(3)
"""A move: who spoke last, the one before, anybody else."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Log weights, found on books whose speakers are known (`benchmarks/extract_weights.py`)."""

    moves: Array
    """Of each move, of shape [gap, what tells, move]."""
    features: Array
    """Of each feature of a candidate."""
    unnamed: Array
    """Of somebody who is no candidate, by what tells."""


@cache
def weights(language: str) -> Weights:
    """The weights of a language, from `weights_LANGUAGE.json`."""
    text = files(__package__).joinpath(f"weights_{language}.json").read_text(encoding="utf-8")
    matched = json.loads(text)
    return Weights(
        np.array(matched["moves"]), np.array(list(matched["features"].values())), np.array(matched["unnamed"])
    )


@dataclass(slots=True)
class Turn:
    """What the text tells of a turn."""

    gap: int = 0
    """Paragraphs of narration since the turn before."""
    named: str | None = None
    """Who speaks, where a tag says so."""
    told_by: str = "none"
    """What tells who speaks: one of `TOLD`, or another word for anything else."""

    @property
    def move(self) -> tuple[int, int]:
        """Where its weights stand in `Weights.moves`."""
        return min(self.gap, GAPS - 1), TOLD.index(self.told_by) if self.told_by in TOLD else 0


def speakers(
    turns: Sequence[Turn], candidates: Sequence[str], values: Array, weighing: Weights | None = None
) -> list[tuple[str | None, float]]:
    """The likeliest speaker of each turn and its probability; None for somebody who is no candidate.

    Args:
        turns: the turns of a run, in order.
        candidates: who may speak in it.
        values: what the text tells for each candidate, of shape [turns, candidates, features].
        weighing: how much that counts (of English where none is given).

    Returns:
        As many pairs as turns.
    """
    if not turns:
        return []
    weighing = weighing or weights("en")
    probabilities = _forward_backward(
        _evidence(turns, candidates, values, weighing), [turn.move for turn in turns], weighing
    )
    best = probabilities.argmax(axis=1)
    names: list[str | None] = [*candidates, None]
    return [(names[state], float(row[state])) for state, row in zip(best, probabilities, strict=True)]


def _evidence(turns: Sequence[Turn], candidates: Sequence[str], values: Array, weighing: Weights) -> Array:
    """Weights of the evidence, of shape [turns, candidates + 1]; the last column is somebody else."""
    place = {name: column for column, name in enumerate(candidates)}
    logs = np.empty((len(turns), len(candidates) + 1))
    logs[:, :-1] = values @ weighing.features
    for row, turn in zip(logs, turns, strict=True):
        row[-1] = weighing.unnamed[turn.move[1]]
        if turn.named is not None:
            row[place.get(turn.named, -1)] += CERTAIN
    shares: Array = np.exp(logs - logs.max(axis=1, keepdims=True))
    return shares


@lru_cache(16)
def _transitions(states: int, weighing: Weights) -> Array:
    """Weights of shape [gap, what tells, speaker before last, last speaker, next speaker]."""
    moves = weighing.moves
    logs = np.empty((*moves.shape[:2], states, states, states))
    diagonal = np.arange(states)
    for place in np.ndindex(moves.shape[:2]):
        logs[place] = moves[place][NEW]
        logs[place][diagonal, :, diagonal] = moves[place][BACK]
        logs[place][:, diagonal, diagonal] = moves[place][SAME]
    shares: Array = np.exp(logs)
    return shares


def _forward_backward(evidence: Array, places: Sequence[tuple[int, int]], weighing: Weights) -> Array:
    """Probability of each state at each turn, of shape [turns, states]."""
    turns, states = evidence.shape
    moves = _transitions(states, weighing)
    forward = np.empty((turns, states, states))
    forward[0] = evidence[0][None, :]
    for turn in range(1, turns):
        step = (forward[turn - 1][:, :, None] * moves[places[turn]]).sum(axis=0) * evidence[turn][None, :]
        forward[turn] = step / step.sum()
    backward = np.ones_like(forward)
    for turn in range(turns - 1, 0, -1):
        ahead = (moves[places[turn]] * (evidence[turn] * backward[turn])[None, :, :]).sum(axis=2)
        backward[turn - 1] = ahead / ahead.max()
    both = (forward * backward).sum(axis=1)
    probabilities: Array = both / both.sum(axis=1, keepdims=True)
    return probabilities
