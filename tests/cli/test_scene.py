"""A scene in the terminal, with characters that say what they have heard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from offbook.cli.chat_session import Leave
from offbook.cli.scene import SceneSession
from offbook.core.scene import Scene


class Screen:
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.shown: list[tuple[str, str]] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def reply(self, name: str, pieces: Iterator[str]) -> str:
        self.shown.append((name, "".join(pieces)))
        return self.shown[-1][1]


def generate(scene: Scene, name: str) -> Iterator[str]:
    yield f"{name} heard "
    yield repr(scene.turns_for(name)[-1].text)


def session() -> tuple[SceneSession, Screen]:
    screen = Screen()
    return SceneSession(Scene("Tom", ["Ann", "Ben"]), generate, screen), screen


def test_the_one_who_is_addressed_answers_and_enter_lets_the_scene_go_on() -> None:
    it, screen = session()
    it.handle("Good evening, Ben.")
    it.handle("")
    assert screen.shown == [
        ("Ben", "Ben heard 'Tom: Good evening, Ben.'"),
        ("Ann", "Ann heard \"Tom: Good evening, Ben.\\nBen: Ben heard 'Tom: Good evening, Ben.'\""),
    ]


def test_it_is_steered_by_commands() -> None:
    it, screen = session()
    it.handle("/leave ann")
    it.handle("Ann, are you there?")
    assert [name for name, _ in screen.shown] == ["Ben"]
    it.handle("Ann enters.")
    assert [name for name, _ in screen.shown] == ["Ben", "Ann"]
    it.handle("/rule round")
    it.handle("(It rains.)")
    assert [name for name, _ in screen.shown] == ["Ben", "Ann", "Ann", "Ben"]
    it.handle("/ask Ann")
    before = len(it.scene.lines)
    it.handle("/again")
    assert (len(it.scene.lines), it.scene.lines[-1].name) == (before, "Ann")
    for wrong in ("/ask Tom", "/rule all", "/sing", "/leave Tom", "/save"):
        it.handle(wrong)
    assert len(screen.notes) == 5
    with pytest.raises(Leave):
        it.handle("/quit")


def test_it_is_saved_as_a_script(tmp_path: Path) -> None:
    it, screen = session()
    it.handle("Ann?")
    it.handle(f"/save {tmp_path / 'scene.txt'}")
    assert (tmp_path / "scene.txt").read_text(encoding="utf-8") == "Tom: Ann?\n\nAnn: Ann heard 'Tom: Ann?'\n\n"
    assert "offbook extract" in screen.notes[-1]
