"""What a run records of where it ran."""

import shutil
import subprocess
from typing import Any

import pytest

from offbook.core import environment


@pytest.mark.parametrize("failure", [subprocess.TimeoutExpired("git", 10), PermissionError("git")])
def test_a_git_that_does_not_answer_costs_the_run_nothing(monkeypatch: pytest.MonkeyPatch, failure: Any) -> None:
    def fails(*args: Any, **kwargs: Any) -> None:
        raise failure

    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/git")
    monkeypatch.setattr(subprocess, "run", fails)
    assert environment._git_state() is None
