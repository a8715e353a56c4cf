"""What the text tells for and against each candidate at each turn of a dialogue, as numbers.

`weights_LANGUAGE.json` says how much each of them counts (`benchmarks/extract_weights.py` finds that).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from offbook.data.extract.novel.evidence import SpeakerEvidence
from offbook.data.extract.novel.habits import NarrationHabits

FARTHEST = 8
"""Turns further off than this are all equally far."""
NEAR = 2
AROUND = 8
"""Turns before and after that tell who is there."""
MOST = 3.0
"""Log ratios of forms of address are cut off here."""
MOST_STYLE = 20.0
"""Log weights of ways of speaking are cut off at so much less than the largest one,"""
WIDEST = 30.0
"""and at so much more or less than the book's."""
FEATURES = (
    "other_gender",
    "gender_unknown",
    "actor_other_gender",
    "actor_gender_unknown",
    "distance",
    "named_near",
    "named_around",
    "present_around",
    "acts",
    "told_of",
    "named_last_before",
    "named_before",
    "addressed",
    "spoken_of",
    "addressed_by_last",
    "addressed_by_next",
    "called_by_last",
    "called_by_next",
    "calls_self",
    "calls_so",
    "style",
    "pronoun_refers",
    "named_in_run",
    "named_in_book",
    "pronoun_spoke_last",
    "pronoun_spoke_before",
    "spoken_of_by_last",
    "spoken_of_by_next",
)
Array = NDArray[np.float64]


class Measurer:
    """Measures the evidence of a run of turns.

    Args:
        habits: how the book's people speak and call each other.
        tagged: how often somebody is named in speech tags.
        gender: somebody's gender as `SpeakerEvidence` has it, "" where it is not known.
    """

    def __init__(self, habits: NarrationHabits, tagged: Callable[[str], int], gender: Callable[[str], str]) -> None:
        self._habits = habits
        self._tagged = tagged
        self._gender = gender

    def measure(self, run: Sequence[SpeakerEvidence], candidates: Sequence[str]) -> Array:
        """The evidence, of shape [turns, candidates, features]."""

        def marked(names: Callable[[SpeakerEvidence], Collection[str]]) -> Array:
            return np.array([[name in those for name in candidates] for those in map(names, run)], dtype=float)

        def weighed(weights: Callable[[SpeakerEvidence], Mapping[str, float]]) -> Array:
            table = np.zeros((len(run), len(candidates)))
            for row, those in zip(table, map(weights, run), strict=True):
                if those:
                    row[:] = [those.get(name, 0.0) for name in candidates]
            return table

        if not run or not candidates:
            return np.zeros((len(run), len(candidates), len(FEATURES)))
        named, acts = marked(lambda turn: (turn.named,)), marked(lambda turn: (turn.actor,))
        told_of, before = marked(lambda turn: turn.told_of), marked(lambda turn: turn.before)
        addressed, spoken_of = marked(lambda turn: turn.addressed), marked(lambda turn: turn.spoken_of - turn.addressed)
        present = np.maximum.reduce([acts, addressed, told_of, before])
        answering = weighed(lambda turn: self._habits.answering(turn.calls, candidates)).clip(-MOST, MOST)
        calling = weighed(lambda turn: self._habits.calling(turn.calls, candidates)).clip(-MOST, MOST)
        style = np.array(self._habits.styles((turn.speech for turn in run), candidates)).clip(-WIDEST, WIDEST)
        far = _distances(np.maximum(named, acts))
        pronoun = np.array([[bool(turn.gender) and turn.kind == "pronoun"] for turn in run], dtype=float)
        by_column = np.ones((len(run), 1))
        return np.stack(
            (
                *self._genders([turn.gender for turn in run], candidates),
                *self._genders([turn.actor_gender for turn in run], candidates),
                far / FARTHEST,
                far <= NEAR,
                np.log1p(_around(named)),
                np.log1p(_around(present)),
                acts,
                told_of * (1 - acts),
                marked(lambda turn: turn.before[-1:]),
                before,
                addressed,
                spoken_of,
                _shifted(addressed, 1),
                _shifted(addressed, -1),
                _shifted(answering, 1),
                _shifted(answering, -1),
                answering.clip(0),
                calling,
                (style - style.max(axis=1, keepdims=True)).clip(-MOST_STYLE) / 10,
                marked(lambda turn: (turn.refers,)),
                by_column * np.log1p(named.sum(axis=0)),
                by_column * np.log1p([self._tagged(name) for name in candidates]) / 5,
                pronoun * _shifted(named, 1),
                pronoun * _shifted(named, 2),
                _shifted(spoken_of, 1),
                _shifted(spoken_of, -1),
            ),
            axis=-1,
        )

    def _genders(self, wanted: Sequence[str], candidates: Sequence[str]) -> tuple[Array, Array]:
        """Whether a gender is told that is not the candidate's; whether one is told and the candidate's is unknown."""
        narrated = np.array(wanted)[:, None]
        genders = np.array([self._gender(name) for name in candidates])[None, :]
        return (
            ((narrated != "") & (genders != "") & (genders != narrated)).astype(float),
            ((narrated != "") & (genders == "")).astype(float),
        )


def _shifted(marks: Array, by: int) -> Array:
    """What stands so many turns before each turn; nothing where there is no such turn."""
    moved = np.zeros_like(marks)
    if by > 0:
        moved[by:] = marks[:-by]
    else:
        moved[:by] = marks[-by:]
    return moved


def _distances(marks: Array) -> Array:
    """Turns from each turn to the nearest that is marked, at most `FARTHEST`."""
    far = np.full(marks.shape, float(FARTHEST))
    for distance in range(FARTHEST - 1, -1, -1):
        reached = marks if not distance else np.maximum(_shifted(marks, distance), _shifted(marks, -distance))
        far[reached > 0] = distance
    return far


def _around(marks: Array) -> Array:
    """How many of the `AROUND` turns before and after each turn are marked."""
    sums = np.cumsum(np.vstack([np.zeros((1, marks.shape[1])), marks]), axis=0)
    places = np.arange(len(marks))
    within: Array = sums[np.minimum(places + AROUND + 1, len(marks))] - sums[np.maximum(places - AROUND, 0)] - marks
    return within
