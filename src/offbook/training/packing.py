"""From the examples of one optimizer step to the micro-batches that compute it.

A micro-batch is one row of tokens. What all its examples begin with (the system prompt, as a rule) stands in it once:

    prefix | rest of example 0 | rest of example 1 | …

Each rest continues the positions of the prefix, so every token has the position that it has in its own example, and
attention (`attention.py`) lets it see the prefix and its own example, nothing else. No token is padding.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch

from offbook.core.sequences import common_prefix
from offbook.core.types import NO_LABEL, Example

MICRO_BATCH_COST = 32
"""What one more micro-batch costs, in tokens that could be computed instead: small products run below full speed."""


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """The tensors of one micro-batch: T tokens in a row, L of which predict a label."""

    input_ids: torch.Tensor
    """(1, T) int64."""
    position_ids: torch.Tensor
    """(1, T) int64: each token's position in its own example."""
    prefix: int
    """How many tokens at the front all examples share."""
    lengths: tuple[int, ...]
    """Tokens of each example after the prefix, in row order; `prefix + sum(lengths) == T`."""
    label_positions: torch.Tensor
    """(L,) int64: the tokens of the row that predict a label, ascending."""
    targets: torch.Tensor
    """(L,) int64: the token that each of them must predict."""
    example_index: torch.Tensor
    """(L,) int64: which example of the step each label belongs to."""

    def to(self, device: torch.device | str, non_blocking: bool = False) -> MicroBatch:
        """Return the same micro-batch with its tensors on `device`."""
        names = ("input_ids", "position_ids", "label_positions", "targets", "example_index")
        return replace(self, **{name: getattr(self, name).to(device, non_blocking=non_blocking) for name in names})


@dataclass(frozen=True, slots=True)
class StepBatch(Mapping[str, torch.Tensor]):
    """The micro-batches of one optimizer step: what the collator hands to the trainer.

    It is a mapping with the one key `labels`, because transformers' Trainer counts the labels of what it is given.
    """

    micro_batches: tuple[MicroBatch, ...]
    label_tokens: int
    """How many tokens the loss of the step is the mean of. It belongs to the whole step, of which the micro-batches may
    be one process's share."""

    @property
    def labels(self) -> torch.Tensor:
        """(1, 1 + labels at hand): every target, behind one position without (as labels are shifted)."""
        targets = [part.targets for part in self.micro_batches]
        empty = torch.full((1,), NO_LABEL, device=targets[0].device if targets else None)
        return torch.cat([empty, *targets])[None]

    @property
    def tokens(self) -> int:
        """How many tokens the micro-batches at hand compute."""
        return sum(part.input_ids.numel() for part in self.micro_batches)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> StepBatch:
        """Return the same step with its tensors on `device`."""
        return replace(self, micro_batches=tuple(part.to(device, non_blocking) for part in self.micro_batches))

    def __getitem__(self, key: str) -> torch.Tensor:
        if key != "labels":
            raise KeyError(key)
        return self.labels

    def __iter__(self) -> Iterator[str]:
        return iter(("labels",))

    def __len__(self) -> int:
        return 1


def pack_step(
    examples: Sequence[Example], *, max_tokens: int, min_count: int = 1, packing: bool = True, prefix: bool = True
) -> StepBatch:
    """Cut one optimizer step into micro-batches of at most `max_tokens` tokens (a longer example stands alone).

    The sum of the micro-batches' losses, and so the gradient, does not depend on how the step was cut. Examples without
    a label are left out: nothing is learned from them.

    Args:
        examples: the step's examples.
        max_tokens: budget of a micro-batch.
        min_count: how many micro-batches there are at least, as far as there are examples; the budget is lowered for
            it, so that they are alike in size.
        packing: several examples in a micro-batch; else each example is its own.
        prefix: compute what the examples of a micro-batch begin with once.
    """
    labelled = [index for index, example in enumerate(examples) if example.label_count]
    label_tokens = sum(examples[index].label_count for index in labelled)
    if not packing:
        return StepBatch(tuple(_collate(examples, [index], 0) for index in labelled), label_tokens)
    groups = _prefix_groups(examples, labelled) if prefix else [labelled]
    shared = [_shared_length(examples, group) if prefix else 0 for group in groups]

    def cuts(budget: int) -> list[list[int]]:
        pairs = zip(groups, shared, strict=True)
        return [members for group, length in pairs for members in _cut(examples, group, length, budget)]

    members_of = cuts(max_tokens)
    if len(members_of) < min(min_count, len(labelled)):
        # The largest budget that gives enough; the smaller the budget, the more micro-batches.
        budgets = range(max_tokens - 1, 0, -1)
        found = bisect_left(budgets, min(min_count, len(labelled)), key=lambda budget: len(cuts(budget)))
        members_of = cuts(budgets[found])
    return StepBatch(
        tuple(
            _collate(examples, members, _shared_length(examples, members) if prefix else 0) for members in members_of
        ),
        label_tokens,
    )


def _shared_length(examples: Sequence[Example], members: Sequence[int]) -> int:
    """Length of the longest common prefix that ends before any position that predicts a label."""
    if len(members) < 2:
        return 0
    ids = [examples[index].ids for index in members]
    common = common_prefix(min(ids), max(ids))  # in lexicographic order all others lie between these two
    return min(common, *(_first_predicting(examples[index]) for index in members))


def _first_predicting(example: Example) -> int:
    """The first position whose token predicts a label."""
    return next(index for index, label in enumerate(example.labels) if label != NO_LABEL) - 1


def _prefix_groups(examples: Sequence[Example], members: Sequence[int]) -> list[list[int]]:
    """Split the examples so that sharing saves most: each group has its own prefix, and costs a micro-batch.

    In the order of their ids, examples with a common prefix are neighbours, so a group is a run of that order, and
    the best split into runs is found from left to right: best(end) = max over start of best(start) + gain(start, end).
    """
    order = sorted(members, key=lambda index: examples[index].ids)
    limit = [_first_predicting(examples[index]) for index in order]
    common = [0] + [common_prefix(examples[a].ids, examples[b].ids) for a, b in pairwise(order)]
    best = [(0, 0)]  # for the first `end` examples: (tokens saved, where their last run starts)
    for end in range(1, len(order) + 1):
        choices = [(best[end - 1][0] - MICRO_BATCH_COST, end - 1)]
        shared = limit[end - 1]
        for start in range(end - 2, -1, -1):
            shared = min(shared, common[start + 1], limit[start])
            choices.append((best[start][0] + shared * (end - start - 1) - MICRO_BATCH_COST, start))
        best.append(max(choices, key=lambda choice: choice[0]))
    groups, end = [], len(order)
    while end:
        start = best[end][1]
        groups.append(order[start:end])
        end = start
    return groups[::-1]


def _cut(examples: Sequence[Example], group: Sequence[int], shared: int, max_tokens: int) -> Iterator[list[int]]:
    """Cut the group into runs of similar length within the budget; attention pads least among equals."""
    run: list[int] = []
    tokens = shared
    for index in sorted(group, key=lambda index: len(examples[index].ids)):
        length = len(examples[index].ids) - shared
        if run and tokens + length > max_tokens:
            yield run
            run, tokens = [], shared
        run.append(index)
        tokens += length
    if run:
        yield run


def _collate(examples: Sequence[Example], members: Sequence[int], shared: int) -> MicroBatch:
    """The tensors of a micro-batch of these examples, whose first `shared` tokens are the same."""
    ids = list(examples[members[0]].ids[:shared])
    positions = list(range(shared))
    label_positions, targets, example_index, lengths = [], [], [], []
    for member in members:
        example = examples[member]
        shift = len(ids) - shared  # where position 0 of this example would stand in the row
        for index, label in enumerate(example.labels):
            if label != NO_LABEL:
                label_positions.append(shift + index - 1)
                targets.append(label)
                example_index.append(member)
        ids += example.ids[shared:]
        positions += range(shared, len(example.ids))
        lengths.append(len(example.ids) - shared)
    return MicroBatch(
        input_ids=torch.tensor([ids]),
        position_ids=torch.tensor([positions]),
        prefix=shared,
        lengths=tuple(lengths),
        label_positions=torch.tensor(label_positions),
        targets=torch.tensor(targets),
        example_index=torch.tensor(example_index),
    )
