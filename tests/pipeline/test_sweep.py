"""A sweep tries the same and finds the same, whoever works on it and whoever dies."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from click.testing import CliRunner
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from offbook.cli.sweep import command
from offbook.core.config.loading import dump, load
from offbook.core.errors import UsageError
from offbook.core.rundir import RunDir
from offbook.pipeline.sweep.options import SweepOptions
from offbook.pipeline.sweep.running import sweep
from offbook.pipeline.sweep.space import search_space
from offbook.pipeline.sweep.study import GENERATION, open_storage, open_study, should_prune

OVER = ("train.learning_rate=1e-3..5e-2", "lora.rank=2,4")


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture(scope="module")
def short(settings: dict[str, Any]) -> dict[str, Any]:
    """A run of six steps that is looked at every other one."""
    return {
        **settings,
        "train.epochs": 1,
        "train.heldout_steps": 2,
        "train.save_steps": 2,
        "persona.sample_prompts": ["Who are you?"],
        "generation.max_new_tokens": 2,
    }


def test_values_are_ranges_and_choices() -> None:
    space = search_space(["train.learning_rate=1e-4..4e-3", "lora.rank=4,8", "train.batch_size=8..12"])
    assert space == {
        "train.learning_rate": FloatDistribution(1e-4, 4e-3, log=True),
        "lora.rank": CategoricalDistribution([4, 8]),
        "train.batch_size": IntDistribution(8, 12),
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("lora.rank", "no values"),
        ("lora.rank=8..4", "is no range"),
        ("lora.rank=a..b", "is no range"),
        ("lora.rnak=4,8", "did you mean 'lora.rank'"),
    ],
)
def test_what_is_no_value_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        search_space([text])


def results(folder: Path) -> Any:
    return json.loads((folder / "sweep.json").read_text(encoding="utf-8"))


def test_a_sweep_ends_with_a_page_and_the_best_config(short: Any, runs: Path) -> None:
    config = load(None, short)
    done = sweep(config, SweepOptions(OVER, trials=5))
    saved = results(done.path)
    assert [trial["number"] for trial in saved["trials"]] == list(range(5))
    losses = {trial["number"]: trial["heldout_loss"] for trial in saved["trials"] if trial["heldout_loss"] is not None}
    assert saved["best"] == min(losses, key=lambda number: losses[number])
    assert sum(saved["importances"].values()) == pytest.approx(1)
    best = load(done.best)
    chosen = saved["trials"][saved["best"]]["values"]
    assert (best.train.learning_rate, best.lora.rank) == (chosen["train.learning_rate"], chosen["lora.rank"])
    page = done.report.read_text(encoding="utf-8")
    assert "<script" not in page
    assert all(trial["run"] in page for trial in saved["trials"])
    assert RunDir(runs / "tiny-000").finished
    before = done.report.read_bytes()
    sweep(config, SweepOptions(OVER, trials=5))  # nothing is left to do
    assert done.report.read_bytes() == before
    with pytest.raises(UsageError, match="begun with other seed"):
        sweep(config, SweepOptions(OVER, trials=5, seed=1))


def worker(short: Any, folder: Path, trials: int) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    (folder / "run.yaml").write_text(dump(load(None, short)), encoding="utf-8")
    words = [sys.executable, "-m", "offbook", "sweep", "-c", str(folder / "run.yaml"), "--trials", str(trials)]
    words += [word for text in OVER for word in ("--over", text)]
    environment = {**os.environ, "OFFBOOK_RUNS": str(folder / "runs"), "OMP_NUM_THREADS": "1"}
    with (folder / "said.txt").open("ab") as log:
        return subprocess.Popen(words, env=environment, stdout=log, stderr=log)


@pytest.mark.timeout(900)
def test_two_workers_of_which_one_is_killed_twice_find_what_one_alone_finds(short: Any, tmp_path: Path) -> None:
    trials = 5
    alone = worker(short, tmp_path / "alone", trials)
    assert alone.wait() == 0, (tmp_path / "alone" / "said.txt").read_text()
    together, generator = tmp_path / "together", random.Random(0)
    first = worker(short, together, trials)
    for _ in range(2):
        second = worker(short, together, trials)
        journal = together / "runs" / "tiny-sweep" / "journal.jsonl"
        while not journal.is_file() or journal.stat().st_size < 600:
            time.sleep(0.05)
        time.sleep(generator.uniform(4, 9))
        second.send_signal(signal.SIGKILL)
        second.wait()
    last = worker(short, together, trials)
    assert (first.wait(), last.wait()) == (0, 0), (together / "said.txt").read_text()
    assert results(together / "runs" / "tiny-sweep") == results(tmp_path / "alone" / "runs" / "tiny-sweep")


def finished_study(folder: Path, losses: list[float]) -> optuna.Study:
    definition = {"seed": 0}
    study = open_study(open_storage(None, folder), "made", definition, pareto=False)
    for loss in losses:
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        trial.report(5.0, 0)
        trial.report(loss, 2)
        study.tell(trial, loss)
    return study


def test_a_trial_worse_than_the_median_before_it_is_pruned(tmp_path: Path) -> None:
    study = finished_study(tmp_path, [1.0, 2.0, 3.0, 4.0])
    for loss, pruned in ((2.9, False), (3.1, True)):
        trial = study.ask()
        trial.report(9.0, 0)  # before training: the same for all, and no reason
        assert not should_prune(study, trial.number)
        trial.report(loss, 2)
        assert should_prune(study, trial.number) is pruned


def test_what_is_chosen_depends_on_earlier_generations_alone(tmp_path: Path) -> None:
    losses = [1.0, 2.0, 3.0, 4.0, 0.5, 0.7, 0.1, 0.2]
    uninterrupted = finished_study(tmp_path / "whole", losses)
    other = finished_study(tmp_path / "other", losses[:GENERATION])
    chosen = [other.ask().suggest_float("x", 0, 1) for _ in range(GENERATION)]  # none of them is finished
    assert chosen == [trial.params["x"] for trial in uninterrupted.trials[GENERATION:]]


def test_a_half_written_line_of_a_killed_worker_is_passed_over(tmp_path: Path) -> None:
    finished_study(tmp_path, [1.0])
    with (tmp_path / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"op_code": 4, "wor')
    again = open_study(open_storage(None, tmp_path), "made", {"seed": 0}, pareto=False)
    trial = again.ask()
    again.tell(trial, 2.0)
    values = [each.value for each in open_study(open_storage(None, tmp_path), "made", {"seed": 0}, pareto=False).trials]
    assert values == [1.0, 2.0]


def test_a_sweep_without_held_out_rows_is_refused(short: Any) -> None:
    with pytest.raises(UsageError, match="nothing is held out"):
        sweep(load(None, {**short, "data.heldout": 0}), SweepOptions(OVER))
    with pytest.raises(UsageError, match="leaves out"):
        sweep(load(None, short), SweepOptions(OVER, pareto=True))


@pytest.mark.parametrize("mistake", [["--trials", "0"], ["--jobs", "0"], ["--seed", "-1"]])
def test_a_number_that_makes_no_sense_is_refused_as_it_is_read(mistake: list[str]) -> None:
    refused = CliRunner().invoke(command, ["-c", "run.yaml", *mistake])
    assert refused.exit_code == 2
    assert "is not in the range" in refused.output
