"""The launcher's variables are understood, and nobody after us sees them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from offbook.core.errors import UsageError
from offbook.core.launch import Launch, launched

TORCHRUN = {
    **{"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "1"},
    **{"MASTER_ADDR": "10.0.0.7", "MASTER_PORT": "29500", "TORCHELASTIC_USE_AGENT_STORE": "True"},
    **{"TORCHELASTIC_RESTART_COUNT": "2"},
}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    launched.cache_clear()
    yield
    launched.cache_clear()


def test_alone_where_nobody_launched() -> None:
    assert launched() == Launch()


def test_torchruns_variables_are_taken_away() -> None:
    os.environ.update(TORCHRUN, ACCELERATE_USE_CPU="true")
    assert launched() == Launch(3, 4, "10.0.0.7", 29500, agent_listens=True, restarts=2)
    assert not {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "ACCELERATE_USE_CPU"} & set(os.environ)
    assert launched().rank == 3


@pytest.mark.parametrize(("given", "kept"), [(None, "1"), ("4,6", "6"), ("4", "4")])
def test_each_process_sees_its_own_gpu(given: str | None, kept: str) -> None:
    os.environ.update(TORCHRUN)
    if given is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = given
    launched()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == kept


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"MASTER_ADDR": None}, "MASTER_ADDR is not set"),
        ({"RANK": "4"}, "make no sense: RANK=4, WORLD_SIZE=4"),
        ({"MASTER_PORT": "http"}, "MASTER_PORT=http"),
    ],
)
def test_what_makes_no_sense_is_said(changes: dict[str, str | None], sentence: str) -> None:
    for name, value in {**TORCHRUN, **changes}.items():
        if value is not None:
            os.environ[name] = value
    with pytest.raises(UsageError, match=sentence):
        launched()
