"""A process fails: all end together, one sentence says why, nothing is lost, and any number of them goes on."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.scale.hosts import cut_network, hosts
from tests.scale.ranks import RankProcesses, Ranks

Alone = Callable[..., str]


def goes_on(ranks: Ranks, job: RankProcesses, settings: Any, folder: Path, count: int, adapter: str) -> None:
    """Whether nothing is lost: resumed by another number of processes, the run ends as if nothing had been."""
    assert "Traceback" not in job.texts(), job.texts()
    assert not job.run_dir.adapter.exists()
    again = ranks.run(settings, folder, count, "--resume")
    assert again.codes == [0] * count, again.texts()
    assert again.adapter == adapter


@pytest.mark.parametrize(
    ("sabotage", "victim", "sentence"),
    [
        ("bug", 1, "ended: ValueError: a bug"),
        ("memory", 1, "ended: out of memory with micro-batches of up to 2048 tokens"),
        ("nan", 1, "training diverged: the loss of step 5 is nan"),
        ("disk", 0, "the disk is full"),
    ],
)
def test_one_fails(
    ranks: Ranks, shared: Any, alone: Alone, tmp_path: Path, sabotage: str, victim: int, sentence: str
) -> None:
    job = ranks.run(shared, tmp_path, 2, sabotage={victim: sabotage, -1: "in turns"})
    assert job.codes == [1, 1], job.texts() + job.texts(1)
    assert sentence in job.texts()
    goes_on(ranks, job, shared, tmp_path, 1, alone())


@pytest.mark.parametrize("victim", [0, 1])
def test_one_hangs(ranks: Ranks, shared: Any, alone: Alone, tmp_path: Path, victim: int) -> None:
    job = ranks.begin(shared, tmp_path, 2, timeout="6", sabotage={-1: "slow"})
    job.reach(3)
    job.signal(victim, signal.SIGSTOP)
    other = 1 - victim
    assert job.processes[other].wait() == 1, job.texts(other)
    assert f"process {victim} ended, or has not answered for 6 s" in job.texts(other)
    job.signal(victim, signal.SIGKILL)
    job.processes[victim].wait()
    goes_on(ranks, job, shared, tmp_path, 1, alone())


def test_the_network_is_cut(ranks: Ranks, shared: Any, alone: Alone, tmp_path: Path) -> None:
    with hosts(2, tmp_path, shared) as places:
        job = ranks.begin(shared, tmp_path, 2, hosts=places, timeout="6", sabotage={-1: "slow"})
        job.reach(3)
        cut_network(places[1])
        assert job.end() == [1, 1], job.texts() + job.texts(1)
    assert "process 1 ended, or has not answered" in job.texts()
    goes_on(ranks, job, {**shared, **places[0].settings}, tmp_path, 1, alone())


@pytest.mark.parametrize(("number", "victim", "code"), [(signal.SIGINT, 1, 130), (signal.SIGTERM, 0, 143)])
def test_a_signal_to_one_stops_all_after_the_same_step(
    ranks: Ranks, shared: Any, alone: Alone, tmp_path: Path, number: signal.Signals, victim: int, code: int
) -> None:
    job = ranks.begin(shared, tmp_path, 2, sabotage={-1: "slow"})
    job.reach(1)
    job.signal(victim, number)
    assert job.end() == [code, code], job.texts() + job.texts(1)
    assert "stopped and saved at step" in job.texts()
    goes_on(ranks, job, shared, tmp_path, 3, alone())


def test_a_second_ctrl_c_stops_at_once(ranks: Ranks, shared: Any, alone: Alone, tmp_path: Path) -> None:
    job = ranks.begin(shared, tmp_path, 2, sabotage={1: "slow"})
    job.reach(1)
    job.signal(1, signal.SIGSTOP)  # the first one waits for it in a collective
    for _ in range(2):
        job.signal(0, signal.SIGINT)
        time.sleep(1)
    assert job.processes[0].wait() == 130, job.texts()
    job.signal(1, signal.SIGKILL)
    job.processes[1].wait()
    goes_on(ranks, job, shared, tmp_path, 1, alone())


def test_other_data_on_one_is_refused_by_name(ranks: Ranks, shared: Any, tmp_path: Path, settings: Any) -> None:
    rows = json.loads(Path(settings["data.source"]).read_text())
    other = tmp_path / "other.json"
    other.write_text(json.dumps([*rows[:-1], {"instruction": "Who is there?", "output": "Nobody."}]))
    job = ranks.run(shared, tmp_path, 2, overrides={1: {"data.source": str(other)}})
    assert job.codes == [2, 2], job.texts()
    assert "not the same as process 0 has: the training data: process 1" in job.texts()


def test_other_processors_are_told_of(ranks: Ranks, shared: Any, tmp_path: Path) -> None:
    job = ranks.run(shared, tmp_path, 2, sabotage={1: "other vector units"})
    assert job.codes == [0, 0], job.texts()
    assert "the processes compute differently: vector_units" in " ".join(job.texts().split())


def test_nobody_to_meet(ranks: Ranks, shared: Any, tmp_path: Path) -> None:
    job = ranks.begin(shared, tmp_path, 2, timeout="3")
    job.signal(0, signal.SIGKILL)
    assert job.end() == [-signal.SIGKILL, 1]
    assert "Traceback" not in job.texts(1)
    assert "process 0" in job.texts(1)
