"""What a run records of where it ran."""

import subprocess

import pytest

from offbook.core import environment


@pytest.mark.parametrize("failure", [subprocess.TimeoutExpired("git", 10), PermissionError("git")])
def test_a_git_that_does_not_answer_costs_the_run_nothing(monkeypatch, failure):
    def fails(*args, **kwargs):
        raise failure

    monkeypatch.setattr(environment.shutil, "which", lambda name: "/usr/bin/git")
    monkeypatch.setattr(environment.subprocess, "run", fails)
    assert environment._git_state() is None
