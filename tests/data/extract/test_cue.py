"""What every reader yields."""

import pytest

from offbook.data.extract import cue
from offbook.data.extract.cue import Scenes


def test_no_two_scenes_share_a_name() -> None:
    scenes = Scenes()
    names = []
    for heading in ["Scene I", "Scene II", "Scene I", "Scene I"]:
        scenes.enter(heading)
        names.append(scenes.current)
    assert names == ["Scene I", "Scene II", "Scene I (2)", "Scene I (3)"]


def test_only_the_last_names_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the memory would grow with the file."""
    monkeypatch.setattr(cue, "REMEMBERED", 2)
    scenes = Scenes()
    for heading in ["one", "two", "one", "three", "one", "two"]:
        scenes.enter(heading)
    assert scenes.current == "two"
    scenes.enter("one")
    assert scenes.current == "one (4)"
