"""Downloads are counted in the folder that they are written to."""

import time
from pathlib import Path

import pytest

from offbook.core.progress import Progress
from offbook.hub import arrival
from offbook.hub.arrival import counting_bytes, tell_bytes
from tests.recorder import Recorder


def test_what_grows_in_a_folder_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "POLL_SECONDS", 0.01)
    reporter = Recorder()
    with counting_bytes(tmp_path, 4_000_000, reporter):
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "x.incomplete").write_bytes(bytes(3_000_000))
        deadline = time.monotonic() + 5
        # The file may be counted before it is written to its end.
        while not any(isinstance(event, Progress) and event.done == 3_000_000 for event in reporter.events):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    done = [event for event in reporter.events if isinstance(event, Progress)]
    assert (done[-1].done, done[-1].total, done[-1].unit) == (3_000_000, 4_000_000, "byte")


def test_nothing_is_told_where_the_size_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "POLL_SECONDS", 0.001)
    reporter = Recorder()
    with counting_bytes(tmp_path, 0, reporter):
        time.sleep(0.02)
    assert not reporter.events


def test_more_than_was_announced_is_no_more_than_all() -> None:
    reporter = Recorder()
    tell_bytes(reporter, 7_000_000, 5_000_000)
    (event,) = reporter.events
    assert isinstance(event, Progress)
    assert (event.done, event.total) == (5_000_000, 5_000_000)
