"""What is promised of the turns of chats, measured on logs whose pairing is known (`benchmarks/chat_logs.py`)."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[4] / "benchmarks" / "chat_logs.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("benchmark_chat_logs", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


BENCHMARK = load()


@pytest.mark.parametrize("group", [False, True], ids=["private", "group"])
@pytest.mark.parametrize("name", BENCHMARK.WRITERS)
def test_each_reply_is_paired_with_the_turn_that_it_answers(name: str, group: bool) -> None:
    figures = BENCHMARK.measure(name, group, events=250, seed=7)
    assert figures["pairs"] > 100
    assert figures["precision"] >= 0.99
    assert figures["recall"] >= 0.99
