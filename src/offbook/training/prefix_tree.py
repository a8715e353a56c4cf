"""The prefix tree of a micro-batch: what several examples begin with stands in its row once.

    system prompt ┬ question 1 ┬ answer 1
                  │            └ answer 1 as history, question 2 ┬ answer 2
                  │                                              └ …
                  └ question of another conversation ─ its answer

A node is a run of neighbouring tokens. Each token sees the runs above its own, from the root down, and the earlier
tokens of its own run: exactly its own example. Where nothing is shared, every example is a root of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from offbook.core.sequences import common_prefix
from offbook.core.types import NO_LABEL, Example

MIN_SAVED = 32
"""Tokens that a shared run below another must save: each is one more piece for attention to gather."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring tokens of a micro-batch's row that the same examples hold."""

    start: int
    """Where it begins in the row."""
    length: int
    depth: int
    """Tokens of the runs above it: the position of its first token in its examples."""
    parent: int | None
    """Index of the run above it, which stands before it in the row; None for a root."""

    @property
    def end(self) -> int:
        """Where the run after it begins in the row."""
        return self.start + self.length


def path(runs: Sequence[Run], index: int) -> list[int]:
    """Indices of the runs from the root to this one, this one included."""
    indices = [index]
    while (parent := runs[indices[-1]].parent) is not None:
        indices.append(parent)
    return indices[::-1]


def flat_runs(prefix: int, lengths: Sequence[int]) -> tuple[Run, ...]:
    """The runs of a row in which all examples share `prefix` tokens, followed by the rest of each."""
    runs = [Run(0, prefix, 0, None)] if prefix else []
    parent = 0 if prefix else None
    start = prefix
    for length in lengths:
        runs.append(Run(start, length, prefix, parent))
        start += length
    return tuple(runs)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A shared run, before it has a place in a row: tokens `start` to `end` of any example below it."""

    start: int
    end: int
    parent: Node | None


@dataclass(frozen=True, slots=True)
class Leaf:
    """The rest of one example."""

    example: int
    start: int
    """How many of its tokens stand in the runs above."""
    parent: Node | None

    @property
    def nodes(self) -> list[Node]:
        """The shared runs above it, from the root down."""
        above: list[Node] = []
        node = self.parent
        while node is not None:
            above.append(node)
            node = node.parent
        return above[::-1]


def leaves(examples: Sequence[Example], members: Sequence[int], *, share: bool = True) -> list[Leaf]:
    """The leaves of the prefix tree of some examples, neighbours in the tree beside each other, the short ones first.

    What is shared ends before the first position that predicts a label, so that every label belongs to a leaf.

    Args:
        examples: examples that have labels.
        members: indices of those that are to be put together.
        share: False gives every example a root of its own.
    """
    order = sorted(members, key=lambda index: examples[index].ids)
    if not share:
        return _by_length(examples, [Leaf(index, 0, None) for index in order])
    limits = {index: _first_predicting(examples[index]) for index in order}
    collected: list[Leaf] = []
    # (members in order of their ids, tokens in the runs above, the run above, tokens that are known to be the same)
    todo: list[tuple[list[int], int, Node | None, int]] = [(order, 0, None, 0)] if order else []
    while todo:
        group, start, parent, common = todo.pop()
        if len(group) == 1:
            collected.append(Leaf(group[0], start, parent))
            continue
        first, last = examples[group[0]].ids, examples[group[-1]].ids
        shared = min(common + common_prefix(first[common:], last[common:]), *(limits[index] for index in group))
        saved = (shared - start) * (len(group) - 1)
        if saved >= MIN_SAVED or (saved and parent is None):
            parent = Node(start, shared, parent)
            start = shared
        ended = [index for index in group if limits[index] <= shared]
        collected += [Leaf(index, start, parent) for index in ended]
        going_on = [index for index in group if limits[index] > shared]
        todo += [(part, start, parent, shared) for part in _by_token(examples, going_on, shared)]
    return _by_length(examples, collected)


def _first_predicting(example: Example) -> int:
    """The first position whose token predicts a label."""
    return next(index for index, label in enumerate(example.labels) if label != NO_LABEL) - 1


def _by_token(examples: Sequence[Example], group: Sequence[int], place: int) -> Iterator[list[int]]:
    """The members, which are in order of their ids, cut where their token at `place` changes."""
    part: list[int] = []
    for index in group:
        if part and examples[index].ids[place] != examples[part[-1]].ids[place]:
            yield part
            part = []
        part.append(index)
    if part:
        yield part


def _by_length(examples: Sequence[Example], collected: Sequence[Leaf]) -> list[Leaf]:
    """Depth first, and by length among those with the same run above: attention pads least among equals."""
    below: dict[Node | None, list[Leaf]] = {}
    children: dict[Node | None, list[Node]] = {}
    for leaf in collected:
        below.setdefault(leaf.parent, []).append(leaf)
        for node in leaf.nodes:
            siblings = children.setdefault(node.parent, [])
            if node not in siblings:
                siblings.append(node)
    ordered: list[Leaf] = []
    todo: list[Node | None] = [None]
    while todo:
        parent = todo.pop()
        ordered += sorted(below.get(parent, ()), key=lambda leaf: len(examples[leaf.example].ids) - leaf.start)
        todo += children.get(parent, ())[::-1]
    return ordered
