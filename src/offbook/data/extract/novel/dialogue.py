"""Who speaks at each turn of a dialogue, from what is known of some turns and from how people take turns.

The speakers of a run of turns are the hidden states of a second-order Markov chain: somebody seldom answers himself,
and of two who talk each speaks again after the other. What the text tells of a turn (a name, a pronoun, who is
addressed, who acts beside it) weighs on its speaker. The forward-backward algorithm gives each turn's probabilities.

Source: L. R. Rabiner, "A tutorial on hidden Markov models", Proceedings of the IEEE 77 (1989), section III.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SAME = (-4.2, -0.3, -1.1)
"""Log weight of one who speaks twice running: with no, one or more paragraphs of narration between the turns."""
BACK = (0.3, -1.4, -0.6)
"""Log weight of the speaker before the last one."""
NEW = (-3.1, -2.6, -2.3)
"""Log weight of anybody else."""
UNNAMED = -3.5
"""Log weight of somebody whom no tag of the run names."""
CERTAIN = 30.0


@dataclass(slots=True)
class Turn:
    """What the text tells of who speaks at a turn."""

    gap: int = 0
    """Paragraphs of narration since the turn before."""
    named: str | None = None
    """Who speaks, where a tag says so."""
    weights: dict[str, float] = field(default_factory=dict)
    """Candidate → log weight of the evidence for (or against) them."""
    unnamed: float = 0.0
    """Log weight of the evidence for somebody who is no candidate."""


def speakers(turns: Sequence[Turn], candidates: Sequence[str]) -> list[tuple[str | None, float]]:
    """The likeliest speaker of each turn and its probability; None for somebody who is no candidate.

    Args:
        turns: the turns of a run, in order.
        candidates: who may speak in it.

    Returns:
        As many pairs as turns.
    """
    if not turns:
        return []
    chances = _forward_backward(_evidence(turns, candidates), [min(turn.gap, 2) for turn in turns])
    best = chances.argmax(axis=1)
    names: list[str | None] = [*candidates, None]
    return [(names[state], float(row[state])) for state, row in zip(best, chances, strict=True)]


def _evidence(turns: Sequence[Turn], candidates: Sequence[str]) -> Array:
    """Weights of the evidence, of shape [turns, candidates + 1]; the last column is somebody else."""
    place = {name: column for column, name in enumerate(candidates)}
    logs = np.zeros((len(turns), len(candidates) + 1))
    logs[:, -1] = UNNAMED
    for row, turn in zip(logs, turns, strict=True):
        for name, weight in turn.weights.items():
            if name in place:
                row[place[name]] += weight
        row[-1] += turn.unnamed
        if turn.named is not None:
            row[place.get(turn.named, -1)] += CERTAIN
    weights: Array = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weights


def _transitions(states: int) -> Array:
    """Weights of shape [gap, speaker before last, last speaker, next speaker]."""
    logs = np.empty((len(SAME), states, states, states))
    diagonal = np.arange(states)
    for gap in range(len(SAME)):
        logs[gap] = NEW[gap]
        logs[gap, diagonal, :, diagonal] = BACK[gap]
        logs[gap][:, diagonal, diagonal] = SAME[gap]
    weights: Array = np.exp(logs)
    return weights


def _forward_backward(evidence: Array, gaps: Sequence[int]) -> Array:
    """Probability of each state at each turn, of shape [turns, states]."""
    turns, states = evidence.shape
    moves = _transitions(states)
    forward = np.empty((turns, states, states))
    forward[0] = evidence[0][None, :]
    for turn in range(1, turns):
        step = (forward[turn - 1][:, :, None] * moves[gaps[turn]]).sum(axis=0) * evidence[turn][None, :]
        forward[turn] = step / step.sum()
    backward = np.ones((states, states))
    chances = np.empty((turns, states))
    for turn in range(turns - 1, -1, -1):
        both = forward[turn] * backward
        chances[turn] = both.sum(axis=0) / both.sum()
        if turn:
            backward = (moves[gaps[turn]] * (evidence[turn] * backward)[None, :, :]).sum(axis=2)
            backward /= backward.max()
    return chances
