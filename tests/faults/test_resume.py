"""Going on from what is damaged, changed or moved (faults 6, 7, 13, 14)."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import offbook
from offbook.core import environment
from offbook.core.config.loading import load
from offbook.core.errors import UsageError
from offbook.core.metrics_log import read
from offbook.core.rundir import RunDir
from offbook.pipeline import training
from offbook.training.checkpoint import FORMAT, CheckpointStore
from offbook.training.trainer import StepTrainer
from tests.faults.common import adapter_bytes
from tests.recorder import Recorder


@pytest.mark.parametrize("kind", ["flipped", "deleted"])
def test_6_7_a_damaged_checkpoint_costs_time_and_no_bit(
    unfinished: RunDir, settings: Any, trained: Path, kind: str
) -> None:
    newest = sorted(unfinished.checkpoints.iterdir())
    for folder in newest[1:]:
        state = folder / "optimizer.pt"
        content = bytearray(state.read_bytes())
        content[len(content) // 2] ^= 1
        state.write_bytes(content) if kind == "flipped" else state.unlink()
    recorder = Recorder()
    offbook.train(load(None, settings), resume=True, reporter=recorder)
    texts = [text for text in recorder.texts if "optimizer.pt" in text]
    assert len(texts) == len(newest) - 1
    assert all(text.endswith(f"going on from {newest[0].name}.") for text in texts)
    assert adapter_bytes(unfinished) == adapter_bytes(RunDir(trained))


def test_6_with_no_whole_checkpoint_left_a_run_starts_over_and_says_so(
    unfinished: RunDir, settings: Any, trained: Path
) -> None:
    for folder in unfinished.checkpoints.iterdir():
        (folder / "scheduler.pt").unlink()
    recorder = Recorder()
    offbook.train(load(None, settings), resume=True, reporter=recorder)
    assert sum("scheduler.pt is missing; starting from the beginning" in text for text in recorder.texts) == 3
    assert adapter_bytes(unfinished) == adapter_bytes(RunDir(trained))


@pytest.fixture
def overfitting(settings: Any) -> Any:
    """Its held-out loss falls and then rises: the best state is not the last."""
    return {
        **settings,
        "train.epochs": 12,
        "train.learning_rate": 0.03,
        "train.schedule": "constant",
        "train.heldout_steps": 5,
        "train.save_steps": 4,
        "train.keep_checkpoints": 1,
        "train.patience": 2,
    }


def without_ending(run: RunDir) -> bytes:
    """Make the run one that was killed before its adapter appeared; returns what the adapter was."""
    undisturbed = adapter_bytes(run)
    shutil.rmtree(run.adapter)
    return undisturbed


@pytest.mark.parametrize("keep", ["best", "last"])
def test_1_killed_after_an_early_end_it_keeps_the_same_state(overfitting: Any, keep: str) -> None:
    config = load(None, {**overfitting, "train.keep": keep})
    run = offbook.train(config)
    assert read(run.metrics)[-1]["step"] < json.loads((run.data / "report.json").read_text())["steps"]
    undisturbed = without_ending(run)
    offbook.train(config, resume=True)
    assert adapter_bytes(run) == undisturbed


def test_6_7_a_damaged_best_state_costs_time_and_no_bit(overfitting: Any) -> None:
    """The newest checkpoint alone is not enough: the run goes back behind the best state, and makes it again."""
    config = load(None, {**overfitting, "train.keep": "best", "train.keep_checkpoints": 9})
    run = offbook.train(config)
    undisturbed = without_ending(run)
    best = json.loads(run.environment.read_text())["adapter_step"]
    (CheckpointStore(run.checkpoints).folder(best) / "adapter_model.safetensors").write_bytes(b"")
    recorder = Recorder()
    offbook.train(config, resume=True, reporter=recorder)
    (warning,) = recorder.warnings
    assert "going on from step-" in warning
    assert f"step-{best:06d}: adapter_model.safetensors is damaged" in warning
    assert adapter_bytes(run) == undisturbed


def test_6_7_where_only_the_best_state_is_damaged_the_rest_is_not_given_up(overfitting: Any) -> None:
    config = load(None, {**overfitting, "train.keep": "best"})
    run = offbook.train(config)
    without_ending(run)
    best, last = json.loads(run.environment.read_text())["adapter_step"], read(run.metrics)[-1]["step"]
    assert [path.name for path in sorted(run.checkpoints.iterdir())] == [f"step-{best:06d}", f"step-{last:06d}"]
    (CheckpointStore(run.checkpoints).folder(best) / "adapter_model.safetensors").write_bytes(b"")
    before = read(run.metrics)
    recorder = Recorder()
    offbook.train(config, resume=True, reporter=recorder)
    damaged, lost, _ = recorder.warnings
    assert damaged.endswith(f"going on from step-{last:06d}.")
    assert f"the best state so far (step {best}) is lost" in lost
    assert read(run.metrics) == before
    assert json.loads(run.environment.read_text())["adapter_step"] == last


def timeless(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: line[key] for key in line if key not in ("tokens_per_second", "memory_bytes")} for line in lines]


@pytest.mark.parametrize("harm", ["deleted", "cut", "altered", "doubled"])
def test_metrics_that_were_harmed_change_nothing(unfinished: RunDir, settings: Any, trained: Path, harm: str) -> None:
    """The checkpoint keeps its own lines: which state is best does not depend on a file that anybody may touch."""
    lines = unfinished.metrics.read_text().splitlines(keepends=True)
    before = read(unfinished.metrics)
    unfinished.samples_log.write_bytes(unfinished.samples_log.read_bytes()[:-3])
    shutil.rmtree(sorted(unfinished.checkpoints.iterdir())[-1])
    unfinished.metrics.unlink()
    if harm != "deleted":
        altered = [re.sub(r'"heldout_loss": \d', '"heldout_loss": 9', line) for line in lines]
        unfinished.metrics.write_text("".join({"cut": lines[:3], "doubled": lines * 2}.get(harm, altered)))
    with pytest.raises(UsageError, match="already exists"):
        offbook.train(load(None, settings))  # what is there is not begun anew unasked
    offbook.train(load(None, settings), resume=True)
    assert adapter_bytes(unfinished) == adapter_bytes(RunDir(trained))
    assert timeless(read(unfinished.metrics)) == timeless(before)


def test_other_weights_of_the_base_model_are_no_resume(unfinished: RunDir, settings: Any) -> None:
    for manifest in unfinished.checkpoints.glob("*/manifest.json"):
        tree = json.loads(manifest.read_text())
        tree["base_sha256"] = {"model.safetensors": "0" * 64}
        manifest.write_text(json.dumps(tree))
    for allowed in (False, True):
        with pytest.raises(UsageError, match="the base model's weights"):
            offbook.train(load(None, settings), resume=True, allow_inexact=allowed)


def test_13_inexact_says_what_it_gives_up(unfinished: RunDir, settings: Any) -> None:
    output = {**settings, "train.learning_rate": 0.02}
    with pytest.raises(UsageError, match=r"train.learning_rate 0.01 → 0.02"):
        offbook.train(load(None, output), resume=True)
    recorder = Recorder()
    offbook.train(load(None, output), resume=True, allow_inexact=True, reporter=recorder)
    assert any(
        "train.learning_rate 0.01 → 0.02. What is given up: the final weights" in text for text in recorder.texts
    )


def test_13_one_edited_row_is_refused(
    unfinished: RunDir, settings: Any, rows: Path, tmp_path: Path, trained: Path
) -> None:
    """Whether it was learned or held out: both belong to the run."""
    all_rows = json.loads(rows.read_text())
    for number in range(0, len(all_rows), 8):
        edited = tmp_path / "edited.json"
        changed = {**all_rows[number], "output": "Nothing will come of nothing."}
        edited.write_text(json.dumps([*all_rows[:number], changed, *all_rows[number + 1 :]]))
        with pytest.raises(UsageError, match="changed since the checkpoint: the training data") as refused:
            offbook.train(load(None, {**settings, "data.source": str(edited)}), resume=True)
        assert refused.value.exit_code == 2
        assert "--allow-inexact" in str(refused.value.fix)
    offbook.train(load(None, settings), resume=True)
    assert adapter_bytes(unfinished) == adapter_bytes(RunDir(trained))


def test_13_what_cannot_be_resumed_at_all_is_refused_even_inexactly(unfinished: RunDir, settings: Any) -> None:
    with pytest.raises(UsageError, match=r"does not fit: changed since: lora\.rank 8 → 4"):
        offbook.train(load(None, {**settings, "lora.rank": 4}), resume=True, allow_inexact=True)


def test_13_another_number_of_threads_is_a_change(
    unfinished: RunDir, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = environment.arithmetic()
    monkeypatch.setattr(environment, "arithmetic", lambda: {**now, "threads": 99})
    with pytest.raises(UsageError, match=rf"threads {now['threads']} → 99"):
        offbook.train(load(None, settings), resume=True)


def test_13_a_checkpoint_of_another_format_is_refused_and_says_what_to_do(unfinished: RunDir, settings: Any) -> None:
    """The first format, which names none, drew dropout from random states."""
    for folder in unfinished.checkpoints.iterdir():
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest.pop("format") == FORMAT
        (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=f"have format 1, this offbook goes on from format {FORMAT}") as refused:
        offbook.train(load(None, settings), resume=True, allow_inexact=True)
    assert "--overwrite" in refused.value.fix


def test_14_a_moved_run_goes_on(
    unfinished: RunDir, settings: Any, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(unfinished.checkpoints / "step-000025")
    unfinished.path.parent.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "elsewhere"))
    run = offbook.train(load(None, settings), resume=True)
    assert run.path.parent.name == "elsewhere"
    assert adapter_bytes(run) == adapter_bytes(RunDir(trained))


def test_a_run_that_lacks_only_its_ending_trains_no_step_more(
    unfinished: RunDir, settings: Any, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Resting(StepTrainer):
        """Not the trainer that the estimate tries a step with."""

        def training_step(self, *_: Any) -> Any:
            pytest.fail("a step was trained")

    monkeypatch.setattr(training, "StepTrainer", Resting)
    before = read(unfinished.metrics)
    offbook.train(load(None, settings), resume=True)
    assert adapter_bytes(unfinished) == adapter_bytes(RunDir(trained))
    assert read(unfinished.metrics) == before


def contents(run: RunDir) -> dict[str, bytes]:
    return {str(path.relative_to(run.path)): path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


@pytest.fixture
def finished(trained: Path, runs: Path) -> RunDir:
    shutil.copytree(trained, runs / "tiny", ignore=shutil.ignore_patterns("export"))
    (runs / "tiny" / "export").mkdir()
    (runs / "tiny" / "lines.json").write_text("[]")
    return RunDir(runs / "tiny")


def test_what_is_refused_overwrites_nothing(finished: RunDir, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(finished)
    with pytest.raises(UsageError, match="no such file"):
        offbook.train(load(None, {**settings, "data.source": "typo.json"}), overwrite=True)
    monkeypatch.setattr(training, "refuse_small_disk", lambda path, needed: pytest.fail(f"{needed} bytes"))
    with pytest.raises(pytest.fail.Exception) as refused:
        offbook.train(load(None, settings), overwrite=True)
    assert contents(finished) == before
    report = json.loads((finished.data / "report.json").read_text())
    assert int(str(refused.value).split()[0]) < report["disk_bytes"]  # the old run's room is the new one's


def test_overwriting_leaves_nothing_of_the_old_run_and_all_of_others(finished: RunDir, settings: Any) -> None:
    old = json.loads(finished.environment.read_text())["id"]
    run = offbook.train(load(None, {**settings, "train.epochs": 1}), overwrite=True)
    steps = json.loads((run.data / "report.json").read_text())["steps"]
    assert max(run.checkpoints.iterdir()).name == f"step-{steps:06d}"
    assert read(run.metrics)[-1]["step"] == steps
    assert json.loads(run.environment.read_text())["id"] != old
    assert not run.exports.exists()
    assert (run.path / "lines.json").read_text() == "[]"
