"""Does the fast path compute the gradient of the peft path? Checked on the user's own rows and the user's own model.

    check = check_gradient(model, examples)
    check.max_relative_difference      # ‖fast − reference‖ / ‖reference‖ of the worst adapter tensor

The reference is peft's own model, one example at a time, its logits whole. Both run without dropout, and with the
adapters' B drawn at random: at B = 0, where training begins, the gradient of every A is zero and nothing is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch
from peft import PeftModel
from torch.nn.functional import cross_entropy

from offbook.core.progress import CountProgress, uncounted
from offbook.core.types import Example
from offbook.training import fast_path
from offbook.training.packing import MicroBatch, StepBatch, pack_step
from offbook.training.prefix_tree import Run, path

BOUND = 1e-5
"""The largest relative difference that rounding in float32 always explains. On some rows it explains more: then the
bound is what plain peft's own gradient is off the exact one."""
NO_WORSE = 1.1
"""How much farther from the exact gradient than plain peft's one in bfloat16 may be.

Where all activations are bfloat16, as on a GPU, a prompt that is computed once is rounded once, too; computed for each
example anew, its rounding errors average out a little.
"""
SMALL = 0.1
"""A gradient below this share of the median of its kind is what is left of larger terms that cancel.

Rounding is as large as the terms are. A difference in such a gradient is taken relative to this share of the median, so
an error of a millionth of the median is still over the bound.
"""

SEED = 0
Gradients = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """How far the gradient of the fast path is from the reference."""

    max_relative_difference: float
    """The worst of `modules`."""
    modules: dict[str, float]
    """‖fast − reference‖₂ / ‖reference‖₂ (see `SMALL`) of each adapter tensor's gradient, the worst over all cuts of
    the step."""
    loss: dict[str, float]
    """Mean loss per label token, in nats: `fast` and `plain` (the reference)."""
    isolated: bool
    """Whether the losses and input gradients of all others stay the same when one example's text changes."""
    examples: int
    micro_batches: list[int]
    """Into how many micro-batches the step was cut, each time."""
    rounding: float | None = None
    """How far the reference itself is from the gradient in float64, at the worst of its tensors; None where it was not
    asked for."""
    bfloat16: dict[str, float] | None = None
    """Where products of frozen weights are computed in bfloat16: how far the gradient of `fast`, and that of `plain`
    peft in torch's own bfloat16, is from the one in float64 (see `distance`). None where they are not."""

    @property
    def passed(self) -> bool:
        """Whether the difference is rounding, no example influences another, and bfloat16 is no worse than torch's."""
        return self.isolated and self.max_relative_difference <= self.bound and not self.is_worse_in_bfloat16

    @property
    def bound(self) -> float:
        """The largest difference that rounding explains."""
        return max(BOUND, self.rounding or 0.0)

    @property
    def is_worse_in_bfloat16(self) -> bool:
        """Whether the form that the run computes in bfloat16 is less exact than plain peft in torch's own."""
        return self.bfloat16 is not None and self.bfloat16["fast"] > NO_WORSE * self.bfloat16["plain"]


def check_gradient(
    model: PeftModel,
    examples: Sequence[Example],
    *,
    packing: bool = True,
    prefix: bool = True,
    progress: CountProgress = uncounted,
) -> GradientCheck:
    """Compare the gradient of the enabled fast path with the peft path's, in one optimizer step of these examples.

    The step is cut for several budgets: each example alone, a few micro-batches, one micro-batch. The model is left as
    it was: its weights, its gradients, its mode and torch's random state.

    Args:
        model: the peft model, fast path enabled.
        examples: the examples of the step, with at least one label.
        packing: as in `pack_step`.
        prefix: as in `pack_step`.
        progress: told how many gradients are computed, and how many there are.
    """
    total = sum(len(example.ids) for example in examples)
    budgets = (1, max(1, total // 3), total)
    steps = [pack_step(examples, max_tokens=budget, packing=packing, prefix=prefix) for budget in budgets]
    with _deterministic(model):
        with fast_path.fast_path_disabled(model):
            reference, reference_loss = _reference(model, examples)
        progress(1, len(steps) + 2)
        sizes, worst = _sizes(reference), dict.fromkeys(reference, 0.0)
        for number, step in enumerate(steps):
            fast, fast_loss = _fast(model, step)
            for name, gradient in reference.items():
                worst[name] = max(worst[name], _difference(fast[name], gradient, sizes[name]))
            progress(number + 2, len(steps) + 2)
        isolated = all(_isolated(model, batch) for batch in steps[-1].micro_batches)
    return GradientCheck(
        max_relative_difference=max(worst.values()),
        modules=worst,
        loss={"fast": fast_loss, "plain": reference_loss},
        isolated=isolated,
        examples=len(examples),
        micro_batches=[len(step.micro_batches) for step in steps],
    )


def plain_gradients(model: PeftModel, examples: Sequence[Example]) -> Gradients:
    """The gradient that `check_gradient` compares with, in the number format of the model, with the same adapter."""
    with _deterministic(model), fast_path.fast_path_disabled(model):
        return _reference(model, examples)[0]


def fast_gradients(model: PeftModel, step: StepBatch) -> Gradients:
    """The gradient of the enabled fast path, with the same adapter."""
    with _deterministic(model):
        return _fast(model, step)[0]


def distance(gradients: Gradients, reference: Gradients) -> float:
    """‖gradients − reference‖ / ‖reference‖ over all adapter tensors together, in float64."""
    apart = sum((gradients[name].double() - reference[name].double()).square().sum().item() for name in reference)
    size = sum(gradient.double().square().sum().item() for gradient in reference.values())
    return (apart / size) ** 0.5


def worst_difference(gradients: Gradients, reference: Gradients) -> float:
    """‖gradient − reference‖ / ‖reference‖ of the adapter tensor where it is largest, as in `GradientCheck.modules`."""
    sizes = _sizes(reference)
    return max(_difference(gradients[name], reference[name], sizes[name]) for name in reference)


def _sizes(reference: Gradients) -> dict[str, float]:
    """What a difference in each gradient is relative to: its norm, or where that is small a share of the median norm.

    The median is over gradients of one kind (`lora_A`, `lora_B` …): those of A are as small as B is.
    """
    norms = {name: gradient.double().norm().item() for name, gradient in reference.items()}
    kinds: dict[str, list[float]] = {}
    for name, norm in norms.items():
        kinds.setdefault(_kind(name), []).append(norm)
    return {name: max(norm, SMALL * median(kinds[_kind(name)])) for name, norm in norms.items()}


def _kind(name: str) -> str:
    return next((part for part in name.split(".") if part.startswith("lora_")), "")


def _difference(fast: torch.Tensor, reference: torch.Tensor, size: float) -> float:
    """‖fast − reference‖ / size, in float64; ‖fast‖ where all is zero."""
    distance = (fast.double() - reference.double()).norm().item()
    return distance / size if size else distance


def _reference(model: PeftModel, examples: Sequence[Example]) -> tuple[Gradients, float]:
    """Gradients and mean loss of the peft path, one example at a time, written as any tutorial would.

    The softmax alone is taken in float64, because float32's is off by more than all else that is compared here.
    """
    label_tokens = sum(example.label_count for example in examples)
    total = 0.0
    for example in examples:
        ids = torch.tensor([example.ids], device=model.device)
        logits = model(input_ids=ids, use_cache=False).logits[0, :-1]
        targets = torch.tensor(example.labels[1:])
        loss = cross_entropy(logits.cpu().double(), targets, reduction="sum") / label_tokens
        loss.backward()
        total += loss.item()
    return _collect(model), total


def _fast(model: PeftModel, step: StepBatch) -> tuple[Gradients, float]:
    """Gradients and mean loss of the fast path."""
    total = 0.0
    for batch in step.micro_batches:
        loss = fast_path.training_loss_sum(model, batch) / step.label_tokens
        loss.backward()
        total += loss.item()
    return _collect(model), total


def _collect(model: PeftModel) -> Gradients:
    """Return the gradients that have accumulated, and take them off the model."""
    gradients = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            gradients[name] = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            parameter.grad = None
    return gradients


@contextmanager
def _deterministic(model: PeftModel) -> Iterator[None]:
    """Context manager: no dropout, and adapters that are not zero; afterwards the model is as it was."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    adapters = [(name, p) for name, p in model.named_parameters() if "lora_B" in name and p.requires_grad]
    kept = [parameter.detach().clone() for _, parameter in adapters]
    gradients = [parameter.grad for parameter in trained]
    training = model.training
    model.eval()
    generator = torch.Generator().manual_seed(SEED)
    try:
        with torch.no_grad():
            for _, parameter in adapters:
                noise = torch.randn(parameter.shape, generator=generator) / parameter.shape[1] ** 0.5
                parameter.copy_(0.02 * noise)
        for parameter in trained:
            parameter.grad = None
        yield
    finally:
        with torch.no_grad():
            for (_, parameter), before in zip(adapters, kept, strict=True):
                parameter.copy_(before)
        for parameter, gradient in zip(trained, gradients, strict=True):
            parameter.grad = gradient
        model.train(training)


def _isolated(model: PeftModel, batch: MicroBatch) -> bool:
    """Whether no other example of the micro-batch depends on the first one's text."""
    if len(batch.leaves) < 2:
        return True
    batch, run = batch.to(model.device), batch.runs[batch.leaves[0]]
    losses, gradients = _traces(model, batch)
    other_losses, other_gradients = _traces(model, _other_text(batch, run))
    _collect(model)
    others = (batch.label_positions < run.start) | (batch.label_positions >= run.end)
    if not _same(losses[others], other_losses[others]):
        return False
    if len(gradients) > 1:  # each example was computed by itself, the first one first
        return all(map(_same, gradients[1:], other_gradients[1:]))
    # What stands above the example serves the others too, so its gradient may change.
    kept = torch.ones(len(gradients[0]), dtype=torch.bool, device=gradients[0].device)
    for index in path(batch.runs, batch.leaves[0]):
        kept[batch.runs[index].start : batch.runs[index].end] = False
    return _same(gradients[0][kept], other_gradients[0][kept])


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two results are bit-identical; on a GPU, whose sums vary from run to run, all but for rounding."""
    if one.device.type == "cpu":
        return torch.equal(one, other)
    return bool((one - other).abs().max() <= BOUND * one.abs().max())


def _other_text(batch: MicroBatch, run: Run) -> MicroBatch:
    """The micro-batch with another text of the same length in the place of one example's own run."""
    ids = batch.input_ids.clone()
    example = slice(run.start, run.end)
    ids[0, example] = ids[0, example].flip(0).roll(1) if ids[0, example].unique().numel() > 1 else ids[0, example] + 1
    inside = (batch.label_positions >= run.start) & (batch.label_positions < run.end)
    targets = torch.where(inside, ids[0, (batch.label_positions + 1).clamp(max=ids.shape[1] - 1)], batch.targets)
    return replace(batch, input_ids=ids, targets=targets)


def _traces(model: PeftModel, batch: MicroBatch) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Token losses (L,) and the loss's gradient at the embeddings (tokens, D), of each call of the model."""
    embeddings: list[torch.Tensor] = []

    def keep_output(_module: Any, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
        output = output.detach().requires_grad_()
        embeddings.append(output)
        return output.clone()  # a model may scale it in place

    losses = fast_path.token_losses(model, batch)
    base: Any = model.get_base_model()
    hook = base.get_input_embeddings().register_forward_hook(keep_output)
    try:
        fast_path.loss_sum(model, batch).backward()
    finally:
        hook.remove()
    gradients = [output.grad for output in embeddings if output.grad is not None]
    return losses, [gradient.flatten(0, 1) for gradient in gradients]
