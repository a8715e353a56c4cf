"""Files of a run that somebody put something else in the place of."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offbook.cli.run_summary import run_summary
from offbook.core.errors import UsageError
from offbook.core.json_file import read_or_empty
from offbook.core.metrics_log import read
from offbook.core.rundir import RunDir
from offbook.core.text_file import read_text
from offbook.data.row_files import load_rows

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("put", [os.mkfifo, device, Path.mkdir])
def test_what_never_ends_is_not_read(tmp_path: Path, put: Callable[[Path], Any]) -> None:
    put(tmp_path / "x")
    with pytest.raises(OSError, match="No such file"):
        read_text(tmp_path / "x")
    assert read_or_empty(tmp_path / "x", dict) == {}
    assert read(tmp_path / "x") == []
    with pytest.raises(UsageError, match="x cannot be read: No such file"):
        load_rows(tmp_path / "x")


@pytest.mark.parametrize("name", ["metrics.jsonl", "eval.json", "environment.json", "data/heldout.jsonl"])
def test_a_pipe_in_one_runs_folder_does_not_stop_the_list_of_all(tmp_path: Path, name: str) -> None:
    run = RunDir(tmp_path / "a")
    (run.path / "data").mkdir(parents=True)
    run.config.write_text("name: a\n")
    run.metrics.write_text('{"step": 0, "heldout_loss": 4.0}\n')
    (run.path / name).unlink(missing_ok=True)
    os.mkfifo(run.path / name)
    assert run_summary(run)["name"] == "a"


@pytest.mark.parametrize("damage", ["[1]\n", "{}\n", "x\n", '{"messages": [3], "source": {}}\n', "[" * 9999 + "\n"])
def test_rows_that_are_damaged_are_named(tmp_path: Path, damage: str) -> None:
    (tmp_path / "rows.jsonl").write_text(damage)
    with pytest.raises(UsageError, match=r"rows\.jsonl cannot be read"):
        load_rows(tmp_path / "rows.jsonl")
