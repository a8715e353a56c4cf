"""From the examples of one optimizer step to the passes that compute it.

A pass is one row of tokens. What all its examples begin with (the system prompt, as a rule) stands in it once:

    prefix | rest of example 0 | rest of example 1 | …

Each rest continues the positions of the prefix, so every token has the position that it has in its own example, and
attention (`attention.py`) lets it see the prefix and its own example, nothing else. No token is padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch

from offbook.core.types import NO_LABEL, Example

PASS_COST = 32
"""What one more pass costs, in tokens that could have been computed instead: small products run below full speed."""


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """The tensors of one pass: T tokens in a row, L of which predict a label."""

    input_ids: torch.Tensor
    """(1, T)"""
    position_ids: torch.Tensor
    """(1, T): each token's position in its own example."""
    prefix: int
    """How many tokens at the front all examples share."""
    lengths: tuple[int, ...]
    """Tokens of each example after the prefix, in row order; `prefix + sum(lengths) == T`."""
    rows: torch.Tensor
    """(L,): the positions in the row that predict a label, ascending."""
    targets: torch.Tensor
    """(L,): the token that each of them must predict."""
    owners: torch.Tensor
    """(L,): which example of the step each label belongs to."""

    def to(self, device: torch.device | str, non_blocking: bool = False) -> MicroBatch:
        """The same pass with its tensors on `device`."""
        names = ("input_ids", "position_ids", "rows", "targets", "owners")
        return replace(self, **{name: getattr(self, name).to(device, non_blocking=non_blocking) for name in names})


@dataclass(frozen=True, slots=True)
class StepBatch(Mapping[str, torch.Tensor]):
    """All passes of one optimizer step: what the collator hands to the trainer.

    It is a mapping with the one key `labels`, because the Trainer counts the labels of what it is given.
    """

    micro_batches: tuple[MicroBatch, ...]

    @property
    def labels(self) -> torch.Tensor:
        """(1, 1 + label_tokens): every target of the step, behind one position without (as labels are shifted)."""
        targets = [part.targets for part in self.micro_batches]
        empty = torch.full((1,), NO_LABEL, device=targets[0].device if targets else None)
        return torch.cat([empty, *targets])[None]

    @property
    def label_tokens(self) -> int:
        """How many tokens the loss of the step is the mean of."""
        return sum(len(part.targets) for part in self.micro_batches)

    @property
    def tokens(self) -> int:
        """How many tokens are computed."""
        return sum(part.input_ids.numel() for part in self.micro_batches)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> StepBatch:
        """The same step with its tensors on `device`."""
        return StepBatch(tuple(part.to(device, non_blocking) for part in self.micro_batches))

    def __getitem__(self, key: str) -> torch.Tensor:
        if key != "labels":
            raise KeyError(key)
        return self.labels

    def __iter__(self) -> Iterator[str]:
        return iter(("labels",))

    def __len__(self) -> int:
        return 1


def pack_step(examples: Sequence[Example], *, max_tokens: int, packing: bool = True, prefix: bool = True) -> StepBatch:
    """Cut one optimizer step into passes of at most `max_tokens` tokens (one example longer than that stands alone).

    The sum of the passes' losses, and so the gradient, does not depend on how the step was cut. Examples without a
    label are left out: nothing is learned from them.

    Args:
        packing: several examples in a pass; else each example is its own.
        prefix: compute what the examples of a pass begin with once.
    """
    useful = [index for index, example in enumerate(examples) if example.label_count]
    if not packing:
        return StepBatch(tuple(_lay_out(examples, [index], 0) for index in useful))
    families = _families(examples, useful) if prefix else [useful]
    micro_batches = []
    for family in families:
        shared = _shared(examples, family) if prefix else 0
        for members in _cut(examples, family, shared, max_tokens):
            micro_batches.append(_lay_out(examples, members, _shared(examples, members) if prefix else 0))
    return StepBatch(tuple(micro_batches))


def _shared(examples: Sequence[Example], members: Sequence[int]) -> int:
    """Length of the longest common prefix that ends before any position that predicts a label."""
    if len(members) < 2:
        return 0
    ids = [examples[index].ids for index in members]
    common = _common(min(ids), max(ids))  # in lexicographic order all others lie between these two
    return min(common, *(_first_predicting(examples[index]) for index in members))


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many elements the two begin with alike."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _first_predicting(example: Example) -> int:
    return next(index for index, label in enumerate(example.labels) if label != NO_LABEL) - 1


def _families(examples: Sequence[Example], members: Sequence[int]) -> list[list[int]]:
    """Split the examples so that sharing saves most: each family has its own prefix, and costs a pass.

    In the order of their ids, examples with a common prefix are neighbours, so a family is a run of that order, and
    the best split into runs is found from left to right: best(end) = max over start of best(start) + gain(start, end).
    """
    order = sorted(members, key=lambda index: examples[index].ids)
    limit = [_first_predicting(examples[index]) for index in order]
    common = [0] + [_common(examples[a].ids, examples[b].ids) for a, b in pairwise(order)]
    best = [(0, 0)]  # for the first `end` examples: (tokens saved, where their last run starts)
    for end in range(1, len(order) + 1):
        choices = [(best[end - 1][0] - PASS_COST, end - 1)]
        shared = limit[end - 1]
        for start in range(end - 2, -1, -1):
            shared = min(shared, common[start + 1], limit[start])
            choices.append((best[start][0] + shared * (end - start - 1) - PASS_COST, start))
        best.append(max(choices, key=lambda choice: choice[0]))
    families, end = [], len(order)
    while end:
        start = best[end][1]
        families.append(order[start:end])
        end = start
    return families[::-1]


def _cut(examples: Sequence[Example], family: Sequence[int], shared: int, max_tokens: int) -> Iterator[list[int]]:
    """The family in runs of like length, none above the budget; attention pads least among equals."""
    run: list[int] = []
    tokens = shared
    for index in sorted(family, key=lambda index: len(examples[index].ids)):
        own = len(examples[index].ids) - shared
        if run and tokens + own > max_tokens:
            yield run
            run, tokens = [], shared
        run.append(index)
        tokens += own
    if run:
        yield run


def _lay_out(examples: Sequence[Example], members: Sequence[int], shared: int) -> MicroBatch:
    """The tensors of a pass over these examples, whose first `shared` tokens are the same."""
    ids = list(examples[members[0]].ids[:shared])
    positions = list(range(shared))
    rows, targets, owners, lengths = [], [], [], []
    for member in members:
        example = examples[member]
        shift = len(ids) - shared  # where position 0 of this example would stand in the row
        for index, label in enumerate(example.labels):
            if label != NO_LABEL:
                rows.append(shift + index - 1)
                targets.append(label)
                owners.append(member)
        ids += example.ids[shared:]
        positions += range(shared, len(example.ids))
        lengths.append(len(example.ids) - shared)
    return MicroBatch(
        input_ids=torch.tensor([ids]),
        position_ids=torch.tensor([positions]),
        prefix=shared,
        lengths=tuple(lengths),
        rows=torch.tensor(rows),
        targets=torch.tensor(targets),
        owners=torch.tensor(owners),
    )
