"""From the examples of one optimizer step to the micro-batches that compute it.

A micro-batch is one row of tokens. What several of its examples begin with (the system prompt, or the history of a
conversation that is trained reply by reply) stands in it once, as runs of a prefix tree (`prefix_tree.py`):

    prefix | rest of example 0 | rest of example 1 | …

Every token has the position that it has in its own example, and attention (`attention.py`) lets it see the runs above
its own and its own past, nothing else. No token is padding.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from offbook.core.types import NO_LABEL, Example
from offbook.training.prefix_tree import Leaf, Node, Run, leaves


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """The tensors of one micro-batch: T tokens in a row, L of which predict a label."""

    input_ids: torch.Tensor
    """(1, T) int64."""
    position_ids: torch.Tensor
    """(1, T) int64: each token's position in its own example."""
    runs: tuple[Run, ...]
    """The prefix tree: the pieces of the row, in row order, each behind those above it."""
    leaves: tuple[int, ...]
    """The last run of each example: an index into `runs`."""
    label_positions: torch.Tensor
    """(L,) int64: the tokens of the row that predict a label, ascending."""
    targets: torch.Tensor
    """(L,) int64: the token that each of them must predict."""
    example_index: torch.Tensor
    """(L,) int64: which example of the step each label belongs to."""

    @property
    def shared(self) -> int:
        """The most tokens that an example shares with others."""
        return max((self.runs[leaf].depth for leaf in self.leaves), default=0)

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
        min_count: how many micro-batches there are at least, or a multiple of it, as far as there are examples; the
            budget is lowered for it, so that they are alike in size and so many processes have equal shares.
        packing: several examples in a micro-batch; else each example is its own.
        prefix: compute what examples of a micro-batch begin with once (see `prefix_tree`).
    """
    labelled = [index for index, example in enumerate(examples) if example.label_count]
    label_tokens = sum(examples[index].label_count for index in labelled)
    if not packing:
        return StepBatch(tuple(_collate(examples, [Leaf(index, 0, None)]) for index in labelled), label_tokens)
    leaf_order = leaves(examples, labelled, share=prefix)
    parts = list(_cut(examples, leaf_order, max_tokens))
    if min_count > 1 and labelled:
        wanted = min(min_count * -(-len(parts) // min_count), len(labelled))
        candidates = [_cut_alike(examples, leaf_order, wanted, max_tokens), _deal(examples, leaf_order, wanted)]
        if len(parts) >= min(min_count, len(labelled)):
            candidates.append(parts)  # what is dealt out may go beyond the budget
        parts = min(candidates, key=lambda parts: max(_Part.of(examples, part).tokens for part in parts))
    return StepBatch(tuple(_collate(examples, part) for part in parts), label_tokens)


@dataclass(slots=True)
class _Part:
    """The leaves of a micro-batch that is being put together."""

    leaves: list[Leaf] = field(default_factory=list)
    nodes: set[Node] = field(default_factory=set)
    """What its leaves share, each counted once."""
    tokens: int = 0

    @classmethod
    def of(cls, examples: Sequence[Example], leaves: Iterable[Leaf]) -> _Part:
        part = cls()
        for leaf in leaves:
            part.append(examples, leaf)
        return part

    def tokens_with(self, examples: Sequence[Example], leaf: Leaf) -> int:
        """How many tokens it has once this leaf is in it."""
        shared = sum(node.end - node.start for node in leaf.nodes if node not in self.nodes)
        return self.tokens + shared + len(examples[leaf.example].ids) - leaf.start

    def append(self, examples: Sequence[Example], leaf: Leaf) -> None:
        self.tokens = self.tokens_with(examples, leaf)
        self.leaves.append(leaf)
        self.nodes.update(leaf.nodes)


def _cut(examples: Sequence[Example], leaf_order: Sequence[Leaf], max_tokens: int) -> Iterator[list[Leaf]]:
    """Cut the leaves, in their order, into runs within the budget."""
    part = _Part()
    for leaf in leaf_order:
        if part.leaves and part.tokens_with(examples, leaf) > max_tokens:
            yield part.leaves
            part = _Part()
        part.append(examples, leaf)
    if part.leaves:
        yield part.leaves


def _cut_alike(
    examples: Sequence[Example], leaf_order: Sequence[Leaf], wanted: int, max_tokens: int
) -> list[list[Leaf]]:
    """Cut the leaves, in their order, `wanted` times or a little more, so that the largest part is small."""

    def cuts(budget: int) -> list[list[Leaf]]:
        return list(_cut(examples, leaf_order, budget))

    budget = 1 + bisect_left(range(1, max_tokens + 1), -wanted, key=lambda budget: -len(cuts(budget)))
    while len(cuts(budget)) < wanted:
        budget -= 1
    return cuts(budget)


def _deal(examples: Sequence[Example], leaf_order: Sequence[Leaf], wanted: int) -> list[list[Leaf]]:
    """Deal the leaves out to `wanted` parts, the longest first, each to the part that stays the smallest with it.

    Where all examples begin alike, and so cost the same in whichever part, this evens the parts out better than a cut
    between neighbours; where neighbours share a history, it computes more of that twice.
    """
    parts = [_Part() for _ in range(wanted)]
    place = {leaf.example: index for index, leaf in enumerate(leaf_order)}
    for leaf in sorted(leaf_order, key=lambda leaf: leaf.start - len(examples[leaf.example].ids)):
        min(parts, key=lambda part: part.tokens_with(examples, leaf)).append(examples, leaf)
    return [sorted(part.leaves, key=lambda leaf: place[leaf.example]) for part in parts]


def _collate(examples: Sequence[Example], part: Sequence[Leaf]) -> MicroBatch:
    """The tensors of a micro-batch of these leaves and the runs above them."""
    users = Counter(node for leaf in part for node in leaf.nodes)
    runs: list[Run] = []
    places: dict[Node, int] = {}
    ids: list[int] = []
    positions: list[int] = []
    label_positions, targets, example_index, leaf_runs = [], [], [], []

    def append(example: Example, start: int, end: int, parent: int | None) -> int:
        runs.append(Run(len(ids), end - start, start, parent))
        ids.extend(example.ids[start:end])
        positions.extend(range(start, end))
        return len(runs) - 1

    for leaf in part:
        example = examples[leaf.example]
        start, parent = 0, None
        for node in leaf.nodes:
            if users[node] == 1:  # the others that share it are in another micro-batch
                break
            if node not in places:
                places[node] = append(example, node.start, node.end, parent)
            start, parent = node.end, places[node]
        leaf_runs.append(append(example, start, len(example.ids), parent))
        shift = runs[-1].start - start  # where position 0 of this example would stand in the row
        for index, label in enumerate(example.labels):
            if label != NO_LABEL:
                label_positions.append(shift + index - 1)
                targets.append(label)
                example_index.append(leaf.example)
    return MicroBatch(
        input_ids=torch.tensor([ids]),
        position_ids=torch.tensor([positions]),
        runs=tuple(runs),
        leaves=tuple(leaf_runs),
        label_positions=torch.tensor(label_positions),
        targets=torch.tensor(targets),
        example_index=torch.tensor(example_index),
    )
