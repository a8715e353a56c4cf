"""A conversation in the terminal: turns, settings, and the commands that begin with a slash; it knows no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from offbook.cli import chat_log
from offbook.cli.chat_log import ChatLog, WrittenFiles
from offbook.cli.chat_settings import SEED, changed, parse_seed
from offbook.core.atomic import atomic_write_json, atomic_write_text
from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.persona import Persona
from offbook.core.progress import fill
from offbook.core.system_errors import system_reason
from offbook.core.types import Turn


class SpeakerFactory(Protocol):
    """Whatever answers: the character, or its base model."""

    @property
    def persona(self) -> Persona:
        """The character's persona."""
        ...

    @property
    def forgotten(self) -> int:
        """Oldest messages of the conversation that the last prompt had no room for."""
        ...

    def stream(self, turns: list[Turn], *, base: bool, settings: GenerationConfig, seed: int | None) -> Iterator[str]:
        """The reply to the last turn, piece by piece."""
        ...


class Screen(Protocol):
    """Where a session shows things."""

    def note(self, text: str) -> None:
        """Show a remark that is no part of the conversation."""
        ...

    def turn(self, turn: Turn) -> None:
        """Show a whole turn."""
        ...

    def reply(self, pieces: Iterator[str]) -> str:
        """Show a reply as it comes, and return it; Ctrl-C ends it, and what came so far is returned."""
        ...


class Leave(Exception):
    """The user leaves."""


@dataclass(frozen=True)
class ChatCommand:
    """A command that begins with a slash."""

    run: Callable[[ChatSession, str], None]
    usage: str
    summary: str


class ChatSession:
    """The state of a conversation.

    Args:
        speaker: who answers.
        screen: where it is shown.
        log: where it is kept.
        base: whether the base model answers, instead of the character.
        settings: how replies are sampled.
        seed: of the first reply; None draws afresh each time.
    """

    def __init__(
        self,
        speaker: SpeakerFactory,
        screen: Screen,
        log: ChatLog,
        *,
        base: bool = False,
        settings: GenerationConfig | None = None,
        seed: int | None = None,
    ) -> None:
        self.speaker = speaker
        self.screen = screen
        self.log = log
        self.base = base
        self.settings = settings or speaker.persona.generation
        self.seed = seed
        self.system: str | None = None
        """A system prompt in place of the persona's; None leaves the persona's."""
        self.turns: list[Turn] = []
        self.draft = ""
        """Text that the next input line begins with."""
        self._written = WrittenFiles()
        self._forgotten = 0

    def open(self) -> None:
        """Begin a conversation: the character's greeting, if it has one."""
        self.log = ChatLog(self.log.folder)
        greeting = self.speaker.persona.greeting
        self.turns = [] if greeting is None else [Turn("assistant", greeting)]
        for turn in self.turns:
            self.screen.turn(turn)

    def resume(self, path: Path) -> None:
        """Go on with a saved conversation.

        Raises:
            UsageError: the file holds none.
        """
        self.turns, self.system = chat_log.read(path)
        for turn in self.turns:
            self.screen.turn(turn)

    def handle(self, text: str) -> None:
        """Take what the user typed: a command, or something to say.

        Raises:
            Leave: the user leaves.
        """
        text = text.strip()
        name, _, rest = text.partition(" ")
        if not text:
            return
        if text.startswith("/") and "\n" not in name:
            command = COMMANDS.get(name)
            if command is None:
                self.screen.note(
                    fill(
                        "There is no {name}. /help lists the commands; a message cannot begin with a slash.",
                        {"name": name},
                    )
                )
                return
            try:
                command.run(self, rest.strip())
            except UsageError as error:
                self.screen.note(str(error))
            return
        self._say(text)

    def _say(self, text: str) -> None:
        """Say something, and let the speaker answer."""
        self.turns.append(Turn("user", text))
        self._keep()
        try:
            self._answer()
        except UsageError as error:
            self.turns.pop()
            self._keep()
            self.draft = text
            self.screen.note(str(error))

    def _answer(self) -> None:
        """Let the speaker answer the last turn, and keep the conversation."""
        system = [] if self.system is None else [Turn("system", self.system)]
        pieces = self.speaker.stream([*system, *self.turns], base=self.base, settings=self.settings, seed=self.seed)
        self._tell_forgotten()
        reply = self.screen.reply(pieces)
        if reply:
            self.turns.append(Turn("assistant", reply))
        if self.seed is not None:
            self.seed = (self.seed + 1) % 2**32
        self._keep()

    def _tell_forgotten(self) -> None:
        """Say so when the context has no more room for what was said first."""
        count = self.speaker.forgotten
        if count > self._forgotten:
            fields = {"name": self.speaker.persona.name, "count": count}
            self.screen.note(
                fill("{name} no longer remembers the oldest {count} messages: the context is full.", fields)
            )
        self._forgotten = count

    def _keep(self) -> None:
        try:
            self.log.write(self.turns, self.system)
        except OSError as error:
            self.screen.note(
                fill(
                    "This conversation cannot be kept ({reason}); /save FILE puts it elsewhere.",
                    {"reason": system_reason(error)},
                )
            )

    def _take_back(self) -> str | None:
        """Remove the last thing the user said, with the reply to it; None if nothing was said."""
        user_turns = [index for index, turn in enumerate(self.turns) if turn.role == "user"]
        if not user_turns:
            self.screen.note(translate("Nothing has been said yet."))
            return None
        text = self.turns[user_turns[-1]].text
        del self.turns[user_turns[-1] :]
        return text

    def retry(self, rest: str) -> None:
        """Answer the last message again."""
        text = self._take_back()
        if text is not None:
            self._say(text)

    def edit(self, rest: str) -> None:
        """Take the last message back into the input line; text behind the command replaces it at once."""
        text = self._take_back()
        if text is None:
            return
        if rest:
            self._say(rest)
        else:
            self._keep()
            self.draft = text

    def undo(self, rest: str) -> None:
        """Remove the last message and its reply."""
        text = self._take_back()
        if text is not None:
            self._keep()
            self.screen.note(fill("Removed: {text}", {"text": text}))

    def toggle_base(self, rest: str) -> None:
        """Let the base model answer, or the character again."""
        self.base = not self.base
        name = translate("The base model") if self.base else self.speaker.persona.name
        self.screen.note(fill("{name} answers now. /retry compares, /base changes back.", {"name": name}))

    def set_system(self, rest: str) -> None:
        """Show the system prompt, or replace it; `-` restores the character's own."""
        if rest == "-":
            self.system = None
        elif rest:
            self.system = rest
        prompt = self.system or self.speaker.persona.system or translate("(none)")
        self.screen.note(fill("System prompt: {prompt}", {"prompt": prompt}))

    def set_option(self, rest: str) -> None:
        """Show how replies are sampled, or change one setting."""
        name, _, value = rest.replace("=", " ").partition(" ")
        if name == SEED and value.strip():
            self.seed = parse_seed(value.strip())
        elif name and value.strip():
            self.settings = changed(self.settings, name, value.strip())
        values = {**self.settings.model_dump(), SEED: "random" if self.seed is None else self.seed}
        self.screen.note("  ".join(f"{key} {shown}" for key, shown in values.items()))

    def save(self, rest: str) -> None:
        """Write the conversation to a file that /load reads."""
        path = Path(rest or "conversation.json").expanduser()
        self._written.claim(path)
        atomic_write_json(path, chat_log.as_json(self.turns, self.system))
        self.screen.note(fill("Saved to {path}.", {"path": path}))

    def load(self, rest: str) -> None:
        """Go on with a saved conversation."""
        if not rest:
            raise UsageError("/load needs a file", "For example: /load conversation.json")
        turns, system = chat_log.read(Path(rest).expanduser())
        self.log = ChatLog(self.log.folder)
        self.turns, self.system = turns, system
        for turn in turns:
            self.screen.turn(turn)

    def export(self, rest: str) -> None:
        """Write the conversation for people (.md, .txt) or as a row to train on (.jsonl)."""
        path = Path(rest or "conversation.md").expanduser()
        text = chat_log.export_text(self.turns, self.names, path.suffix)
        self._written.claim(path)
        atomic_write_text(path, text)
        self.screen.note(fill("Exported to {path}.", {"path": path}))

    @property
    def names(self) -> dict[str, str]:
        """Who speaks, by role."""
        return {"user": translate("You"), "assistant": self.speaker.persona.name}

    def show_help(self, rest: str) -> None:
        """List the commands."""
        width = max(len(command.usage) for command in COMMANDS.values())
        lines = [f"{command.usage:<{width}}  {translate(command.summary)}" for command in COMMANDS.values()]
        keys = translate("Enter sends, Alt-Enter begins a new line, Ctrl-C stops a reply, Ctrl-D leaves.")
        self.screen.note("\n".join([*dict.fromkeys(lines), keys]))

    def leave(self, rest: str) -> None:
        """Leave.

        Raises:
            Leave: always.
        """
        raise Leave


COMMANDS = {
    "/help": ChatCommand(ChatSession.show_help, "/help", marked("list the commands")),
    "/retry": ChatCommand(ChatSession.retry, "/retry", marked("another reply to the last message")),
    "/edit": ChatCommand(ChatSession.edit, "/edit [TEXT]", marked("change the last message and send it again")),
    "/undo": ChatCommand(ChatSession.undo, "/undo", marked("remove the last message and its reply")),
    "/base": ChatCommand(ChatSession.toggle_base, "/base", marked("let the base model answer, or the character again")),
    "/system": ChatCommand(
        ChatSession.set_system, "/system [TEXT|-]", marked("show, replace or (-) restore the system prompt")
    ),
    "/set": ChatCommand(ChatSession.set_option, "/set [NAME VALUE]", marked("show or change how replies are sampled")),
    "/save": ChatCommand(ChatSession.save, "/save [FILE]", marked("write the conversation to a file")),
    "/load": ChatCommand(ChatSession.load, "/load FILE", marked("go on with a saved conversation")),
    "/export": ChatCommand(
        ChatSession.export, "/export [FILE]", marked("write it to read (.md, .txt) or to train on (.jsonl)")
    ),
    "/reset": ChatCommand(lambda session, rest: session.open(), "/reset", marked("start a new conversation")),
    "/quit": ChatCommand(ChatSession.leave, "/quit", marked("leave")),
    "/exit": ChatCommand(ChatSession.leave, "/quit", marked("leave")),
}
