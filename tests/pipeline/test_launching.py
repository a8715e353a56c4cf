"""How many processes share a run where nobody says it, and what each of them computes with."""

import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch

from offbook.core import environment
from offbook.core.config.loading import dump, load
from offbook.core.progress import NullReporter
from offbook.core.rundir import RunDir
from offbook.pipeline.launching import MOST, TRAINING_BYTES, affordable_processes, threads_of_each
from offbook.pipeline.training import _shared_out

GIGABYTE = 2**30


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Sets this machine's cores, and the processes that its free memory is enough for (with weights of a gigabyte)."""

    def is_given(cores: int, room: float) -> None:
        free = SimpleNamespace(available=int(room * TRAINING_BYTES + GIGABYTE))
        monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
        monkeypatch.setattr(environment, "usable_cores", lambda: cores)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    threads = torch.get_num_threads()
    yield is_given
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("cores", "room", "pieces", "count"),
    [(4, 9.5, None, 4), (4, 2.5, None, 2), (4, 0.5, None, 1), (4, 9.5, 3, 3), (1, 9.5, 8, 1), (96, 99.5, None, MOST)],
)
def test_there_is_a_process_for_each_core_with_memory_and_work(
    machine: Any, cores: int, room: float, pieces: int | None, count: int
) -> None:
    machine(cores, room)
    assert affordable_processes(GIGABYTE, pieces) == count


def test_memory_is_enough_for_the_weights_that_each_process_loads(machine: Any) -> None:
    machine(4, 5.5)
    assert affordable_processes(GIGABYTE, None) == 4
    assert affordable_processes(8 * GIGABYTE, None) == 1


def test_the_cores_are_shared_out_unless_the_user_has_done_it(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(6, 9.5)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    torch.set_num_threads(2)
    with threads_of_each(4) as variables:
        assert (torch.get_num_threads(), variables) == (1, {"OMP_NUM_THREADS": "1"})
    assert torch.get_num_threads() == 2
    with threads_of_each(1) as variables:
        assert (torch.get_num_threads(), variables) == (2, {})
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    with threads_of_each(3) as variables:
        assert (torch.get_num_threads(), variables) == (2, {})
    assert os.environ["OMP_NUM_THREADS"] == "5"


def test_a_step_is_cut_for_the_processes_and_a_run_keeps_its_cut(machine: Any, settings: Any, tmp_path: Any) -> None:
    machine(3, 9.5)
    config, run = load(None, settings), RunDir(tmp_path)
    shared, count = _shared_out(config, run, NullReporter())
    assert (shared.train.micro_batches, count) == (3, 3)
    run.config.write_text(dump(load(None, {**settings, "train.micro_batches": 2})), encoding="utf-8")
    shared, count = _shared_out(config, run, NullReporter())
    assert (shared.train.micro_batches, count) == (2, 2)
    shared, count = _shared_out(load(None, {**settings, "train.micro_batches": 5}), None, NullReporter())
    assert (shared.train.micro_batches, count) == (5, 3)
