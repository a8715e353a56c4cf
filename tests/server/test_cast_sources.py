"""Who is served: runs by name, folders of runs, and what happens in a folder while it is watched."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.core.progress import NullReporter
from offbook.server.cast import Cast
from offbook.server.cast_sources import CastSources, CastWatcher
from offbook.server.run_folders import version
from tests.server.test_cast import fake


class Notes(NullReporter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, event: Any) -> None:
        self.texts.append(str(event.as_dict().get("text")))


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    for name in ("ann", "ben"):
        copied(trained, tmp_path / "cast" / name)
    return tmp_path / "cast"


def copied(trained: Path, to: Path) -> Path:
    return shutil.copytree(trained, to, ignore=shutil.ignore_patterns("export", "checkpoints"))


def names(*runs: Path | str, **options: Any) -> list[str]:
    return [source.name for source in CastSources([str(run) for run in runs], **options).resolve()]


def test_runs_folders_of_runs_and_all(folder: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names(folder / "ben") == ["ben"]
    assert names(folder) == ["ann", "ben"]
    assert names(folder / "ben" / "adapter", folder) == ["ben", "ann"], "one that is named twice is one"
    (folder / "notes").mkdir()
    monkeypatch.setenv("OFFBOOK_RUNS", str(folder))
    assert names(everything=True) == ["ann", "ben"]
    assert names(str(trained), everything=True) == ["tiny", "ann", "ben"]


def test_two_of_one_name_and_none_at_all(folder: Path, trained: Path, tmp_path: Path) -> None:
    other = copied(trained, tmp_path / "elsewhere" / "ann")
    with pytest.raises(UsageError, match="two characters are named 'ann'"):
        names(folder, other)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no finished run in .*empty"):
        names(tmp_path / "empty")


def test_clients_name_runs_and_no_paths(folder: Path) -> None:
    sources = CastSources([str(folder)])
    assert sources.run_of("ann").adapter == folder / "ann" / "adapter"
    for name in ("../cast/ann", str(folder / "ann"), "..", ""):
        with pytest.raises(UsageError, match="is not the name of a run"):
            sources.run_of(name)
    with pytest.raises(UsageError, match="no finished run 'cleo'"):
        sources.run_of("cleo")


def test_a_watched_folder_is_followed(folder: Path, trained: Path) -> None:
    notes = Notes()
    sources = CastSources([str(folder)], reporter=notes)
    cast = Cast(lambda _: fake())
    watcher = CastWatcher(cast, sources)
    cast.add(sources.resolve(), version)
    ann = cast.members[0]
    watcher.look()
    assert cast.members[0] is ann, "nothing has changed"

    copied(trained, folder / "cleo")
    watcher.look()
    assert [member.model.name for member in cast.members] == ["ann", "ben", "cleo"]

    weights = folder / "ann" / "adapter" / "adapter_model.safetensors"
    shutil.copy(weights, weights.with_name("new"))
    weights.with_name("new").rename(weights)
    watcher.look()
    assert cast.find("ann")[0] is not ann, "a new adapter takes the old one's place"

    shutil.rmtree(folder / "ben")
    watcher.look()
    assert [member.model.name for member in cast.members] == ["ann", "cleo"]
    assert "ben has left" in notes.texts
    cast.close()


def test_a_run_that_cannot_be_opened_is_told_once_and_tried_again_when_it_has_changed(folder: Path) -> None:
    notes = Notes()
    sources = CastSources([str(folder)], reporter=notes)
    cast = Cast(lambda _: fake())
    persona = folder / "ben" / "adapter" / "persona.json"
    original = persona.read_text()
    persona.write_text("{")
    watcher = CastWatcher(cast, sources)
    watcher.look()
    watcher.look()
    assert [member.model.name for member in cast.members] == ["ann"]
    assert sum("is not served" in text for text in notes.texts) == 1
    persona.write_text(original)
    watcher.look()
    assert [member.model.name for member in cast.members] == ["ann", "ben"]
    cast.close()


def test_several_bases_are_told_with_their_memory_and_refused_where_there_is_none(
    folder: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = Notes()
    sources = CastSources([str(folder)], reporter=notes)
    sources_found = sources.resolve()
    sources.announce_bases(sources_found)
    assert notes.texts == [], "one base alone is no news"
    other = shutil.copytree(tiny, tmp_path / "other")
    sources_found[1].__dict__["base_model"] = type(sources_found[1].base_model)(other, str(other), "", {})
    sources.announce_bases(sources_found)
    assert any("2 base models side by side" in text for text in notes.texts)
    assert any("for ben" in text for text in notes.texts)
    monkeypatch.setattr("psutil.virtual_memory", _Free)
    with pytest.raises(UsageError, match="2 base models take"):
        sources.announce_bases(sources_found)
    sources._bases.add(tiny)
    with pytest.raises(UsageError, match=r"other takes .* are free"):
        sources.open_base([sources_found[1]])


class _Free:
    available = 1000
