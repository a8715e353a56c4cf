"""A scene in the terminal: several characters and the user in one conversation; it knows no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from offbook.cli.chat_session import Leave
from offbook.core.atomic import atomic_write_text
from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.progress import fill
from offbook.core.scene import RULES, Scene, match_name
from offbook.core.shell import offbook_command

SpeakFn = Callable[[Scene, str], Iterator[str]]
"""(the scene, whose turn it is) → that character's next line, piece by piece."""

HELP = marked("""\
Say something, or (what happens) in parentheses. Enter alone lets the scene go on without you.
/ask NAME     let one of them speak
/leave NAME   one of them goes          /enter NAME   and comes back
/rule NAME    who answers: addressed, round or named
/again        the last line once more   /save FILE    the scene as a script
/quit         leave""")


class SceneScreen(Protocol):
    """Where a scene is shown."""

    def note(self, text: str) -> None:
        """Show a remark that is no part of the scene."""
        ...

    def reply(self, name: str, pieces: Iterator[str]) -> str:
        """Show a line as it comes, and return it; Ctrl-C ends it, and what came so far is returned."""
        ...


class SceneSession:
    """What the user does in a scene.

    Args:
        scene: who is in it.
        generate: lets a character speak.
        screen: where it is shown.
    """

    def __init__(self, scene: Scene, generate: SpeakFn, screen: SceneScreen) -> None:
        self.scene = scene
        self._speak = generate
        self._screen = screen
        self._commands: dict[str, Callable[[str], None]] = {
            "/ask": self._ask,
            "/leave": scene.leave,
            "/enter": scene.enter,
            "/rule": self._rule,
            "/again": self._again,
            "/save": self._save,
            "/help": lambda _: screen.note(translate(HELP)),
            "/quit": self._quit,
        }

    @property
    def commands(self) -> list[str]:
        """What may stand at the beginning of an input line."""
        return list(self._commands)

    def handle(self, text: str) -> None:
        """Take what the user typed.

        Raises:
            Leave: the user leaves.
        """
        text = text.strip()
        name, _, rest = text.partition(" ")
        if text.startswith("/"):
            command = self._commands.get(name)
            if command is None:
                self._screen.note(fill("There is no {name}. /help lists the commands.", {"name": name}))
                return
            try:
                command(rest.strip())
            except UsageError as error:
                self._screen.note(str(error))
            return
        if text:
            self.scene.add_line(self.scene.user, text)
        for speaker in self.scene.next_speakers():
            self._line(speaker)

    def _line(self, name: str) -> None:
        text = self._screen.reply(name, self._speak(self.scene, name)).strip()
        if text:
            self.scene.add_line(name, text)

    def _ask(self, name: str) -> None:
        self._line(match_name(name, self.scene.present))

    def _again(self, _: str) -> None:
        if not self.scene.lines or self.scene.lines[-1].speaker not in self.scene.cast:
            raise UsageError("no character has spoken last", "Say something first.")
        self._line(self.scene.lines.pop().name)

    def _rule(self, name: str) -> None:
        rule = next((rule for rule in RULES if rule == name), None)
        if rule is None:
            raise UsageError("there is no rule '{name}'", "Rules: {rules}.", name=name, rules=", ".join(RULES))
        self.scene.rule = rule

    def _save(self, name: str) -> None:
        if not name:
            raise UsageError("no file is named", "Name one: /save scene.txt")
        atomic_write_text(Path(name).expanduser(), self.scene.script())
        extraction = offbook_command("extract", name, "--role", "NAME", "--out", "lines.jsonl")
        self._screen.note(fill("Saved. Its lines become rows: {command}", {"command": extraction}))

    def _quit(self, _: str) -> None:
        raise Leave


def play(runs: Sequence[str], *, user: str, base_model: str | None, template: str | None) -> None:
    """Play a scene with the characters of some runs until the user leaves."""
    from offbook.cli.chat_screen import ChatScreen, open_input
    from offbook.cli.progress_bar import reporting
    from offbook.server.cast import Cast
    from offbook.server.cast_sources import CastSources
    from offbook.server.scene import speak_line, stage_names

    with reporting() as reporter:
        chosen = CastSources(runs, base_model=base_model, template=template, reporter=reporter)
        sources = chosen.resolve()
        chosen.announce_bases(sources)
        cast = Cast(chosen.open_base)
        cast.add(sources)
    models = stage_names([member.model for member in cast.members])

    def generate(scene: Scene, name: str) -> Iterator[str]:
        return (chunk.text for chunk in speak_line(models[name], scene, name))

    class Screen:
        def note(self, text: str) -> None:
            ChatScreen("").note(text)

        def reply(self, name: str, pieces: Iterator[str]) -> str:
            return ChatScreen(name).reply(pieces)

    session = SceneSession(Scene(user, list(models)), generate, Screen())
    session.handle("/help")
    read = open_input(None, session.commands)
    try:
        while True:
            try:
                session.handle(read(""))
            except KeyboardInterrupt:
                session.handle("/help")
    except (EOFError, Leave):
        pass
    finally:
        cast.abort_all()
        cast.close()
