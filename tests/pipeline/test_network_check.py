"""`doctor --processes`: whether processes reach each other, by which way and how fast."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from offbook.pipeline.network_check import WEIGHTS, check_network


def test_one_process_reaches_itself() -> None:
    report = check_network(1)
    assert report is not None
    assert [place["rank"] for place in report["processes"]] == [0]
    assert report["bytes_per_second"] is None


def test_two_processes_meet_on_this_machine() -> None:
    command = [sys.executable, "-m", "offbook", "doctor", "--processes", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    network = json.loads(done.stdout)["network"]
    assert [(place["rank"], place["address"]) for place in network["processes"]] == [(0, "127.0.0.1"), (1, "127.0.0.1")]
    assert network["processes"][1]["interface"].startswith("lo")
    assert network["exchange_bytes"] == WEIGHTS * 4  # half the gradients out, half the sums out
    assert 0 < network["latency_seconds"] < network["exchange_seconds"]
