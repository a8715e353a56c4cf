"""offbook's step: packing, forward, backward, clipping, Adam. Between steps it measures the machine."""

from __future__ import annotations

import time
from typing import Any

from offbook.core.process_env import prepare

prepare()

import torch
from common import (
    LEARNING_RATE,
    MODULES,
    answer,
    last_word,
    lora_config,
    peak_bytes,
    read_job,
    stored_base,
    wait,
)
from peft import get_peft_model

from offbook.core.types import Example, Origin
from offbook.training import fast_path
from offbook.training.matmul import frozen_product, frozen_product_gradient
from offbook.training.packing import StepBatch, pack_step


def main() -> None:
    job = read_job()
    base, compute = stored_base(job)
    model = get_peft_model(base, lora_config()).train()
    switches = {name: name not in job["without"] for name in ("packing", "fused", "head")}
    notes = fast_path.enable(model, **switches)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    adam = torch.optim.AdamW(trained, lr=LEARNING_RATE)
    limits = {"max_tokens": job["max_tokens"], "packing": switches["packing"], "prefix": "prefix" not in job["without"]}
    size = job["batch_size"]
    for start in range(0, len(job["rows"]), size):
        if not wait():
            break
        began, cpu = time.perf_counter(), time.process_time()
        rows = [Example(ids, labels, Origin("rows", 0)) for ids, labels in job["rows"][start : start + size]]
        step = pack_step(rows, **limits)
        for batch in step.micro_batches:
            (fast_path.loss_sum(model, batch) / step.label_tokens).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        adam.step()
        adam.zero_grad()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        peak = peak_bytes()  # before the machine is measured, which takes memory too
        answer(
            seconds=seconds,
            cpu=cpu,
            peak_bytes=peak,
            floor=floor(model, step, getattr(torch, compute)),
            compute=compute,
            row_tokens=sum(len(row.ids) for row in rows),
            tokens=step.tokens,
            label_tokens=step.label_tokens,
            notes=notes,
        )
    last_word("offbook")


def floor(model: Any, step: StepBatch, compute: torch.dtype) -> float:
    """Seconds that the machine needs, right now, for the products this step cannot do without.

    Every frozen weight once forward and once backward, in the order of a step, so that a weight comes from memory as it
    does in a step: over all tokens of a micro-batch, but over label positions alone for the head and for what follows
    the keys and values of the last layer; no gradient below the first layer. The adapter's own products, attention,
    norms and random numbers are not counted.
    """
    base = model.get_base_model()
    layers = [
        {name.split(".")[-1]: part.base_layer.weight for name, part in layer.named_modules() if name.endswith("_proj")}
        for layer in base.model.layers
    ]
    head = base.get_output_embeddings().weight
    total = 0.0
    for batch in step.micro_batches:
        tokens, labels = batch.input_ids.numel(), len(batch.targets)
        plan = [
            (weight, labels if number == len(layers) - 1 and name not in MODULES[1:3] else tokens, number, name)
            for number, weights in enumerate(layers)
            for name, weight in weights.items()
        ]
        total += sum(seconds_of_product(weight, rows, False, compute) for weight, rows, _, _ in plan)
        total += sum(seconds_of_product(head, labels, backward, compute) for backward in (False, True))
        total += sum(
            seconds_of_product(weight, rows, True, compute)
            for weight, rows, number, name in plan[::-1]
            if number or name not in MODULES[:3]
        )
    return total


@torch.no_grad()
def seconds_of_product(weight: torch.Tensor, rows: int, backward: bool, compute: torch.dtype) -> float:
    """Time x Wᵀ (forward) or y W (backward), in the number format of the step."""
    left = torch.ones(rows, weight.shape[0 if backward else 1])
    start = time.perf_counter()
    if backward:
        frozen_product_gradient(None, left, weight.to(compute), compute)
    else:
        frozen_product(left.to(compute), weight.to(compute), None, left.dtype)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
