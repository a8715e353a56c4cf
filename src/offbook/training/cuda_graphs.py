"""A training pass on a GPU, forward and backward, recorded once and repeated as a CUDA graph.

A pass through a small model is thousands of kernels of a few microseconds each: Python takes longer to launch one than
the GPU to compute it. A graph (PyTorch's notes on CUDA semantics, "CUDA Graphs") launches them all in one call. It has
to find the same shapes at the same addresses each time, so a micro-batch is padded up to one of a few shapes:

    tokens    run 0 | run 1 | … | padding            the padding is a run of its own, which no other run sees
    labels    label 0, label 1, …, padding           without a target, so without a loss and a gradient

What is random in a pass follows from the generator's seed at each repetition, as it does without a graph.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import torch
from peft import PeftModel
from torch.autograd.function import once_differentiable

from offbook.core.types import NO_LABEL
from offbook.training import chunked_loss
from offbook.training.adapted_linear import adapted_layers, adapter_state
from offbook.training.architecture import has_fixed_rotation
from offbook.training.flash_attention import RunLayout, run_layout
from offbook.training.forward import FastPath, ModelInputs, score
from offbook.training.packing import MicroBatch

MIN_SIZE = 64
"""The least number of tokens, labels and keys that a shape has room for."""

MIN_RUN = 256
"""The least room for the longest run; the kernel passes over what is not there, but not for nothing."""

MOST_ROOM = 1.5
"""A shape may have room for so many times the tokens that are needed: a recording costs more than a few in vain."""

MAX_GRAPHS = 32
"""Graphs that are kept; the one that was not used for longest makes room. Each takes some megabytes on the GPU."""

Pass = Callable[[MicroBatch, ModelInputs], torch.Tensor]
"""A micro-batch and the model's inputs for it → the sum of its token losses, differentiable."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Room for a micro-batch: what is padded up to a multiple, and so shared by many micro-batches."""

    tokens: int
    labels: int
    keys: int
    """Keys of all runs together."""
    runs: int
    longest_run: int
    longest_context: int
    """Keys of one run."""

    @classmethod
    def of(cls, batch: MicroBatch) -> Shape:
        """The shape that a micro-batch is padded up to: at least one token larger, at most about a quarter."""
        tokens = _round_up(batch.input_ids.numel() + 1, 4)
        padding = tokens - batch.input_ids.numel()
        contexts = [run.depth + run.length for run in batch.runs]
        keys = _round_up(sum(contexts) + padding, 2)
        return cls(
            tokens=tokens,
            labels=_round_up(len(batch.targets), 2),
            keys=keys,
            runs=_power_of_two(len(batch.runs) + 1),
            longest_run=_power_of_two(max(MIN_RUN, padding, *(run.length for run in batch.runs))),
            longest_context=_power_of_two(max(2 * MIN_RUN, keys - sum(contexts), *contexts)),
        )

    def has_room_for(self, other: Shape) -> bool:
        """Whether what has the other shape can be padded up to this one, and ought to be."""
        fits = all(mine >= theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True))
        return fits and self.tokens <= MOST_ROOM * other.tokens

    @property
    def parts(self) -> tuple[int, ...]:
        """The lengths of what `flatten` lays end to end."""
        bounds = self.runs + 1
        return self.tokens, self.tokens, self.labels, self.labels, self.keys, bounds, bounds


def smallest_with_room(shapes: Iterable[Shape], needed: Shape) -> Shape:
    """The smallest of the shapes that has room for the one that is needed; that one, where none has."""
    fitting = [shape for shape in shapes if shape.has_room_for(needed)]
    return min(fitting, key=lambda shape: (shape.tokens, shape.labels), default=needed)


def flatten(batch: MicroBatch, shape: Shape) -> torch.Tensor:
    """All that a pass reads of a micro-batch, padded up to a shape, as one row of int64: one copy brings it over.

    Args:
        batch: on the processor.
        shape: with room for it.
    """
    layout = run_layout(batch.runs)
    tokens, labels, runs = batch.input_ids.numel(), len(batch.targets), len(batch.runs)
    padding, more_labels = shape.tokens - tokens, shape.labels - labels
    # The padding's queries are its last keys, so it has some keys more at its beginning.
    more_keys = shape.keys - len(layout.keys) - padding
    pieces = (
        *(batch.input_ids[0], torch.zeros(padding, dtype=torch.int64)),
        *(batch.position_ids[0], torch.arange(padding)),
        *(batch.label_positions, torch.full((more_labels,), tokens)),
        *(batch.targets, torch.full((more_labels,), NO_LABEL)),
        *(layout.keys, torch.full((more_keys,), tokens), torch.arange(tokens, shape.tokens)),
        *(layout.query_bounds, torch.full((shape.runs - runs,), shape.tokens)),
        *(layout.key_bounds, torch.full((shape.runs - runs,), shape.keys)),
    )
    return torch.cat([piece.to(torch.int64) for piece in pieces])


def unflatten(flat: torch.Tensor, shape: Shape) -> tuple[MicroBatch, ModelInputs]:
    """What `flatten` gave as a micro-batch and the model's other inputs, in the same memory."""
    ids, positions, label_positions, targets, keys, query_bounds, key_bounds = flat.split(shape.parts)
    batch = MicroBatch(ids[None], positions[None], (), (), label_positions, targets, label_positions)
    layout = RunLayout(keys, query_bounds.int(), key_bounds.int(), shape.longest_run, shape.longest_context)
    of_labels = replace(layout, query_tokens=label_positions)
    # transformers leaves a mask of four dimensions as it is, and nothing reads it; without one it would look at the
    # positions, and wait for the GPU to know them.
    mask = flat.new_zeros(1, 1, 1, 1)
    return batch, {"layout": layout, "label_layout": of_labels, "attention_mask": mask}


def graphs_of(model: PeftModel, path: FastPath) -> CudaGraphs | None:
    """The graphs of a model that a fast path computes; None where a pass cannot be recorded.

    It can where nothing in it waits for the GPU and all shapes follow from the micro-batch's: not with attention in
    padded blocks, not with layers that are computed again in the backward pass.
    """
    base: Any = model.get_base_model()
    if not path.flash or not path.head or base.is_activation_checkpointing or not has_fixed_rotation(base):
        return None

    layers = adapted_layers(model)

    def compute(batch: MicroBatch, inputs: ModelInputs) -> torch.Tensor:
        return score(base, path, batch, chunked_loss.loss_sum, lambda losses: losses.sum(), inputs)

    def state() -> tuple[Any, ...]:
        return model.training, *adapter_state(layers)

    return CudaGraphs([weight for weight in model.parameters() if weight.requires_grad], compute, state)


class CudaGraphs:
    """The sum of a micro-batch's losses, with its gradient, by graphs that are recorded when a shape first comes up.

    Args:
        trained: the weights to take gradients of.
        compute: the pass that is recorded.
        state: what the pass depends on beside its arguments and the contents of the model's weights; another state is
            another graph.
    """

    def __init__(
        self, trained: Sequence[torch.nn.Parameter], compute: Pass, state: Callable[[], tuple[Any, ...]]
    ) -> None:
        self.trained, self.compute, self.state = list(trained), compute, state
        self.graphs: OrderedDict[tuple[Shape, Any], _Graph] = OrderedDict()
        self.pool: Any = torch.cuda.graph_pool_handle()
        self.gradients = [torch.zeros_like(weight) for weight in self.trained]

    def __call__(self, batch: MicroBatch) -> torch.Tensor:
        """The sum of the token losses of a micro-batch that is on the processor, a scalar to call `backward` on.

        `backward` has to come before the next call: the gradients of all passes are in the same memory.
        """
        state = (*self.state(), *(weight.data_ptr() for weight in self.trained))
        shape = smallest_with_room((recorded for recorded, of in self.graphs if of == state), Shape.of(batch))
        flat, key = flatten(batch, shape), (shape, state)
        if key not in self.graphs:
            if len(self.graphs) >= MAX_GRAPHS:
                self.graphs.popitem(last=False)
            self.graphs[key] = self._record(flat, shape)
        self.graphs.move_to_end(key)
        loss: torch.Tensor = _Replay.apply(self.graphs[key], flat, self.gradients, *self.trained)
        return loss

    def _record(self, flat: torch.Tensor, shape: Shape) -> _Graph:
        device = self.trained[0].device
        inputs = flat.to(device)
        with torch.random.fork_rng([device]):
            before = torch.cuda.Stream()
            before.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(before):  # libraries set themselves up at their first call
                self._pass(inputs, shape)
            torch.cuda.current_stream().wait_stream(before)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self.pool):
                loss = self._pass(inputs, shape)
        return _Graph(graph, inputs, loss)

    def _pass(self, flat: torch.Tensor, shape: Shape) -> torch.Tensor:
        """The loss; the gradients go to where those of all passes are."""
        loss = self.compute(*unflatten(flat, shape))
        gradients = torch.autograd.grad(loss, self.trained, allow_unused=True)
        for place, gradient in zip(self.gradients, gradients, strict=True):
            place.zero_() if gradient is None else place.copy_(gradient)
        return loss.detach()


@dataclass(frozen=True, slots=True)
class _Graph:
    graph: Any
    inputs: torch.Tensor
    """What it reads: int64, see `flatten`."""
    loss: torch.Tensor
    """Where it writes the loss."""


class _Replay(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, graph: _Graph, flat: torch.Tensor, gradients: Sequence[torch.Tensor], *_trained: torch.Tensor
    ) -> torch.Tensor:
        graph.inputs.copy_(flat, non_blocking=True)
        graph.graph.replay()
        ctx.gradients = gradients
        return graph.loss.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> Any:
        return None, None, None, *torch._foreach_mul(ctx.gradients, upstream)


def _round_up(count: int, pieces: int) -> int:
    """The next multiple of a step that grows with the count: so many between a power of two and the next."""
    step = max(MIN_SIZE, _power_of_two(count) // 2 // pieces)
    return -(-count // step) * step


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length()
