"""The folder of a studio: names, the lock, and what a kill has left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.studio.workspace import Workspace, checked_name, free_name


def test_one_studio_at_a_time_and_leftovers_go(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.sources.mkdir()
    (workspace.sources / ".tmp-play.txt.1.2").write_text("half")
    (workspace.sources / "play.txt").write_text("ANN: Hi.")
    (workspace.characters / ".tmp-Ann").mkdir(parents=True)
    with workspace.locked():
        assert [path.name for path in workspace.sources.iterdir()] == ["play.txt"]
        assert list(workspace.characters.iterdir()) == []
        workspace.address.write_text("http://127.0.0.1:1/")
        with pytest.raises(UsageError, match=r"127\.0\.0\.1:1"), Workspace(tmp_path).locked():
            pass
    with Workspace(tmp_path).locked():
        assert not workspace.address.exists()


def test_the_token_stays_and_is_nobody_else_s(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    token = workspace.token()
    assert Workspace(tmp_path).token() == token
    assert Workspace(tmp_path / "other").token() != token
    assert os.stat(workspace.state / "token").st_mode & 0o077 == 0  # noqa: PTH116


@pytest.mark.parametrize(
    "name", ["a/b", "..", ".a", "a\nb", "nul", "a:b", "", "x" * 151, "\ud800", "a\u202etxt.exe", "a\x7f"]
)
def test_names_that_some_system_cannot_have(name: str) -> None:
    with pytest.raises(UsageError):
        checked_name(name)


def test_a_free_name_has_a_number_before_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    assert free_name(tmp_path, "a.txt").name == "a (2).txt"
    assert free_name(tmp_path, "a.txt", {"a (2).txt"}).name == "a (3).txt"
    assert free_name(tmp_path, "b").name == "b"
