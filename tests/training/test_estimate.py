import subprocess
import sys
import time
from typing import Any

import pytest
import torch

from offbook.training import estimate, fast_path
from offbook.training.packing import MicroBatch, pack_step
from tests.training.samples import adapted, examples


def steps() -> Any:
    return [pack_step(examples(seed=seed), max_tokens=200) for seed in range(3)]


def test_the_probe_leaves_no_trace() -> None:
    model = adapted("llama", dropout=0.1)
    fast_path.enable(model)
    model.eval()
    state = torch.get_rng_state()
    estimate.measure(model, steps(), total_steps=10)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not model.training


def test_the_largest_and_the_smallest_micro_batch_are_run_and_the_others_are_charged_by_their_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = adapted("llama")
    fast_path.enable(model)
    clock = iter([0.0, 0.5, 10.0, 11.0, 20.0, 22.0])  # what is soon done is done once more
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(estimate, "_optimizer_seconds", lambda model: 0.25)
    ran: list[MicroBatch] = []
    original = fast_path.loss_sum

    def watched(model: Any, batch: MicroBatch) -> torch.Tensor:
        ran.append(batch)
        return original(model, batch)

    monkeypatch.setattr(fast_path, "loss_sum", watched)
    sample = steps()
    result = estimate.measure(model, sample, total_steps=30)
    micro_batches = [batch for step in sample for batch in step.micro_batches]
    work = [estimate._work(model, batch) for batch in micro_batches]
    assert ran[0].input_ids.equal(micro_batches[work.index(min(work))].input_ids)
    assert ran[-1].input_ids.equal(micro_batches[work.index(max(work))].input_ids)
    assert min(work) < max(work) / 2
    each = (2.0 - 1.0) / (max(work) - min(work))
    fixed = 1.0 - each * min(work)
    assert result.seconds == pytest.approx((sum(work) * each + len(work) * fixed) * 10 + 30 * 0.25)
    largest = micro_batches[work.index(max(work))]
    assert result.forward == pytest.approx(estimate.FORWARD * 2.0 / largest.input_ids.numel())


def test_work_counts_tokens_in_the_layers_and_labels_in_the_head() -> None:
    model = adapted("llama")
    batch = pack_step(examples(), max_tokens=10_000).micro_batches[0]
    layers = sum(p.numel() for n, p in model.named_parameters() if ".layers." in n and p.dim() == 2)
    assert estimate._work(model, batch) == layers * batch.input_ids.numel() + 512 * 32 * len(batch.targets)


def test_peak_memory_is_the_most_that_was_ever_held() -> None:
    program = (
        "import torch; from offbook.training.estimate import peak_memory; d = torch.device('cpu');"
        "a = peak_memory(d); x = torch.ones(50 << 20); del x; print(peak_memory(d) - a)"
    )
    grown = int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    assert grown == pytest.approx(200 << 20, rel=0.1)
