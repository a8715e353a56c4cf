"""The run folder: whole or absent, found by name."""

from pathlib import Path
from typing import Any

import pytest

from offbook.core.atomic import atomic_dir, atomic_write_text
from offbook.core.errors import UsageError
from offbook.core.rundir import RunDir, find_run, list_runs, runs_root


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path))
    return tmp_path


def make_run(root: Any, name: str) -> Any:
    run = RunDir(root / name)
    run.path.mkdir()
    run.config.write_text("name: x\n")
    run.environment.write_text("{}\n")
    return run


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "adapter"
    with pytest.raises(RuntimeError), atomic_dir(target) as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    for content in ("one", "two"):
        with atomic_dir(target) as folder:
            (folder / "file").write_text(content)
            assert not (target / "file").exists() or (target / "file").read_text() != content
        assert (target / "file").read_text() == content
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.json"
    atomic_write_text(path, "a")
    atomic_write_text(path, "b")
    assert path.read_text() == "b"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.json"]


def test_runs_are_found_by_path_and_by_name(runs: Any) -> None:
    run = make_run(runs, "hamlet")
    assert find_run("hamlet").path == run.path
    assert find_run(run.path).path == run.path
    assert [result.name for result in list_runs()] == ["hamlet"]
    with pytest.raises(UsageError, match="did you mean 'hamlet'"):
        find_run("hamlett")


def test_a_name_means_the_run_and_a_folder_of_settings_is_none(runs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`offbook init hamlet` made ./hamlet, training made the run."""
    (runs / "here" / "hamlet").mkdir(parents=True)
    (runs / "here" / "hamlet" / "run.yaml").write_text("name: hamlet\n")
    (runs / "alone").mkdir()
    (runs / "alone" / "run.yaml").write_text("name: alone\n")
    monkeypatch.chdir(runs / "here")
    with pytest.raises(UsageError, match="has settings, but no run") as refused:
        find_run("hamlet")
    assert "offbook train -c hamlet/run.yaml" in refused.value.fix
    run = make_run(runs, "hamlet")
    assert find_run("hamlet").path == run.path
    assert [result.name for result in list_runs()] == ["hamlet"]
    monkeypatch.chdir(runs)
    monkeypatch.setenv("OFFBOOK_RUNS", str(runs / "elsewhere"))
    assert find_run("hamlet").path.resolve() == run.path


@pytest.mark.parametrize("kind", ["file", "loop"])
def test_where_runs_are_kept_is_a_folder_or_not_there_yet(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "runs"
    monkeypatch.setenv("OFFBOOK_RUNS", str(place))
    assert runs_root() == place
    if kind == "file":
        place.write_text("oats")
    else:
        place.symlink_to(place)
    with pytest.raises(UsageError, match="where runs are kept, is no folder"):
        runs_root()
