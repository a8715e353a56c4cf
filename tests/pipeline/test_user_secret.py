"""The secret that tells this user's files from those that somebody has sent."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from offbook.pipeline.user_secret import signature


def test_a_signature_is_this_user_s_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "ann"))
    first = signature("a text")
    assert (signature("a text"), len(first)) == (first, 64)
    assert signature("another text") != first
    (path,) = (tmp_path / "ann").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "bob"))
    assert signature("a text") != first


def test_several_that_begin_at_once_have_one_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path))
    seen: list[str] = []
    threads = [threading.Thread(target=lambda: seen.append(signature("x"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1
