"""A step's micro-batches shared out over the processes of a run, with the same bits for any number of them.

Which process computes a micro-batch is a matter of speed. What comes of it is not: its dropout is a function of its
number, and the gradients of all are added in the order of the micro-batches, as one process does. For that, each
process gets its own slice of every micro-batch's gradient (all-to-all), adds the slices in order, and all exchange the
sums (all-gather): about two adapters' worth of bytes a process and step, however many processes there are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from offbook.core.sharing import Share, alone
from offbook.training.packing import MicroBatch
from offbook.training.process_group import ProcessGroup

NEWEST = 0.5
"""Weight of the last step in what is known of a process's speed."""


class WorkSharing:
    """Shares out micro-batches by their cost and by the speed that each process has shown.

    Args:
        group: the processes.
        model: the peft model that is trained.
    """

    def __init__(self, group: ProcessGroup, model: Any) -> None:
        self.group = group
        self.trained: list[torch.Tensor] = [weight for weight in model.parameters() if weight.requires_grad]
        self.label_cost = label_cost(model)
        self.speeds = [1.0] * group.size
        """Cost a second of each process, relative to each other."""
        self.exchange_seconds = 0.0
        """What the exchange of the last step took, waiting for the slowest process included."""

    def costs(self, batches: Sequence[MicroBatch]) -> list[float]:
        """What each micro-batch costs, in tokens: a label goes through the output layer as well."""
        return [batch.input_ids.numel() + self.label_cost * len(batch.targets) for batch in batches]

    def gradients(
        self, batches: Sequence[MicroBatch], backward: Callable[[int, MicroBatch], torch.Tensor]
    ) -> torch.Tensor:
        """Compute the gradient of a step, which every process then has; all call it with the same micro-batches.

        Args:
            batches: the step's.
            backward: (number, micro-batch) → its share of the step's loss, a scalar whose gradient has been added to
                that of the weights.

        Returns:
            The step's loss.
        """
        if self.group.size == 1:
            losses = [backward(index, batch) for index, batch in enumerate(batches)]
            self.group.agreed_flag = self.group.flag
        else:
            losses = self._shared_gradients(batches, backward)
        if batches:
            for weight in self.trained:  # one that no micro-batch reached: a zero, however they were shared out
                weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
        return sum(losses, torch.zeros((), device=self.trained[0].device))

    def sums(self, batches: Sequence[MicroBatch], compute: Callable[[MicroBatch], float]) -> list[float]:
        """A number for each micro-batch, shared out and known to all processes afterwards."""
        ranks = share_out(self.costs(batches), self.speeds)
        losses = {index: compute(batches[index]) for index, owner in enumerate(ranks) if owner == self.group.rank}
        return self._gather(ranks, losses)

    def _shared_gradients(self, batches: Sequence[MicroBatch], backward: Callable[..., torch.Tensor]) -> list[Any]:
        costs = self.costs(batches)
        ranks = share_out(costs, self.speeds)
        began = time.perf_counter()
        losses: dict[int, float] = {}
        parts: list[torch.Tensor] = []
        for index, batch in enumerate(batches):
            if ranks[index] == self.group.rank:
                losses[index] = backward(index, batch).item()
                parts.append(self._take_gradient())
        computed = time.perf_counter()
        every_loss = self._gather(ranks, losses, computed - began)
        self._learn_speeds(costs, ranks)
        if batches and all(map(_is_finite, every_loss)):
            self._put_gradient(self._add_in_order(parts, ranks))
        self.exchange_seconds = time.perf_counter() - computed
        return [torch.tensor(loss, device=self.trained[0].device) for loss in every_loss]

    def _gather(self, ranks: Sequence[int], losses: dict[int, float], seconds: float = 0.0) -> list[float]:
        """Exchange a number a micro-batch, the flags, and the seconds that each process took."""
        most = max((ranks.count(rank) for rank in range(self.group.size)), default=0)
        values = [float(self.group.flag), seconds, *losses.values()]
        padded = torch.tensor(values + [0.0] * (most - len(losses)), dtype=torch.float64)
        gathered = [part.tolist() for part in self.group.all_gather(padded)]
        self.group.agreed_flag = int(max(part[0] for part in gathered))
        self.seconds = [part[1] for part in gathered]
        numbers = [iter(part[2:]) for part in gathered]
        return [next(numbers[owner]) for owner in ranks]

    def _learn_speeds(self, costs: Sequence[float], ranks: Sequence[int]) -> None:
        for rank, seconds in enumerate(self.seconds):
            done = sum(cost for cost, owner in zip(costs, ranks, strict=True) if owner == rank)
            if done and seconds:
                first = self.speeds[rank] == 1.0
                weight = 1.0 if first else NEWEST
                self.speeds[rank] += weight * (done / seconds - self.speeds[rank])

    def _take_gradient(self) -> torch.Tensor:
        """The gradient of the weights as one row, padded so that every process gets an equal slice; it is taken off."""
        count = sum(weight.numel() for weight in self.trained)
        row = torch.zeros(-(-count // self.group.size) * self.group.size, dtype=self.trained[0].dtype)
        start = 0
        for weight in self.trained:
            if weight.grad is not None:
                row[start : start + weight.numel()] = weight.grad.flatten()
                weight.grad = None
            start += weight.numel()
        return row

    def _add_in_order(self, parts: Sequence[torch.Tensor], ranks: Sequence[int]) -> torch.Tensor:
        """The sum of all micro-batches' gradients, added from the first to the last."""
        size = self.group.size
        count = sum(weight.numel() for weight in self.trained)
        width = -(-count // size)
        counts = [list(ranks).count(rank) for rank in range(size)]
        if parts:
            sent = torch.stack(list(parts)).view(len(parts), size, width).transpose(0, 1).flatten()
        else:
            sent = torch.empty(0, dtype=self.trained[0].dtype)
        slices = self.group.all_to_all(sent, [len(parts) * width] * size, [number * width for number in counts])
        rows = [iter(part.view(-1, width)) for part in slices]
        total: torch.Tensor | None = None
        for owner in ranks:
            row = next(rows[owner])
            total = row.clone() if total is None else total.add_(row)
        assert total is not None
        return torch.cat(self.group.all_gather(total))

    def _put_gradient(self, row: torch.Tensor) -> None:
        start = 0
        for weight in self.trained:
            part = row[start : start + weight.numel()].view(weight.shape)
            weight.grad = part.to(weight.device, copy=True)
            start += weight.numel()


def share_tasks(group: ProcessGroup) -> Share:
    """How the processes of a run share tasks that are about equal: one after the other in turn."""
    if group.size == 1:
        return alone

    def share(count: int, compute: Callable[[int], Any]) -> list[Any]:
        group.shared_tasks += 1
        name = f"task {group.shared_tasks}"
        for task in range(group.rank, count, group.size):
            group.tell(f"{name}.{task}", json.dumps(compute(task)))
        return [json.loads(group.read(f"{name}.{task}", task % group.size)) for task in range(count)]

    return share


def share_out(costs: Sequence[float], speeds: Sequence[float]) -> list[int]:
    """Give each piece of work to a process so that all are done at about the same time.

    The dearest piece first, each to the process that would finish it first (Graham, 1969, SIAM Journal on Applied
    Mathematics 17(2): at most 4/3 of the best for equal speeds).

    Args:
        costs: of the pieces.
        speeds: cost a second of each process.

    Returns:
        For each piece the number of its process; a function of the arguments.
    """
    load = [0.0] * len(speeds)
    ranks = [0] * len(costs)
    for piece in sorted(range(len(costs)), key=lambda index: (-costs[index], index)):
        owner = min(range(len(speeds)), key=lambda rank: ((load[rank] + costs[piece]) / speeds[rank], rank))
        ranks[piece] = owner
        load[owner] += costs[piece]
    return ranks


def label_cost(model: Any) -> float:
    """What a label costs beside its token: the weights of the output layer over those of all layers."""
    base = model.get_base_model()
    head, words = base.get_output_embeddings(), base.get_input_embeddings()
    outer = {id(layer.weight): layer.weight.numel() for layer in (head, words) if layer is not None}
    inner = sum(weight.numel() for weight in base.parameters() if id(weight) not in outer)
    return head.weight.numel() / max(inner, 1) if head is not None else 0.0


def _is_finite(value: float) -> bool:
    return value - value == 0
