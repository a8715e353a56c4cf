"""The model that is made on the spot."""

from __future__ import annotations

from pathlib import Path

import pytest

from offbook.core.config.loading import validate
from offbook.core.errors import UsageError
from offbook.hub.pull import pull
from offbook.pipeline.base_choices import choices
from offbook.recipes import demo_texts


def test_it_is_made_once_and_is_the_same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "one"))
    first = pull("builtin:tiny")
    made = {path.name: path.stat().st_mtime_ns for path in first.path.iterdir()}
    assert pull("builtin:tiny").path == first.path
    assert {path.name: path.stat().st_mtime_ns for path in first.path.iterdir()} == made
    assert [each.source for each in choices() if each.is_here] == ["builtin:tiny"]
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "two"))
    assert pull("builtin:tiny").files == first.files
    with pytest.raises(UsageError, match="no built-in model"):
        pull("builtin:large")


def test_its_name_is_no_path() -> None:
    config = validate({"model": {"source": "builtin:tiny"}, "data": {"source": "x"}})
    assert config.model.source == "builtin:tiny"


def test_the_demo_s_texts_are_short_scripts() -> None:
    assert list(demo_texts()) == ["Mira", "阿灯"]
    assert all(text.count(f"\n{name if name != 'Mira' else 'MIRA'}") >= 24 for name, text in demo_texts().items())
