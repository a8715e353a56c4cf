"""Find how much each piece of evidence counts in the readers of English and Chinese novels: `novel/weights_en.json`.

    python benchmarks/extract_weights.py FOLDER [--language zh] > src/offbook/data/extract/novel/weights_en.json

FOLDER is that of `extract_confidence.py`; the books of its fitting half are used. The weights maximize the likelihood
of the known speakers under the chain of `novel/dialogue.py` (Adam on the negative log posterior of each turn whose
speaker is known, with an L2 penalty).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from extract_confidence import books_of, gold_speakers, letters_of, matches

from offbook.data.encoding import open_text
from offbook.data.extract.cue import Cue
from offbook.data.extract.novel import reader, turns
from offbook.data.extract.novel.dialogue import CERTAIN, Turn, Weights
from offbook.data.extract.novel.features import FEATURES

STATES = 9
"""At most eight candidates, and somebody else."""
STEPS = 70
PENALTY = {"en": 0.0002, "zh": 0.002}
"""Of the squared weights; more where fewer turns are known."""


@dataclass
class Run:
    """A run of turns with its evidence; `known` is the column of each turn's speaker, -1 where it is not known."""

    turns: list[Turn]
    candidates: list[str]
    values: np.ndarray[Any, np.dtype[np.float64]]
    labels: list[int]


class _Numbered(float):
    """A confidence that knows its turn."""

    turn: tuple[int, int]


def runs_of(path: Path) -> list[Run]:
    """The runs of a book, with the speakers that its gold file knows."""
    runs: list[Run] = []

    def collect(given: list[Turn], candidates: list[str], values: Any, _weights: Weights) -> list[tuple[str, float]]:
        runs.append(Run(given, candidates, values, [-1] * len(given)))
        return [("?", float(len(runs) - 1) * 1000 + place) for place in range(len(given))]

    def number(_language: str, _kind: str, code: float) -> float:
        value = _Numbered(code)
        value.turn = divmod(int(code), 1000)
        return value

    with mock.patch.object(turns, "speakers", collect), mock.patch.object(turns, "confidence", number):
        cues = [item for item in reader.read(list(open_text(path))) if isinstance(item, Cue)]
    persons = defaultdict(set)
    for name, speaker in gold_speakers(path):
        persons[letters_of(name)].add(speaker)
    for cue, speaker in known_speakers(cues, path):
        run, place = cue.confidence.turn  # type: ignore[attr-defined]
        candidates = [persons[letters_of(name)] for name in runs[run].candidates]
        columns = [column for column, those in enumerate(candidates) if those == {speaker}]
        listed = any(speaker in those for those in candidates)
        if columns or not listed:
            runs[run].labels[place] = columns[0] if columns else STATES - 1
    return runs


def known_speakers(cues: list[Cue], path: Path) -> list[tuple[Cue, str]]:
    """The cues whose words the gold file knows, with their speaker."""
    return [(cue, line["speaker"]) for cue, line in matches(cues, path) if isinstance(cue.confidence, _Numbered)]


@dataclass
class LabelledBatch:
    """Runs of like length, padded."""

    values: torch.Tensor
    """[runs, turns, candidates, features]"""
    fixed: torch.Tensor
    """[runs, turns, states]: what is certain or out of the question."""
    gaps: torch.Tensor
    narrated: torch.Tensor
    labels: torch.Tensor
    """The state of each turn; -1 where it is not known or the text names it."""
    real: torch.Tensor
    """Whether a turn is one, [runs, turns]."""


def batch(runs: list[Run]) -> LabelledBatch:
    """Some runs as tensors."""
    count, longest = len(runs), max(len(run.turns) for run in runs)
    made = LabelledBatch(
        torch.zeros(count, longest, STATES - 1, len(FEATURES)),
        torch.zeros(count, longest, STATES),
        torch.zeros(count, longest, dtype=torch.long),
        torch.zeros(count, longest, dtype=torch.long),
        torch.full((count, longest), -1),
        torch.zeros(count, longest, dtype=torch.bool),
    )
    for number, run in enumerate(runs):
        size, people = len(run.turns), len(run.candidates)
        made.values[number, :size, :people] = torch.from_numpy(run.values).float()
        made.fixed[number, :, people : STATES - 1] = -1e4
        made.real[number, :size] = True
        for place, turn in enumerate(run.turns):
            made.gaps[number, place], made.narrated[number, place] = turn.move
            if turn.named is not None:
                column = run.candidates.index(turn.named) if turn.named in run.candidates else STATES - 1
                made.fixed[number, place, column] += CERTAIN
            else:
                made.labels[number, place] = run.labels[place]
    return made


def fit(runs: list[Run], penalty: float) -> list[torch.Tensor]:
    """Log weights of the moves [gap, what tells, move], of the features, and of somebody else by what tells."""
    lengths = [(1, 3), (4, 8), (9, 16), (17, 30), (31, 1000)]
    chosen = [[run for run in runs if low <= len(run.turns) <= high] for low, high in lengths]
    batches = [batch(each) for each in chosen if each]
    moves = torch.tensor([[[-4.2, 0.3, -3.1]] * 3, [[-0.3, -1.4, -2.6]] * 3, [[-1.1, -0.6, -2.3]] * 3])
    parameters = [moves, torch.zeros(len(FEATURES)), torch.full((3,), -3.5)]
    for each in parameters:
        each.requires_grad_()
    optimizer = torch.optim.Adam(parameters, lr=0.1)
    same = torch.eye(STATES, dtype=torch.bool)
    kinds = torch.full((STATES, STATES, STATES), 2)
    kinds[same.unsqueeze(1).expand(-1, STATES, -1)] = 1
    kinds[same.unsqueeze(0).expand(STATES, -1, -1)] = 0
    total = sum(int(((each.labels >= 0) & each.real).sum()) for each in batches)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = 0.0
        for some in batches:
            scores = torch.cat([some.values @ parameters[1], parameters[2][some.narrated].unsqueeze(-1)], dim=-1)
            probabilities = posterior(scores + some.fixed, parameters[0][some.gaps, some.narrated], kinds, some.real)
            wanted = (some.labels >= 0) & some.real
            part = -probabilities[wanted].gather(1, some.labels[wanted].unsqueeze(1)).sum() / total
            part.backward()
            loss += float(part.detach())
        (penalty * (parameters[1] ** 2).sum()).backward()
        optimizer.step()
        if step % 20 == 0:
            print(f"step {step}: {loss:.4f} a turn of {total}", file=sys.stderr, flush=True)
    return [each.detach() for each in parameters]


def posterior(scores: torch.Tensor, steps: torch.Tensor, kinds: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Log probability of each state at each turn, of shape [runs, turns, states]; void where not `real`."""
    count, longest, states = scores.shape
    forward = [torch.zeros(count, states, 1) + scores[:, 0].unsqueeze(1)]
    for place in range(1, longest):
        step = steps[:, place][:, kinds]
        moved = torch.logsumexp(forward[-1].unsqueeze(-1) + step, dim=1) + scores[:, place].unsqueeze(1)
        moved = moved - moved.amax(dim=(1, 2), keepdim=True)
        forward.append(torch.where(real[:, place, None, None], moved, forward[-1]))
    backward = torch.zeros(count, states, states)
    probabilities: list[torch.Tensor] = []
    for place in range(longest - 1, -1, -1):
        probabilities.append(torch.log_softmax(torch.logsumexp(forward[place] + backward, dim=1), dim=-1))
        if place:
            step = steps[:, place][:, kinds]
            back = torch.logsumexp(step + (scores[:, place].unsqueeze(1) + backward).unsqueeze(1), dim=3)
            back = back - back.amax(dim=(1, 2), keepdim=True)
            backward = torch.where(real[:, place, None, None], back, backward)
    return torch.stack(probabilities[::-1], dim=1)


def main() -> None:
    """Fit and print the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=("en", "zh"), default="en")
    options = parser.parse_args()
    runs = [run for path in books_of(options.folder, options.language)["fit"] for run in runs_of(path)]
    moves, features, unnamed = fit(runs, PENALTY[options.language])
    rounded = {
        "moves": [[[round(value, 3) for value in narrated] for narrated in gap] for gap in moves.tolist()],
        "features": dict(zip(FEATURES, (round(value, 3) for value in features.tolist()), strict=True)),
        "unnamed": [round(value, 3) for value in unnamed.tolist()],
    }
    print(json.dumps(rounded, indent=2))


if __name__ == "__main__":
    main()
