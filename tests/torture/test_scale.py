"""A storm of kills over the processes and hosts of one run: nothing is lost, and nothing differs."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offbook.core.rundir import RunDir
from tests.assets import smollm2_path
from tests.scale.conftest import alone, ranks, shared  # noqa: F401 (fixtures)
from tests.scale.hosts import hosts
from tests.scale.ranks import Ranks, adapter_of

pytestmark = pytest.mark.torture

KILLS = int(os.environ.get("OFFBOOK_KILLS", "100"))
SEED = int(os.environ.get("OFFBOOK_SEED", "0"))
KILLS_A_RUN = 5


@pytest.mark.timeout(5400)
def test_a_real_model_on_processes_and_hosts(
    ranks: Ranks,  # noqa: F811
    shared: dict[str, Any],  # noqa: F811
    tmp_path: Path,
) -> None:
    """The table of docs/scale.md on SmolLM2: one to four processes, two hosts, killed and resumed by another number."""
    real = {**shared, "model.source": str(smollm2_path()), "train.epochs": 1, "train.learning_rate": 1e-3}
    adapters = {f"{count} processes": ranks.run(real, tmp_path / str(count), count).adapter for count in (1, 2, 3, 4)}
    with hosts(2, tmp_path, real) as places:
        adapters["2 hosts"] = ranks.run(real, tmp_path / "hosts", 2, hosts=places).adapter
    job = ranks.begin(real, tmp_path / "killed", 2)
    job.reach(1)
    job.signal(1, signal.SIGKILL)
    job.end()
    adapters["killed, resumed by 3"] = ranks.run(real, tmp_path / "killed", 3, "--resume").adapter
    control = ranks.run({**real, "train.micro_batches": 3}, tmp_path / "control", 2).adapter
    print(*(f"\n| {how} | {adapter[:8]} |" for how, adapter in adapters.items()), f"\n| control | {control[:8]} |")
    assert len(set(adapters.values())) == 1
    assert control not in adapters.values()


@pytest.mark.timeout(5400)
def test_a_storm_of_kills_over_processes_and_hosts(
    ranks: Ranks,  # noqa: F811
    shared: dict[str, Any],  # noqa: F811
    alone: Callable[..., str],  # noqa: F811
    tmp_path: Path,
) -> None:
    uniforms, seconds = random.Random(SEED), 4.0
    killed = {"process 0": 0, "another process": 0, "process 0 of a host": 0, "another host's process": 0}
    differ = 0
    with hosts(3, tmp_path, shared) as places:
        settings, number = {**shared, **places[0].settings}, 0
        while sum(killed.values()) < KILLS:
            number += 1
            folder, deaths = tmp_path / f"run-{number}", 0
            folder.mkdir()
            while not RunDir(folder / "runs" / "tiny").finished:
                count, on_hosts = uniforms.choice([2, 3]), uniforms.random() < 0.5
                began = time.monotonic()
                job = ranks.begin(settings, folder, count, "--resume", hosts=places if on_hosts else (), timeout="20")
                if deaths < KILLS_A_RUN:
                    time.sleep(uniforms.uniform(0, seconds))
                    victim = uniforms.randrange(count)
                    job.signal(victim, signal.SIGKILL)
                codes = job.end()
                if set(codes) == {0}:
                    seconds = 0.9 * seconds + 0.1 * (time.monotonic() - began)
                elif -signal.SIGKILL in codes:
                    deaths += 1
                    kinds = ("process 0 of a host", "another host's process") if on_hosts else tuple(killed)[:2]
                    killed[kinds[bool(victim)]] += 1
                assert set(codes) <= {0, 1, 2, -signal.SIGKILL}, job.texts()
                assert all("Traceback" not in job.texts(rank) for rank in range(count)), job.texts()
            differ += adapter_of(RunDir(folder / "runs" / "tiny")) != alone()
            shutil.rmtree(folder)
            print(f"{sum(killed.values())} kills in {number} runs: {killed}; runs that differ: {differ}", flush=True)
    assert not differ
