"""What a checkpoint costs at the shape of ERNIE-4.5-0.3B with the tutorial's adapter."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from transformers import Ernie4_5Config, Ernie4_5ForCausalLM

import offbook
from offbook.core.config.loading import load
from offbook.training.trainer import StepTrainer
from tests.paths import shared_file
from tests.tiny import ernie_tokenizer

pytestmark = pytest.mark.torture

SAVE_STEPS = 100


def test_a_checkpoint_adds_less_than_2_percent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real shape, with a smaller vocabulary and a quarter of the batch: cheaper steps, so a larger share."""
    folder = tmp_path / "ernie"
    Ernie4_5ForCausalLM(Ernie4_5Config(vocab_size=2048)).save_pretrained(folder)
    ernie_tokenizer(2048).save_pretrained(folder)
    times: dict[str, list[float]] = {"_save_checkpoint": [], "training_step": []}
    for name, seconds in times.items():
        original = getattr(StepTrainer, name)

        def timed(*args: Any, original: Any = original, seconds: list[float] = seconds, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return original(*args, **kwargs)
            finally:
                seconds.append(time.perf_counter() - began)

        monkeypatch.setattr(StepTrainer, name, timed)
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))
    output = {
        "model.source": str(folder),
        "persona.system": "现在你要扮演皇帝身边的女人--甄嬛",
        "persona.sample_prompts": ["你是谁？"],
        "generation.max_new_tokens": 1,
        "data.source": str(shared_file("data/huanhuan.json")),
        "data.heldout": 0,
        "train.batch_size": 4,
        "train.epochs": 4 * 4 / 3729,
        "train.save_steps": 1,
        "track.trackers": [],
    }
    run = offbook.train(load(None, output))
    size = sum(path.stat().st_size for path in (run.checkpoints / "step-000004").iterdir())
    save, step = median(times["_save_checkpoint"]), median(times["training_step"])
    share = save / SAVE_STEPS / step
    print(
        f"\ncheckpoint: {size / 2**20:.1f} MiB in {save:.2f} s; step: {step:.1f} s; share at {SAVE_STEPS}: {share:.3%}"
    )
    assert share < 0.02
