"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from offbook.core.atomic import atomic_dir, atomic_write_text, remove_stale


def test_a_link_laid_beside_the_target_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    target = tmp_path / "a.json"
    for name in (".tmp-a.json", f".tmp-a.json.{os.getpid()}.{threading.get_ident()}"):
        (tmp_path / name).symlink_to(victim)
    with pytest.raises(FileExistsError):
        atomic_write_text(target, "new")
    assert victim.read_text() == "precious"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    atomic_write_text(target, "old")
    with pytest.raises(UnicodeEncodeError):
        atomic_write_text(target, "half a character: \ud83d")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_leftovers_of_dead_writers_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    names = ("a.txt.999999999.1", f"a.txt.{os.getpid()}.1", "b.txt.9.9")
    dead, alive, other = (tmp_path / f".tmp-{name}" for name in names)
    for path in (dead, alive, other):
        path.write_text("")
    (tmp_path / ".tmp-a.txt.999999998.1").mkdir()
    remove_stale(target)
    assert sorted(tmp_path.iterdir()) == sorted([alive, other])


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    texts = [letter * 100_000 for letter in "abcd"]

    def write(text: str) -> None:
        for _ in range(10):
            atomic_write_text(target, text)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_text() in texts
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_appears_whole_or_stays_what_it_was(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with atomic_dir(target) as folder:
        (folder / "a").write_text("1")
    with pytest.raises(RuntimeError), atomic_dir(target) as folder:
        (folder / "b").write_text("2")
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [target]
