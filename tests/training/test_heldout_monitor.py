"""What a held-out loss leads to: samples, the best state kept, an early end; and the verdict after the last step."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import offbook
import offbook.pipeline.finishing
import offbook.pipeline.training
from offbook.core.config.loading import load
from offbook.core.errors import UsageError
from offbook.core.metrics_log import read
from offbook.core.rundir import RunDir
from offbook.pipeline.resuming import required_step
from offbook.training import checkpoint
from offbook.training.checkpoint import CheckpointStore
from tests.recorder import Recorder


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))


@pytest.fixture
def overfitting(settings: dict[str, Any]) -> Any:
    """It learns by heart at once, so the held-out loss falls and then rises."""
    return {
        **settings,
        "train.keep": "best",
        "train.epochs": 12,
        "train.learning_rate": 0.2,
        "train.schedule": "constant",
        "train.heldout_steps": 5,
        "train.save_steps": 1000,
        "train.keep_checkpoints": 1,
    }


def weights(folder: Path) -> Any:
    return load_file(folder / "adapter_model.safetensors")


def same(one: Any, other: Any) -> Any:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def losses_of(run: Any) -> Any:
    return {line["step"]: line["heldout_loss"] for line in read(run.metrics) if "heldout_loss" in line}


def test_the_best_state_becomes_the_adapter(overfitting: Any) -> None:
    reporter = Recorder()
    run = offbook.train(load(None, overfitting), reporter=reporter)
    losses = losses_of(run)
    best = min(list(losses)[1:], key=losses.__getitem__)
    last = max(losses)
    assert best < last
    assert any(f"lowest at step {best}" in line for line in reporter.texts)
    assert json.loads(run.environment.read_text())["adapter_step"] == best
    folders = [CheckpointStore(run.checkpoints).folder(step) for step in (best, last)]
    assert sorted(run.checkpoints.iterdir()) == folders  # one is kept, and the best is spared
    assert same(weights(run.adapter), weights(folders[0]))
    assert not same(weights(run.adapter), weights(folders[1]))


def test_the_last_state_on_request(overfitting: Any) -> None:
    run = offbook.train(load(None, {**overfitting, "train.keep": "last"}))
    (only,) = run.checkpoints.iterdir()
    assert same(weights(run.adapter), weights(only))
    assert json.loads(run.environment.read_text())["adapter_step"] == max(losses_of(run))


def test_a_damaged_best_leaves_the_last(overfitting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = Recorder()
    verify = checkpoint.verify
    over = False

    def damaged(folder: Path) -> Any:
        if over:
            raise ValueError(f"{folder.name}: adapter_model.safetensors is damaged")
        return verify(folder)

    optimize = offbook.pipeline.training._optimize

    def run_and_damage(*args: Any) -> None:
        nonlocal over
        optimize(*args)
        over = True

    monkeypatch.setattr(offbook.pipeline.training, "_optimize", run_and_damage)
    monkeypatch.setattr(offbook.pipeline.finishing, "verify", damaged)
    run = offbook.train(load(None, overfitting), reporter=reporter)
    assert any("is damaged; the adapter is that of the last step" in line for line in reporter.texts)
    assert json.loads(run.environment.read_text())["adapter_step"] == max(losses_of(run))


def test_patience_ends_the_run_and_a_resume_knows_it(overfitting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = {**overfitting, "train.patience": 2}
    finish = offbook.pipeline.finishing.write_adapter

    def killed(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(offbook.pipeline.finishing, "write_adapter", killed)
    with pytest.raises(KeyboardInterrupt):
        offbook.train(load(None, patient))
    monkeypatch.setattr(offbook.pipeline.finishing, "write_adapter", finish)
    run = RunDir(offbook.core.rundir.runs_root() / "tiny")
    before = losses_of(run)
    steps = json.loads((run.data / "report.json").read_text())["steps"]
    assert max(before) < steps
    ordered = list(before.values())
    assert min(ordered[-2:]) >= min(ordered[:-2])
    assert len(ordered) < 4 or min(ordered[-3:-1]) < min(ordered[:-3])  # and not an evaluation too late
    monkeypatch.setattr(offbook.pipeline.training, "StepTrainer", lambda *_, **__: pytest.fail("it trained on"))
    offbook.train(load(None, patient), resume=True)
    assert run.finished
    assert losses_of(run) == before


def test_a_run_needs_the_best_state_unless_it_comes_by_there_again(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    losses = {0: 1.0, 5: 3.0, 10: 2.0, 15: 2.5}
    for step in (5, 9, 10, 15):
        store.folder(step).mkdir()
        lines = [{"step": s, "heldout_loss": loss} for s, loss in losses.items() if s <= step]
        (store.folder(step) / "progress.json").write_text(json.dumps({"metrics": lines}))
    assert [required_step(store, "best", step) for step in (5, 9, 10, 15)] == [None, 5, None, 10]
    assert required_step(store, "last", 15) is None


def test_samples_at_every_evaluation_disturb_nothing(overfitting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = offbook.train(load(None, overfitting))
    output = [json.loads(line) for line in run.samples_log.read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in output] == list(losses_of(run))
    assert all(list(line["samples"]) == ["Who are you?", "Will you come?"] for line in output)
    assert output[0]["samples"] != output[-1]["samples"]
    replies = {line["prompt"]: line["tuned"] for line in json.loads(run.samples.read_text(encoding="utf-8"))}
    best = json.loads(run.environment.read_text())["adapter_step"]
    assert replies == next(line["samples"] for line in output if line["step"] == best)
    monkeypatch.setattr(offbook.pipeline.finishing, "sample_replies", lambda *args, **kwargs: [{}, {}])
    silent = offbook.train(load(None, {**overfitting, "name": "silent"}))
    assert same(weights(run.adapter), weights(silent.adapter))


def test_the_verdict_follows_the_last_step(settings: dict[str, Any]) -> None:
    changes = {"model.dtype": "float32", "evaluate.prompts": 2, "evaluate.lang": "zh"}
    run = offbook.train(load(None, {**settings, **changes}))
    card = json.loads(run.eval.read_text(encoding="utf-8"))
    assert card["about"]["step"] == json.loads(run.environment.read_text())["adapter_step"]
    assert card["heldout"]["tuned"]["loss"] == pytest.approx(losses_of(run)[card["about"]["step"]], rel=1e-4)
    assert '<html lang="zh-CN"' in run.report.read_text(encoding="utf-8")
    again = json.loads(json.dumps(offbook.evaluate(run.path).to_json()))
    for each in (card, again):
        del each["about"]["made"]
    assert again == card


def test_a_row_that_leaves_no_room_for_a_reply_is_not_judged_on(settings: dict[str, Any], tmp_path: Path) -> None:
    judged = tmp_path / "judged.jsonl"
    output = [
        ("Who is there?", "A friend to this ground."),
        ("word " * 300, "Ay."),
        ("Speak, sir.", "I will, my lord."),
    ]
    judged.write_text("".join(json.dumps({"instruction": texts, "output": reply}) + "\n" for texts, reply in output))
    short = {**settings, "data.heldout_source": str(judged), "data.max_length": 200, "evaluate.prompts": 2}
    with pytest.raises(UsageError, match=r"judged\.jsonl:2"):
        offbook.train(load(None, short))
    run = offbook.train(load(None, {**short, "data.on_error": "skip"}))
    assert len((run.data / "heldout.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    assert len(json.loads(run.eval.read_text(encoding="utf-8"))["rows"]) == 2

    reporter = Recorder()
    card = offbook.evaluate(run.path, data=judged, reporter=reporter).card
    assert [row.origin for row in card.rows] == ["judged.jsonl:1", "judged.jsonl:3"]
    assert any(line.startswith("1 of 3 rows are left out") for line in reporter.texts)
    judged.write_text(json.dumps({"instruction": "word " * 300, "output": "Ay."}) + "\n")
    with pytest.raises(UsageError, match="no row fits"):
        offbook.evaluate(run.path, data=judged)


def test_rows_that_were_learned_are_not_judged_on(settings: dict[str, Any], rows: Any) -> None:
    run = offbook.train(load(None, settings))
    learned = len((run.data / "train.jsonl").read_text(encoding="utf-8").splitlines())
    reporter = Recorder()
    offbook.evaluate(run.path, data=rows, prompts=2, reporter=reporter)
    assert any(line.startswith(f"{learned} of ") and "trained on them" in line for line in reporter.texts)
    assert f"offbook eval {run.name} --data {rows} --prompts 2" in run.report.read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="trained on every row"):
        offbook.evaluate(run.path, data=run.data / "train.jsonl", prompts=2)


def test_a_verdict_that_fails_costs_the_run_nothing(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = Recorder()

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr(offbook.pipeline.finishing, "evaluate_character", broken)
    run = offbook.train(load(None, {**settings, "evaluate.prompts": 2}), reporter=reporter)
    assert run.finished
    assert any("no verdict (no luck)" in line and "offbook eval" in line for line in reporter.texts)
