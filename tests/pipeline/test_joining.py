"""What processes see before their first step: more threads than cores is told, with the number that fits."""

from __future__ import annotations

import json
from typing import cast

import pytest
import torch

from offbook.core import environment
from offbook.pipeline import joining
from offbook.training.process_group import ProcessGroup
from tests.recorder import Recorder


class Heard:
    """A group whose other processes have told what they have."""

    rank = 0

    def __init__(self, *others: tuple[str, int, int]) -> None:
        self.texts = dict(enumerate(map(json.dumps, others), start=1))
        self.size = len(others) + 1

    def tell(self, _: str, text: str) -> None:
        host, threads, cores = json.loads(text)
        self.texts[0] = json.dumps(["here", threads, cores])
        assert host
        assert (threads, cores) == (torch.get_num_threads(), environment.usable_cores())

    def read(self, _: str, rank: int) -> str:
        return self.texts[rank]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([("here", 1, 2)], []),
        ([("there", 4, 4), ("there", 4, 4)], ["2 processes have 8 threads together, and there has 4 cores", "=2 "]),
        ([("there", 1, 1), ("there", 1, 1)], []),  # a core short, but no thread that could be spared
    ],
)
def test_more_threads_than_cores(
    others: list[tuple[str, int, int]], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(environment, "usable_cores", lambda: 2)
    reporter = Recorder()
    joining._warn_of_busy_cores(cast("ProcessGroup", Heard(*others)), reporter)
    assert len(reporter.warnings) == bool(expected)
    assert all(part in reporter.warnings[0] for part in expected)
