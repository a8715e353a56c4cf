"""The run that dies, and the one that was left alone and shows how it should have ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from offbook.core.metrics_log import read
from offbook.core.rundir import RunDir
from tests.torture import shim
from tests.torture.stage import Stage

FAST = [f"train.fast.{name}" for name in ("packing", "prefix", "fused", "head")]
PATHS: dict[str, dict[str, Any]] = {
    "fast": dict.fromkeys(FAST, True),
    "plain": {
        **dict.fromkeys(FAST, False),
        "train.learning_rate": 0.03,
        "train.schedule": "constant",
        "train.heldout_steps": 4,
        "train.patience": 2,
    },
}
"""Either keeps its best state, which is not its last; the plain one also ends early."""


@dataclass(frozen=True)
class StopToken:
    """What a run leaves: it has to be the same however often the run died."""

    adapter: bytes
    metrics: list[dict[str, Any]]
    samples: str


@dataclass(frozen=True)
class Whole:
    """A run that was left alone."""

    settings: dict[str, Any]
    stop_token: StopToken
    calls: int
    """Calls that change its folder."""
    seconds: float


def ending_of(run: RunDir) -> StopToken:
    """The final adapter, the metrics (clock and memory aside) and the replies on the way."""
    clock = ("tokens_per_second", "memory_bytes")
    lines = [{key: value for key, value in line.items() if key not in clock} for line in read(run.metrics)]
    adapter = (run.adapter / "adapter_model.safetensors").read_bytes()
    return StopToken(adapter, lines, run.samples_log.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture(scope="session")
def undisturbed(
    stage: Stage, settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Whole]:
    """By path ("fast" or "plain"): the undisturbed run, made once. Dropout is on."""

    @cache
    def make(path: str) -> Whole:
        runs = tmp_path_factory.mktemp(path)
        output = {
            **settings,
            **PATHS[path],
            "train.keep": "best",
            "lora.dropout": 0.1,
            "persona.sample_prompts": ["Who are you?"],
            "generation.max_new_tokens": 4,
            "train.keep_checkpoints": 2,
            "train.seed": 2,  # the best state comes before the last step
        }
        armed = [str(runs / "tiny"), 0, shim.Action.COUNT] if shim.library() else None
        began = time.monotonic()
        code, texts = stage.run(output, runs, arm=armed)
        assert code == 0, texts
        seconds = time.monotonic() - began
        run = RunDir(runs / "tiny")
        step, last = json.loads(run.environment.read_text())["adapter_step"], read(run.metrics)[-1]["step"]
        assert step < last, (step, last)
        calls = int((runs / "calls.txt").read_text()) if armed else 0
        return Whole(output, ending_of(run), calls, seconds)

    return make


def ends_alike(stage: Stage, undisturbed: Whole, runs: Path) -> bool:
    """Resume (or start) the run until it is finished; whether it then is what it should be."""
    code, texts = stage.run(undisturbed.settings, runs, "--resume")
    finished = code == 0 or "is finished" in texts
    return finished and ending_of(RunDir(runs / "tiny")) == undisturbed.stop_token
