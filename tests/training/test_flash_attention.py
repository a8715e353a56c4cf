"""The layout that a GPU's attention kernel is given; the kernel itself runs where there is a GPU.

On a processor its place is taken by the few lines that its documentation says it computes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from offbook.training import chunked_loss, flash_attention
from offbook.training.attention import attend, attention_layout
from offbook.training.cuda_graphs import Shape, flatten, smallest_with_room, unflatten
from offbook.training.fast_path import enable, loss_sum, training_loss_sum
from offbook.training.flash_attention import run_layout
from offbook.training.forward import FastPath, score
from offbook.training.packing import MicroBatch, pack_step
from tests.training.samples import adapted, apart, examples, gradients, plain_gradients

NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no NVIDIA GPU")


def written_out(
    query: Any, key: Any, value: Any, query_bounds: Any, key_bounds: Any, *longest: Any, **settings: Any
) -> torch.Tensor:
    """Attention of sequences laid end to end: a query sees keys up to its own, counted from the end of both."""
    left, right = settings["window_size"]
    assert right == 0
    results = [query.new_zeros(0, *query.shape[1:])]
    for first, last, begin, end in zip(query_bounds, query_bounds[1:], key_bounds, key_bounds[1:], strict=False):
        queries, keys, values = query[first:last], key[begin:end], value[begin:end]
        repeats = query.shape[1] // key.shape[1]
        assert settings["enable_gqa"] == (repeats > 1)
        assert len(queries) <= longest[0]
        assert len(keys) <= longest[1]
        scores = torch.einsum("qhd,khd->hqk", queries, keys.repeat_interleave(repeats, 1)) * settings["scale"]
        place = torch.arange(len(queries))[:, None] + len(keys) - len(queries)
        seen = torch.arange(len(keys)) <= place
        if left >= 0:
            seen &= torch.arange(len(keys)) >= place - left
        weights = scores.masked_fill(~seen, -torch.inf).softmax(-1)
        results.append(torch.einsum("hqk,khd->qhd", weights, values.repeat_interleave(repeats, 1)))
    return torch.cat(results)


@pytest.fixture
def _on_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flash_attention, "kernel", lambda: written_out)


def batches(max_tokens: int = 100_000) -> list[MicroBatch]:
    return list(pack_step(examples(), max_tokens=max_tokens).micro_batches)


@pytest.mark.usefixtures("_on_a_processor")
@pytest.mark.parametrize("window", [None, 9])
@pytest.mark.parametrize("of_labels", [False, True])
def test_runs_attend_as_padded_blocks_do(window: Any, of_labels: Any) -> None:
    (batch,) = batches()
    count, wanted = batch.input_ids.numel(), batch.label_positions if of_labels else None
    torch.manual_seed(0)
    query = torch.randn(count if wanted is None else len(wanted), 4, 8, dtype=torch.float64, requires_grad=True)
    key, value = (torch.randn(count, 2, 8, dtype=torch.float64, requires_grad=True) for _ in range(2))
    runs = run_layout(batch.runs)
    runs = replace(runs, query_tokens=wanted)
    results = [
        attend(query, key, value, layout, scaling=0.3, window=window)
        for layout in (runs, attention_layout(batch.runs, wanted))
    ]
    assert torch.allclose(results[0], results[1])
    weights = torch.randn_like(results[0])
    ours, theirs = (torch.autograd.grad((result * weights).sum(), (query, key, value)) for result in results)
    # What several runs want of a key is added up in float32.
    assert all((one - other).norm() < 1e-6 * other.norm() for one, other in zip(ours, theirs, strict=True))


@pytest.mark.usefixtures("_on_a_processor")
@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gemma3"])
@pytest.mark.parametrize(("max_tokens", "more"), [(80, 0), (100_000, 0), (100_000, 64)])
def test_a_padded_micro_batch_has_the_loss_and_the_gradient_of_its_examples(
    architecture: str, max_tokens: int, more: int
) -> None:
    model = adapted(architecture)
    reference, reference_loss = plain_gradients(model, examples())
    enable(model)
    total = 0.0
    for batch in batches(max_tokens):
        shape = Shape.of(batch)
        shape = replace(shape, tokens=shape.tokens + more, keys=shape.keys + 3 * more, labels=shape.labels + more)
        padded, inputs = unflatten(flatten(batch, shape), shape)
        assert padded.input_ids.numel() == shape.tokens > batch.input_ids.numel()
        path = FastPath(flash=True)
        loss = score(model.get_base_model(), path, padded, chunked_loss.loss_sum, torch.sum, inputs)
        loss.backward()
        total += loss.item()
    assert total == pytest.approx(reference_loss, rel=1e-5)
    assert apart(gradients(model), reference) < 1e-5


def test_many_micro_batches_share_a_shape() -> None:
    steps = [pack_step(examples(seed=seed), max_tokens=999) for seed in range(40)]
    needed = [Shape.of(batch) for step in steps for batch in step.micro_batches]
    recorded: set[Shape] = set()
    for shape in needed:
        room = smallest_with_room(recorded, shape)
        assert room.has_room_for(shape)
        recorded.add(room)
    assert len(recorded) < len(set(needed)) < len(needed) / 2


def test_a_shape_with_room_for_far_more_is_not_taken() -> None:
    shape = Shape(tokens=512, labels=128, keys=512, runs=16, longest_run=256, longest_context=512)
    wider, twice = replace(shape, labels=192, tokens=640), replace(shape, tokens=1024)
    assert smallest_with_room([wider, twice], shape) == wider
    assert smallest_with_room([twice, replace(wider, keys=256)], shape) == shape


@NEEDS_GPU
@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gemma3", "ernie"])
@pytest.mark.parametrize("graphs", [False, True])
def test_on_a_gpu_the_gradient_is_as_near_the_exact_one_as_plain_pefts(architecture: str, graphs: bool) -> None:
    exact, _ = plain_gradients(adapted(architecture).double(), examples())
    model = adapted(architecture).to("cuda", torch.bfloat16)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = parameter.data.float()
    reference, _ = gpu_gradients(model)
    enable(model)
    compute = training_loss_sum if graphs else loss_sum
    for _ in range(2):  # recorded, and repeated
        for batch in batches(200):
            compute(model, batch).backward()
        result = gradients(model)
        assert distance(result, exact) <= 1.1 * distance(reference, exact)


@NEEDS_GPU
def test_a_repeated_pass_draws_the_dropout_of_its_seed_and_follows_the_weights() -> None:
    model = adapted(dropout=0.2).to("cuda", torch.bfloat16).train()
    enable(model)
    (batch,) = batches()

    def losses(seed: int) -> list[float]:
        results = []
        for compute in (loss_sum, training_loss_sum):
            torch.manual_seed(seed)
            results.append(compute(model, batch).item())
        return results

    first, again, other = losses(1), losses(1), losses(2)
    assert first[1] == again[1] != other[1]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.mul_(3)
    changed = losses(1)
    assert changed[1] != first[1]
    model.eval()
    assert losses(1) == pytest.approx(losses(2), rel=1e-6)


def gpu_gradients(model: Any) -> tuple[dict[str, torch.Tensor], float]:
    """As `plain_gradients`, for a model that is not on the processor."""
    for row in examples():
        logits = model(input_ids=torch.tensor([row.ids], device=model.device)).logits[0, :-1].float()
        targets = torch.tensor(row.labels[1:], device=model.device)
        torch.nn.functional.cross_entropy(logits, targets, reduction="sum").backward()
    return gradients(model), 0.0


def distance(result: dict[str, torch.Tensor], exact: dict[str, torch.Tensor]) -> float:
    apart = sum((result[name].cpu().double() - exact[name]).square().sum() for name in exact)
    return float(apart / sum(gradient.square().sum() for gradient in exact.values())) ** 0.5
