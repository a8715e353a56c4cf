"""Files that a command is told to write: nothing of somebody else's is overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.core.outputs import refuse_foreign


def test_only_a_new_file_or_the_commands_own_is_written(tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    refuse_foreign(place, "--html", lambda path: False)
    place.write_text("mine")
    refuse_foreign(place, "--html", lambda path: path.read_text() == "mine")
    with pytest.raises(UsageError, match="did not write it"):
        refuse_foreign(place, "--html", lambda path: False)


def test_a_folder_and_a_pipe_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place, kind in ((tmp_path, "a folder"), (tmp_path / "pipe", "a device or a pipe")):
        with pytest.raises(UsageError, match=kind):
            refuse_foreign(place, "--out", lambda path: True)
