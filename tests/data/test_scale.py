"""A hundred thousand rows: the time and the memory that the data stages take."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "data.py"


def measured(rows: int) -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARK), "--rows", str(rows), "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_the_benchmark_finds_what_it_made() -> None:
    result = measured(2000)
    assert 40 <= result["findings"]["duplicates"] <= 80
    assert 25 <= result["findings"]["near_duplicates"] <= 60
    assert result["leak"]["split"] == {"rows": result["heldout_rows"], "exact": 0, "near": 0, "prompt": 0, "scene": 0}
    assert result["leak"]["random"]["prompt"] > 0
    assert 0.01 < result["heldout_rows"] / 2000 < 0.15


@pytest.mark.torture
def test_a_hundred_thousand_rows() -> None:
    result = measured(100_000)
    # Processor time: a busy machine must not make the code look slow.
    assert result["seconds"]["processor"] < 60
    assert result["peak_bytes"] < 1.5e9
    assert result["leak"]["split"]["near"] == 0
    assert result["heldout_rows"] / 100_000 == pytest.approx(0.05, rel=0.2)
