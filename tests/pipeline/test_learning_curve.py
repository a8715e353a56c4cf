"""Training on fewer of the rows: what it measures, and that the run is what it would have been without it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import offbook
from offbook.core.config.loading import load
from offbook.core.errors import OffbookError, Stopped
from offbook.core.progress import NullReporter
from offbook.core.rundir import RunDir
from offbook.evaluation.learning_curve import LearningCurve
from offbook.models import adapter as adapters
from offbook.pipeline import learning_curve
from offbook.pipeline.resuming import with_stored_choices
from offbook.pipeline.setup import TrainingSetup, prepare_training
from tests.recorder import Recorder


@pytest.fixture
def judged(settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A short run that ends with a verdict."""
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))
    changes = {"train.epochs": 2, "evaluate.prompts": 2, "generation.max_new_tokens": 4, "train.keep": "best"}
    return {**settings, **changes, "persona.sample_prompts": []}


def prepared(settings: dict[str, Any]) -> TrainingSetup:
    return prepare_training(with_stored_choices(load(None, settings)), NullReporter())


def test_a_run_that_also_trains_on_fewer_rows_has_the_same_adapter_and_the_losses_of_all_three(
    judged: dict[str, Any],
) -> None:
    without = offbook.train(load(None, {**judged, "name": "without"}))
    recorder = Recorder()
    run = offbook.train(load(None, {**judged, "evaluate.learning_curve": True}), reporter=recorder)
    weights = "adapter_model.safetensors"
    assert (run.adapter / weights).read_bytes() == (without.adapter / weights).read_bytes()
    assert not without.learning_curve.exists()
    curve = LearningCurve.load(run.learning_curve)
    assert curve is not None
    assert curve.rows[0] < curve.rows[1] < curve.rows[2] == len((run.data / "train.jsonl").read_text().splitlines())
    items = json.loads(run.eval.read_text())["heldout"]["items"]
    assert list(curve.losses[2]) == pytest.approx([item["tuned"] for item in items], abs=1e-3)
    assert curve.losses[0] != curve.losses[1] != curve.losses[2]
    assert len(run.metrics.read_text().splitlines()) == len(without.metrics.read_text().splitlines())
    assert any("fewer of the rows" in text for text in recorder.texts)


def test_smaller_shares_lie_in_larger_ones_and_replayed_rows_keep_their_share(judged: dict[str, Any]) -> None:
    conversations = prepared(judged).sampler.conversations
    replayed = [[replace(each[0], origin=replace(each[0].origin, kind="replay"))] for each in conversations[:8]]
    quarter, few = learning_curve._choose([*conversations, *replayed], 0.25, 0)
    half, more = learning_curve._choose([*conversations, *replayed], 0.5, 0)
    assert (few, more) == (-(-len(conversations) // 4), -(-len(conversations) // 2))
    assert all(example in half for example in quarter)
    assert sum(example.origin.kind == "replay" for example in quarter) == 2
    assert sum(example.origin.kind == "replay" for example in half) == 4


def stops(*_: object) -> None:
    raise Stopped("stopped and saved")


def diverges(*_: object) -> None:
    raise OffbookError("training diverged")


@pytest.mark.parametrize(("optimize", "raised"), [(stops, KeyboardInterrupt), (diverges, None)])
def test_a_curve_that_is_broken_off_leaves_the_character_as_it_was(
    judged: dict[str, Any], tmp_path: Path, optimize: Callable[..., None], raised: type[BaseException] | None
) -> None:
    setup, run = prepared(judged), RunDir(tmp_path / "run")
    run.path.mkdir()
    start = adapters.trained_bytes(setup.model)
    with torch.no_grad():
        for weight in setup.model.parameters():
            if weight.requires_grad:
                weight += 1
    trained = adapters.trained_bytes(setup.model)
    if raised:
        with pytest.raises(raised):
            learning_curve.measure(run, setup, start, optimize, NullReporter())
    else:
        learning_curve.measure(run, setup, start, optimize, NullReporter())
    assert not run.learning_curve.exists()
    assert adapters.trained_bytes(setup.model) == trained


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, True),
        ({"evaluate.learning_curve": False}, False),
        ({"evaluate.prompts": 0}, False),
        ({"data.heldout": 0}, False),
    ],
)
def test_it_is_made_where_rows_are_few_and_a_verdict_says_so(
    judged: dict[str, Any], changes: dict[str, Any], wanted: bool
) -> None:
    setup = prepared({**judged, "evaluate.learning_curve": None, **changes})
    assert learning_curve.is_wanted(setup) == wanted
