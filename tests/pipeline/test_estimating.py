"""The time that a run will take to its end, part by part."""

import time
from pathlib import Path
from typing import Any

import pytest
import torch

import offbook
from offbook.core.config.loading import load
from offbook.core.progress import NullReporter
from offbook.core.types import Turn
from offbook.generation import batch
from offbook.models.weight_size import loaded_bytes
from offbook.pipeline.estimating import (
    EFFICIENCY,
    SPREAD,
    _answering,
    _as_evaluated,
    _costs,
    _evaluations,
    _line_lengths,
    _saves,
    _tuned_lengths,
    estimate_run,
)
from offbook.pipeline.reply_cost import ReplyCost, reply_cost
from offbook.pipeline.resuming import with_stored_choices
from offbook.pipeline.setup import TrainingSetup, prepare_training
from offbook.training import estimate


def prepared(settings: dict[str, Any], **changes: Any) -> TrainingSetup:
    return prepare_training(with_stored_choices(load(None, {**settings, **changes})), NullReporter())


def estimated(setup: TrainingSetup) -> dict[str, Any]:
    return estimate_run(setup, [setup.collate(setup.sampler[step]) for step in range(3)])


def test_every_part_is_told_and_they_add_up(settings: dict[str, Any]) -> None:
    output = estimated(prepared(settings, **{"evaluate.prompts": 3}))
    assert set(output["parts"]) == {"loading", "training", "samples", "verdict"}
    assert all(seconds >= 0 for seconds in output["parts"].values())
    assert output["seconds"] == pytest.approx(sum(output["parts"].values()), abs=0.3)
    left = output["seconds"] - output["parts"]["loading"]
    assert output["low"] == pytest.approx(output["seconds"] - left + left / SPREAD, abs=0.3)
    assert output["high"] == pytest.approx(output["seconds"] - left + left * SPREAD, abs=0.3)
    assert output["parts"]["loading"] > 0
    assert output["parts"]["training"] > 0
    assert output["parts"]["verdict"] > 0


def test_a_quantized_run_is_told_the_memory_of_the_base_that_it_is_judged_on(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = estimate.Estimate(seconds=1.0, forward=0.0, peak_bytes=1)
    monkeypatch.setattr("offbook.training.estimate.measure", lambda *_, **__: passes)
    monkeypatch.setattr("offbook.training.estimate.held_memory", lambda _: 1000)
    settings = {**settings, "evaluate.prompts": 3}
    setup = prepared(settings, **{"model.storage": "nf4"})
    weights = loaded_bytes(setup.base.local.path, "bfloat16")
    assert estimated(setup)["peak_bytes"] == 1000 + weights > weights > 1000
    assert estimated(prepared(settings))["peak_bytes"] == 1
    monkeypatch.setattr("offbook.models.weight_size.SPARE", 1e9)
    assert estimated(setup)["peak_bytes"] == 1


def test_processes_share_the_steps_and_the_answers(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    setup = prepared(settings, **{"evaluate.prompts": 3})
    cost = ReplyCost(prompt=0.0, step=1.0, token=0.0, growth=0.0)
    passes = estimate.Estimate(seconds=300.0, forward=0.0, peak_bytes=1)
    monkeypatch.setattr("offbook.training.estimate.measure", lambda *_, **__: passes)
    monkeypatch.setattr("offbook.pipeline.estimating.reply_cost", lambda *_: cost)
    monkeypatch.setattr("offbook.pipeline.estimating._scoring_seconds", lambda *_: 90.0)
    steps = [setup.collate(setup.sampler[0])]
    alone, three = (estimate_run(setup, steps, processes=count)["parts"] for count in (1, 3))
    assert alone["training"] - three["training"] == pytest.approx(300 - 300 / (3 * EFFICIENCY), abs=0.5)
    base, tuned = _answering(setup, cost, 3 + len(setup.persona.sample_prompts))
    expected = 90 - 90 / (3 * EFFICIENCY) + min(base, tuned)
    assert alone["verdict"] - three["verdict"] == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize("changes", [{"evaluate.prompts": 0}, {"data.heldout": 0, "evaluate.prompts": 3}])
def test_a_run_without_a_verdict_waits_for_none(settings: dict[str, Any], changes: dict[str, Any]) -> None:
    assert estimated(prepared(settings, **changes))["parts"]["verdict"] == 0


def test_the_model_is_left_as_it_was(settings: dict[str, Any]) -> None:
    setup = prepared(settings)
    weights = {name: weight.clone() for name, weight in setup.model.named_parameters()}
    mode, state = setup.model.training, torch.random.get_rng_state()
    estimated(setup)
    assert setup.model.training == mode
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(weight, weights[name]) for name, weight in setup.model.named_parameters())


def test_replies_side_by_side_wait_for_the_longest() -> None:
    cost = ReplyCost(prompt=0.5, step=1.0, token=0.1, growth=0.0)
    assert cost.seconds([10]) == pytest.approx(0.5 + 11)
    assert cost.seconds([10, 4]) == pytest.approx(1 + 10 + 1.4)
    assert cost.seconds([10] * 33) == pytest.approx(33 * 0.5 + 10 + 32 + 11)
    assert cost.seconds([]) == 0
    growing = ReplyCost(prompt=0.0, step=0.0, token=0.1, growth=0.01)
    assert growing.seconds([10, 4]) == pytest.approx(0.15 * 10 + 0.12 * 4), "the middle of a reply costs its mean"


def test_a_pass_costs_something_by_itself_and_something_for_each_token() -> None:
    assert _costs((1, 40, 1.4), (3, 200, 5.0)) == pytest.approx((1.0, 0.01))
    assert _costs((1, 40, 1.0), (2, 400, 2.0)) == (1.0, 0.0), "a tiny model's passes take as long as they are many"
    assert _costs((1, 40, 0.5), (1, 400, 8.0)) == pytest.approx((0.0, 0.02)), "no pass takes less than nothing"
    assert _costs((1, 40, 1.0), (2, 80, 2.0)) == (1.0, 0.0)


def test_a_step_that_had_to_wait_does_not_make_the_estimate(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply has hundreds of steps: what befalls one of the few that are tried would be multiplied by that."""
    setup, steps = prepared(settings), iter(range(10**6))
    generate = batch.generate

    def interrupted(*arguments: Any, progress: Any, **named: Any) -> Any:
        def advance(done: int, total: int) -> None:
            if next(steps) % 4 == 1:
                time.sleep(0.3)
            progress(done, total)

        return generate(*arguments, progress=advance, **named)

    monkeypatch.setattr(batch, "generate", interrupted)
    with _as_evaluated(setup.model):
        cost = reply_cost(
            setup, [(Turn("user", text),) for text in ("Who are you?", "What is it?", "Why?", "And now?")]
        )
    assert cost.step + 4 * cost.token < 0.2


def test_replies_are_expected_to_be_as_long_as_the_lines(settings: dict[str, Any]) -> None:
    setup = prepared(settings)
    counts = sorted(example.label_count for example in setup.dataset.examples)
    assert _line_lengths(setup, len(counts), 1000) == counts
    assert _line_lengths(setup, 1, 1000) == [counts[len(counts) // 2]]
    assert max(_line_lengths(setup, 5, 4)) == 4
    assert _tuned_lengths(setup, 3, 1000) == [*_line_lengths(setup, 3, 1000)[:2], 1000], "one talks on to the limit"
    assert _tuned_lengths(setup, 0, 1000) == []


def test_checkpoints_are_counted_as_they_are_written(settings: dict[str, Any]) -> None:
    config = load(None, {**settings, "train.save_steps": 4, "train.keep": "last"})
    assert _saves(config, 10, [0, 5, 10]) == {1, 4, 8, 10}
    config = load(None, {**settings, "train.save_steps": 4, "train.keep": "best"})
    assert _saves(config, 10, [0, 5, 10]) == {1, 4, 5, 8, 10}


@pytest.mark.parametrize(("steps", "every", "expected"), [(10, 5, 3), (11, 5, 4), (4, 5, 2)])
def test_held_out_losses_are_counted_as_training_takes_them(
    settings: dict[str, Any], steps: int, every: int, expected: int
) -> None:
    config = load(None, {**settings, "train.heldout_steps": every})
    assert len(_evaluations(config, steps)) == expected


def test_as_many_samples_are_taken_as_the_estimate_counts(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))
    run = offbook.train(load(None, {**settings, "train.epochs": 2}))
    taken = len(run.samples_log.read_text(encoding="utf-8").splitlines())
    report = offbook.check(load(None, {**settings, "train.epochs": 2}))
    assert taken == len(_evaluations(load(run.config), report["steps"]))
