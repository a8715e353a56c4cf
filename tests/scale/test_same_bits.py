"""The adapter is the same, bit for bit, on however many processes and hosts, and whichever of them die on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from offbook.core.config.loading import dump, load
from offbook.core.metrics_log import read
from offbook.core.rundir import RunDir
from tests.scale.conftest import LONG, PLAIN
from tests.scale.hosts import hosts
from tests.scale.ranks import Ranks, adapter_of

Alone = Callable[..., str]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_processes_on_one_machine(ranks: Ranks, shared: Any, alone: Alone, tmp_path: Path, count: int) -> None:
    job = ranks.run(shared, tmp_path, count)
    assert job.codes == [0] * count, job.texts()
    assert job.adapter == alone()
    assert [path.name for path in tmp_path.glob("runs*/*")] == ["tiny"]  # the first one's alone
    assert all(job.texts(rank) == "" for rank in range(1, count))


def test_the_plain_path(ranks: Ranks, shared: Any, alone: Alone, tmp_path: Path) -> None:
    assert ranks.run({**shared, **PLAIN}, tmp_path, 2).adapter == alone("plain")
    assert alone("plain") != alone()


@pytest.mark.parametrize("assignment", ["all to the last", "in turns"])
def test_any_assignment(ranks: Ranks, shared: Any, alone: Alone, tmp_path: Path, assignment: str) -> None:
    assert ranks.run(shared, tmp_path, 2, sabotage={-1: assignment}).adapter == alone()


def test_a_step_cut_otherwise_differs(ranks: Ranks, shared: Any, alone: Alone, tmp_path: Path) -> None:
    """The control: what is compared is fine enough to tell another order of adding."""
    assert ranks.run({**shared, "train.micro_batches": 3}, tmp_path / "cut", 2).adapter != alone()
    assert ranks.run(shared, tmp_path / "order", 2, sabotage={-1: "out of order"}).adapter != alone()


@pytest.mark.parametrize("count", [2, 3])
def test_hosts(ranks: Ranks, shared: Any, alone: Alone, tmp_path: Path, count: int) -> None:
    with hosts(count, tmp_path, shared) as places:
        job = ranks.run(shared, tmp_path, count, hosts=places)
    assert job.codes == [0] * count, job.texts() + job.texts(1)
    assert job.adapter == alone()


@pytest.mark.parametrize(("before", "after", "victim"), [(2, 1, 0), (2, 3, 1), (1, 2, 0), (3, 2, 2)])
def test_killed_and_resumed_by_another_number(
    ranks: Ranks, shared: Any, alone: Alone, tmp_path: Path, before: int, after: int, victim: int
) -> None:
    job = ranks.begin(shared, tmp_path, before, sabotage={-1: "slow"})
    job.reach(3)
    job.signal(victim, signal.SIGKILL)
    codes = job.end()
    assert codes[victim] == -signal.SIGKILL, job.texts()
    assert all(code == 1 for rank, code in enumerate(codes) if rank != victim), job.texts()
    again = ranks.run(shared, tmp_path, after, "--resume")
    assert again.codes == [0] * after, again.texts()
    assert again.adapter == alone()
    steps = [line["step"] for line in read(again.run_dir.metrics)]
    assert steps == sorted(set(steps))


VERDICT = {"evaluate.prompts": 4, "persona.sample_prompts": ["Who are you?", "Will you come?"]}


def test_samples_and_verdict_are_shared_and_the_same(ranks: Ranks, shared: Any, tmp_path: Path) -> None:
    one, two = (ranks.run({**shared, **VERDICT}, tmp_path / str(count), count) for count in (1, 2))
    assert two.codes == [0, 0], two.texts() + two.texts(1)
    answering = ["The base model answers the prompts (11)", "The tuned model answers the prompts (11)"]
    assert [stage in one.texts() for stage in answering] == [True, True]
    assert [stage in two.texts() for stage in answering] == [True, False]  # the other process's share
    for name in ("samples", "samples_log"):
        assert getattr(one.run_dir, name).read_bytes() == getattr(two.run_dir, name).read_bytes()
    verdicts = [json.loads(job.run_dir.eval.read_text(encoding="utf-8")) for job in (one, two)]
    for verdict in verdicts:
        verdict["about"]["made"] = "now"
    assert verdicts[0] == verdicts[1]


def test_a_process_that_is_lost_in_the_verdict_costs_the_verdict_alone(
    ranks: Ranks, shared: Any, alone: Alone, tmp_path: Path
) -> None:
    job = ranks.run({**shared, "evaluate.prompts": 4}, tmp_path, 2, sabotage={1: "ends in verdict"}, timeout="15")
    assert job.codes == [0, -signal.SIGKILL], job.texts()
    assert "no verdict" in job.texts()
    assert job.adapter == alone()


def command(settings: Any, folder: Path) -> list[str]:
    """A command line after the launcher's own words."""
    (folder / "run.yaml").write_text(dump(load(None, settings)), encoding="utf-8")
    return ["-m", "offbook", "train", "-c", str(folder / "run.yaml")]


def launch(words: list[str], folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "OFFBOOK_RUNS": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def beside_python(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def test_the_command_line_starts_them_itself(shared: Any, alone: Alone, tmp_path: Path) -> None:
    process = launch([sys.executable, *command(shared, tmp_path), "--processes", "2"], tmp_path)
    files = mapped_weights(process)
    output = process.communicate(timeout=280)[0]
    assert process.returncode == 0, output
    assert adapter_of(RunDir(tmp_path / "tiny"), output) == alone()
    if sys.platform == "linux":
        assert len(files) == 2, output
        assert len(set(files.values())) == 1  # the frozen weights are in memory once


def test_the_command_line_goes_on_after_a_kill(shared: Any, alone: Alone, tmp_path: Path) -> None:
    words = [sys.executable, *command({**shared, **LONG}, tmp_path), "--processes", "2", "--resume"]
    process = launch(words, tmp_path)
    run = RunDir(tmp_path / "tiny")
    (other,) = wait_for(run.checkpoints / "step-000010", process)
    os.kill(other, signal.SIGKILL)
    output = process.communicate(timeout=280)[0]
    assert process.returncode == 1, output
    process = launch(words, tmp_path)
    output = process.communicate(timeout=280)[0]
    assert process.returncode == 0, output
    assert adapter_of(run, output) == alone("long")


def mapped_weights(process: subprocess.Popen[str]) -> dict[int, str]:
    """Of the process and the one that it starts: the inode of the file that their frozen weights are mapped from."""
    files: dict[int, str] = {}
    while process.poll() is None and len(files) < 2:
        for each in (process.pid, *(child.pid for child in psutil.Process(process.pid).children())):
            with suppress(OSError):
                lines = Path(f"/proc/{each}/maps").read_text(encoding="utf-8").splitlines()
                inodes = [line.split()[4] for line in lines if "/weights" in line and "offbook-" in line]
                if inodes:
                    files[each] = inodes[0]
        time.sleep(0.005)
    return files


def test_accelerate_launch(shared: Any, alone: Alone, tmp_path: Path) -> None:
    words = [beside_python("accelerate"), "launch", "--cpu", "--num_processes", "2", "--num_machines", "1"]
    words += ["--mixed_precision", "no", "--dynamo_backend", "no", "--num_cpu_threads_per_process", "1"]
    process = launch([*words, *command(shared, tmp_path)], tmp_path)
    output = process.communicate(timeout=280)[0]
    assert process.returncode == 0, output
    assert adapter_of(RunDir(tmp_path / "tiny"), output) == alone()


def test_torchrun_mends_itself(shared: Any, alone: Alone, tmp_path: Path) -> None:
    """A process is killed once; the launcher starts all anew, and they go on from the checkpoint."""
    words = [beside_python("torchrun"), "--standalone", "--nproc-per-node", "2", "--max-restarts", "2"]
    process = launch([*words, *command({**shared, **LONG}, tmp_path)], tmp_path)
    run = RunDir(tmp_path / "tiny")
    job = wait_for(run.checkpoints / "step-000010", process)
    os.kill(job[1], signal.SIGKILL)
    output = process.communicate(timeout=280)[0]
    assert process.returncode == 0, output
    assert "exitcode: -9" in output
    assert adapter_of(run, output) == alone("long")


def wait_for(folder: Path, process: subprocess.Popen[str]) -> list[int]:
    """Wait for a checkpoint; the PIDs of the processes that `process` has started."""
    end = time.monotonic() + 200
    while not folder.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    if not folder.exists():
        process.kill()
        pytest.fail(process.communicate()[0])
    return sorted(child.pid for child in psutil.Process(process.pid).children())
