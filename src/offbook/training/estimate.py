"""What a run will take, measured by doing a little of it.

    estimate = measure(model, steps, total_steps=len(sampler))
    estimate.seconds, estimate.peak_bytes

The largest and the smallest micro-batch of the given steps are really computed, forward and backward. Their times tell
what a micro-batch takes at least and what each product adds, which the others are charged with; the process's peak
memory afterwards is that of training. What a step takes beside its passes is `overhead`'s.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from peft import PeftModel

from offbook.training import fast_path
from offbook.training.architecture import decoder_of
from offbook.training.packing import MicroBatch, StepBatch

SOON = 1.0
"""Seconds: a micro-batch that takes less is computed twice, and the second time counts."""
FORWARD = 0.45
"""Share of a pass that is forward: backward multiplies with each frozen weight once more, and none has a gradient."""
UPDATES = 3
"""How often the optimizer's update is tried; the first one makes the moments."""
MOMENTS = 2
"""Values that Adam keeps beside each trained one."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The time and memory of a run."""

    seconds: float
    """Of all steps: their passes, and the optimizer's updates."""
    forward: float
    """Seconds a token of a pass without gradients."""
    peak_bytes: int
    """Bytes: the most memory that the process holds at once (on a GPU: that torch holds there)."""

    def as_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return asdict(self)


def measure(model: PeftModel, steps: Sequence[StepBatch], *, total_steps: int) -> Estimate:
    """Compute the largest and the smallest micro-batch of some steps, and scale their times to the whole run.

    The model is left as it was: no gradients, its mode kept, torch's random state untouched.

    Args:
        model: the peft model, fast path enabled or not.
        steps: a sample of the run's optimizer steps.
        total_steps: how many steps the run takes.
    """
    micro_batches = sorted(
        (batch for step in steps for batch in step.micro_batches), key=lambda batch: _work(model, batch)
    )
    work = [_work(model, batch) for batch in micro_batches]
    with _untouched(model):
        least = _compute(model, micro_batches[0])  # the first one also pays for what the others find done
        most = _compute(model, micro_batches[-1])
        peak = peak_memory(model.device) + _optimizer_bytes(model)
        update = _optimizer_seconds(model)
    forward = FORWARD * most / micro_batches[-1].input_ids.numel()
    passes = _scaled(most, least if work[0] < work[-1] / 2 else None, work) / len(steps)
    return Estimate((passes + update) * total_steps, forward, peak)


def _compute(model: PeftModel, batch: MicroBatch) -> float:
    """Seconds that a micro-batch takes, forward and backward."""
    seconds = _pass_seconds(model, batch)
    return _pass_seconds(model, batch) if seconds < SOON else seconds


def _pass_seconds(model: PeftModel, batch: MicroBatch) -> float:
    start = time.perf_counter()
    fast_path.training_loss_sum(model, batch).backward()
    if model.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _scaled(most: float, least: float | None, work: Sequence[float]) -> float:
    """Seconds of all micro-batches.

    Args:
        most: seconds of the largest one.
        least: seconds of the smallest one; None where it is hardly smaller.
        work: of each, ascending.
    """
    each = most / work[-1] if least is None else max(most - least, 0.0) / (work[-1] - work[0])
    fixed = 0.0 if least is None else max(least - each * work[0], 0.0)
    return sum(fixed + each * products for products in work)


def _optimizer_seconds(model: PeftModel) -> float:
    """Seconds that clipping and an update of the trained parameters take, tried on copies of them."""
    copies = [
        torch.zeros_like(parameter, requires_grad=True) for parameter in model.parameters() if parameter.requires_grad
    ]
    optimizer = torch.optim.AdamW(copies, lr=0.0)
    times = []
    for _ in range(UPDATES):
        for copy in copies:
            copy.grad = torch.zeros_like(copy)
        start = time.perf_counter()
        torch.nn.utils.clip_grad_norm_(copies, 1.0)
        optimizer.step()
        if model.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


def held_memory(device: torch.device) -> int:
    """Bytes: the memory that this process holds now (on a GPU: that torch holds there)."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    rss: int = psutil.Process().memory_info().rss
    return rss


def peak_memory(device: torch.device) -> int:
    """Bytes: the most memory that this process has held so far (on a GPU: that torch has held there)."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    if sys.platform == "linux":  # here getrusage also remembers what the parent process held
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _work(model: PeftModel, batch: MicroBatch) -> float:
    """Multiplications of a forward pass: every token through the layers, every label through the output layer."""
    base: Any = model.get_base_model()
    head = base.get_output_embeddings().weight.numel()
    layers = sum(p.numel() for p in decoder_of(base).parameters() if p.dim() == 2)
    layers -= base.get_input_embeddings().weight.numel()
    return float(layers * batch.input_ids.numel() + head * len(batch.targets))


def _optimizer_bytes(model: PeftModel) -> int:
    """Bytes that Adam will hold, and the probe does not."""
    return MOMENTS * sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)


@contextmanager
def _untouched(model: PeftModel) -> Iterator[None]:
    """Context manager: training mode; afterwards random state, gradients and mode are as before."""
    training = model.training
    gradients = [(p, p.grad) for p in model.parameters() if p.requires_grad]
    devices = [model.device] if model.device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices):
            model.train()
            yield
    finally:
        for parameter, gradient in gradients:
            parameter.grad = gradient
        model.train(training)
