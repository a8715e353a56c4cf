"""One writer at a time, and what a run wrote goes whole or stays whole."""

import errno
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from offbook.core import run_lock
from offbook.core.errors import OffbookError, UsageError
from offbook.core.run_lock import delete_outputs, held_bytes, locked, remove, training_lock
from offbook.core.rundir import RunDir, find_run, list_runs
from offbook.data.row_files import save_rows
from tests.core.test_rundir import make_run


@pytest.fixture
def runs(tmp_path: Path) -> Any:
    return tmp_path


def test_a_run_that_is_there_is_not_touched_unless_told(runs: Any) -> None:
    run = make_run(runs, "a")
    run.metrics.write_text("{}\n")
    with pytest.raises(UsageError, match="--resume"), training_lock(run, resume=False, overwrite=False):
        pass
    with training_lock(run, resume=True, overwrite=False):
        assert run.metrics.exists()
    run.adapter.mkdir()
    with pytest.raises(UsageError, match="finished"), training_lock(run, resume=True, overwrite=False):
        pass
    with training_lock(run, resume=False, overwrite=True):
        assert run.finished  # it goes when there is something to take its place


def old_run(root: Any, name: str) -> Any:
    """A run with a little of everything, and a file that is somebody else's."""
    run = make_run(root, name)
    run.metrics.write_text("{}\n")
    for folder in (run.adapter, run.checkpoints / "step-000001", run.exports, run.data):
        folder.mkdir(parents=True)
        (folder / "file").write_text(folder.name)
    (run.path / "lines.json").write_text("[]")
    return run


def contents(run: Any) -> Any:
    return {str(path.relative_to(run.path)): path.read_text() for path in run.path.rglob("*") if path.is_file()}


def test_what_is_cleared_is_the_runs_own(runs: Any) -> None:
    run = old_run(runs, "a")
    assert held_bytes(run) == len("{}\n{}\n") + len("adapter") + len("step-000001") + len("export")
    with locked(run):
        delete_outputs(run)
    assert sorted(contents(run)) == [".lock", "data/file", "lines.json", "run.yaml"]


def test_clearing_that_is_killed_leaves_all_or_nothing(runs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before each of its renames, and after the last."""
    rename, result = Path.rename, []
    for killed_at in range(20):
        run = old_run(runs, f"run-{killed_at}")
        expected, calls = contents(run), iter(range(20))

        def until_killed(path: Path, target: Any, last: Any = killed_at, calls: Any = calls) -> Any:
            if next(calls) == last:
                raise KeyboardInterrupt
            return rename(path, target)

        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(Path, "rename", until_killed)
            patch.setattr(shutil, "rmtree", lambda *args, **kwargs: None)
            delete_outputs(run)
        with locked(run):
            left = contents(run)
        del left[".lock"]
        assert left in (expected, {name: expected[name] for name in ("run.yaml", "lines.json", "data/file")})
        result.append(left == expected)
    assert result == sorted(result, reverse=True)
    assert {*result} == {True, False}


def test_a_run_under_way_is_said_to_run_and_neither_begun_nor_removed(runs: Any) -> None:
    run = make_run(runs, "a")
    run.metrics.write_text("{}\n")
    assert run.status == "stopped"
    with training_lock(run, resume=True, overwrite=False):
        assert run.status == "running"
        for act in (lambda: remove(run), lambda: training_lock(run, resume=False, overwrite=False).__enter__()):
            with pytest.raises(UsageError, match="being written by another process"):
                act()
        assert run.exists
    assert run.status == "stopped"
    run.writer.write_text("1 0")  # killed
    assert run.status == "stopped"


def test_a_run_is_removed_and_what_is_not_its_own_stays(runs: Any) -> None:
    run = old_run(runs, "a")
    (run.data / "train.jsonl").write_text("")
    assert [path.name for path in remove(run)] == ["data", "lines.json", "run.yaml"]
    assert sorted(contents(run)) == ["data/file", "lines.json", "run.yaml"]
    run = make_run(runs, "b")
    run.data.mkdir()
    (run.data / "train.jsonl").write_text("")
    assert remove(run) == []
    assert not run.path.exists()


def test_one_writer_and_a_dead_writers_lock_does_not_hold(runs: Any) -> None:
    run = RunDir(runs / "a")
    code = (
        "import sys, os\nfrom offbook.core.rundir import RunDir\n"
        "from offbook.core.run_lock import training_lock\n"
        f"with training_lock(RunDir({str(run.path)!r}), resume=True, overwrite=False):\n"
        "    print('in', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "in\n"
    with pytest.raises(UsageError, match=rf"PID {other.pid}"), training_lock(run, resume=True, overwrite=False):
        pass
    other.kill()
    other.communicate()
    with training_lock(run, resume=True, overwrite=False):
        assert run.writer.exists()
    assert not run.writer.exists()


def test_a_removal_that_is_killed_anywhere_is_listed_and_finished_by_the_next(
    runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFBOOK_RUNS", str(runs))
    rename, rmtree = Path.rename, shutil.rmtree
    finished = 0
    for killed_at in range(24):
        run = old_run(runs, f"run-{killed_at}")
        (run.data / "file").unlink()
        (run.data / "train.jsonl").write_text("")
        (run.path / "lines.json").unlink()
        calls = iter(range(100))

        def until_killed(act: Any, last: Any = killed_at, calls: Any = calls) -> Any:
            def counted(*args: Any, **kwargs: Any) -> Any:
                if next(calls) == last:
                    raise KeyboardInterrupt
                return act(*args, **kwargs)

            return counted

        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(Path, "rename", until_killed(rename))
            patch.setattr(shutil, "rmtree", until_killed(rmtree))
            remove(run)
            finished += 1
        if run.path.exists():
            assert find_run(run.name).path == run.path
            assert run.name in [each.name for each in list_runs()]
            assert remove(run) == []
        assert not run.path.exists()
    assert 0 < finished < 24


def test_what_a_link_in_a_run_points_to_is_not_written(runs: Any, tmp_path: Path) -> None:
    run = old_run(runs, "a")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (run.data / "train.jsonl").unlink(missing_ok=True)
    for link in (run.writer, run.data / "train.jsonl"):
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(victim)
    with training_lock(run, resume=False, overwrite=True):
        assert str(os.getpid()) in run.writer.read_text()
        save_rows([], run.data / "train.jsonl")
    assert victim.read_text() == "precious"


def test_a_run_that_is_a_link_is_not_emptied_through_it(runs: Any) -> None:
    run = old_run(runs, "a")
    expected = contents(run)
    link = RunDir(runs / "link")
    link.path.symlink_to(run.path)
    with pytest.raises(UsageError, match="is a link to"):
        remove(link)
    assert contents(run) == expected


def test_a_disk_that_fails_while_removing_is_told_and_the_next_attempt_goes_on(
    runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = old_run(runs, "a")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(run_lock, "sync", fail)
        with pytest.raises(OffbookError, match="could not delete all"):
            remove(run)
    assert run.exists
    assert [path.name for path in remove(run)] == ["data", "lines.json", "run.yaml"]
