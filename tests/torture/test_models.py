"""Every architecture of the table in docs/models.md: trained, talked to and exported on a tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest

from offbook.exporters import architectures
from tests.torture.architectures import ARCHITECTURES, try_architecture

pytestmark = pytest.mark.torture

BOUND = 1e-5
"""The largest difference of a gradient from plain peft's that rounding explains."""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_trains_and_is_exported(architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))
    row = try_architecture(architecture, tmp_path)
    assert row.train == "yes"
    assert row.merged == "yes"
    assert row.proved is not None
    assert row.proved <= BOUND
    if architecture in architectures.ARCHITECTURES:
        assert row.gguf == "yes"
        assert row.ollama == "yes"
