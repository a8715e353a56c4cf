"""A checkpoint is whole or it does not count."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from offbook.training import checkpoint
from offbook.training.checkpoint import CheckpointStore


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    store = CheckpointStore(tmp_path, {"data_sha256": "x"})
    for step in (1, 5, 10):
        with store.write(step) as place:
            (place / "adapter.bin").write_bytes(bytes(range(256)) * step)
            (place / "state.json").write_text(json.dumps({"step": step}))
    return tmp_path


def test_the_newest_whole_one_is_found(folder: Path) -> None:
    result, faults = CheckpointStore(folder).newest()
    assert result is not None
    assert result.name == "step-000010"
    assert faults == []
    manifest = checkpoint.verify(result)
    assert (manifest["step"], manifest["data_sha256"]) == (10, "x")


def test_a_writer_that_fails_leaves_nothing(folder: Path) -> None:
    with pytest.raises(RuntimeError), CheckpointStore(folder).write(15) as place:
        (place / "half").write_text("x")
        raise RuntimeError
    assert sorted(path.name for path in folder.iterdir()) == ["step-000001", "step-000005", "step-000010"]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *itertools.product(("adapter.bin", "state.json"), ("empty", "half", "last byte", "flipped bit", "deleted")),
        *itertools.product((checkpoint.MANIFEST,), ("empty", "half", "deleted")),
    ],
)
def test_5_6_7_a_damaged_file_sends_it_to_the_one_before(folder: Path, name: str, damage: Any) -> None:
    path = folder / "step-000010" / name
    original = path.read_bytes()
    middle = len(original) // 2
    flipped = original[:middle] + bytes([original[middle] ^ 1]) + original[middle + 1 :]
    content = {"empty": b"", "half": original[:middle], "last byte": original[:-1], "flipped bit": flipped}.get(damage)
    path.unlink() if content is None else path.write_bytes(content)
    result, faults = CheckpointStore(folder).newest()
    assert result is not None
    assert result.name == "step-000005"
    assert name in faults[0] or "manifest" in faults[0]


def test_rotation_keeps_the_newest_and_never_trusts_it_unread(folder: Path) -> None:
    CheckpointStore(folder, keep=2).rotate()
    assert sorted(path.name for path in folder.iterdir()) == ["step-000005", "step-000010"]
    (folder / "step-000010" / "adapter.bin").write_bytes(b"")
    with pytest.raises(ValueError, match=r"adapter\.bin is damaged"):
        CheckpointStore(folder, keep=1).rotate()
    assert (folder / "step-000005").is_dir()


def test_leftovers_of_a_killed_writer_are_cleared(folder: Path) -> None:
    for name in (".tmp-step-000020", ".old-step-000001"):
        (folder / name).mkdir()
    CheckpointStore(folder).clear_leftovers()
    assert sorted(path.name for path in folder.iterdir()) == ["step-000001", "step-000005", "step-000010"]


def damage(folder: Path, step: Any) -> None:
    (CheckpointStore(folder).folder(step) / "adapter.bin").write_bytes(b"")


def test_6_7_what_a_checkpoint_requires_is_preferred_and_no_condition(folder: Path) -> None:
    damage(folder, 5)
    required_step = {1: None, 5: 5, 10: 5}.get
    result, faults = CheckpointStore(folder).newest(required_step)
    assert result == CheckpointStore(folder).folder(1)
    damage(folder, 1)
    result, more = CheckpointStore(folder).newest(required_step)
    assert result == CheckpointStore(folder).folder(10)
    assert [fault.split(":")[0] for fault in (*faults, *more)] == ["step-000005", "step-000005", "step-000001"]


def test_9_a_whole_one_is_set_aside_until_the_run_comes_by_there_again(folder: Path) -> None:
    original = (folder / "step-000010" / "adapter.bin").read_bytes()
    damage(folder, 5)
    CheckpointStore(folder).set_aside_after(1)
    assert sorted(path.name for path in folder.iterdir()) == ["passed-step-000010", "step-000001"]
    for step in (6, 12):
        assert (folder / "passed-step-000010" / "adapter.bin").read_bytes() == original
        with CheckpointStore(folder).write(step) as place:
            (place / "adapter.bin").write_bytes(b"x")
    assert sorted(path.name for path in folder.iterdir()) == ["step-000001", "step-000006", "step-000012"]


def test_9_damaged_ones_beyond_the_resume_do_not_stop_the_next_rotation(folder: Path) -> None:
    (folder / "step-000010" / "adapter.bin").write_bytes(b"")
    CheckpointStore(folder).set_aside_after(5)
    with CheckpointStore(folder).write(6) as place:
        (place / "adapter.bin").write_bytes(b"x")
    CheckpointStore(folder, keep=2).rotate()
    assert sorted(path.name for path in folder.iterdir()) == ["step-000005", "step-000006"]


def test_9_a_checkpoint_that_made_way_comes_back(folder: Path) -> None:
    (folder / "step-000010").rename(folder / ".old-step-000010")
    CheckpointStore(folder).clear_leftovers()
    result, faults = CheckpointStore(folder).newest()
    assert result is not None
    assert (result.name, faults) == ("step-000010", [])


def test_the_protected_step_outlives_every_rotation(folder: Path) -> None:
    CheckpointStore(folder, keep=1, protected_step=lambda: 1).rotate()
    assert sorted(path.name for path in folder.iterdir()) == ["step-000001", "step-000010"]
    CheckpointStore(folder, keep=1, protected_step=lambda: None).rotate()
    assert sorted(path.name for path in folder.iterdir()) == ["step-000010"]
