"""What a step and a checkpoint take beside the passes."""

import time
from pathlib import Path

import pytest
import torch

from offbook.core.config.schema import TrainConfig
from offbook.training import overhead
from offbook.training.batch_sampler import BatchSampler
from offbook.training.packing import StepBatch, pack_step
from tests.training.samples import adapted, examples


def sampler(count: int) -> BatchSampler:
    return BatchSampler([example for seed in range(count) for example in examples(seed=seed)[:1]], 1, 1.0, 0)


@pytest.mark.parametrize("steps", [1, 2, 40])
def test_the_first_steps_are_taken_and_their_packing_counts(steps: int) -> None:
    packed = []

    def slowly(taken: object) -> StepBatch:
        packed.append(taken)
        time.sleep(0.05)
        return pack_step(taken, max_tokens=200)  # type: ignore[arg-type]

    state = torch.get_rng_state()
    seconds = overhead.step_seconds(sampler(steps), slowly, TrainConfig())
    assert 0.05 < seconds < 5
    assert len(packed) == min(steps, overhead.STEPS)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_checkpoint_is_tried_where_no_run_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert 0 < overhead.checkpoint_seconds(adapted("llama")) < 10
    assert not list(tmp_path.iterdir())
