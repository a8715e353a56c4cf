"""A conversation in the terminal: its commands, its files, and the terminal itself in a pseudo-terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from click.testing import CliRunner

from offbook.cli import chat_log
from offbook.cli.chat import command
from offbook.cli.chat_log import ChatLog
from offbook.cli.chat_screen import WrappedWriter
from offbook.cli.chat_session import COMMANDS, ChatSession, Leave
from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.core.persona import BaseModelRef, Persona, StopToken
from offbook.core.types import Turn


def persona(greeting: str | None = None) -> Persona:
    return Persona(
        name="Mira",
        system="Be Mira.",
        greeting=greeting,
        stop_token=StopToken(token="</s>", id=2),
        generation=GenerationConfig(),
        base=BaseModelRef(source="m", revision=""),
    )


class Echo:
    """Answers with a number and the last message."""

    def __init__(self, greeting: str | None = None) -> None:
        self.persona = persona(greeting)
        self.forgotten = 0
        self.calls: list[dict[str, Any]] = []

    def stream(self, turns: list[Turn], **options: Any) -> Iterator[str]:
        self.calls.append({"turns": turns, **options})
        if turns[-1].text == "too long":
            raise UsageError("the message is too long")
        yield from (f"{len(self.calls)}", " ", turns[-1].text)


class Paper:
    """A screen that keeps what it shows."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.shown: list[Turn] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def turn(self, turn: Turn) -> None:
        self.shown.append(turn)

    def reply(self, pieces: Iterator[str]) -> str:
        return "".join(pieces)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ChatSession:
    monkeypatch.chdir(tmp_path)
    talk = ChatSession(Echo(), Paper(), ChatLog(tmp_path / "chats"))
    talk.open()
    return talk


def texts(session: ChatSession) -> list[str]:
    return [turn.text for turn in session.turns]


def last_note(session: ChatSession) -> str:
    assert isinstance(session.screen, Paper)
    return session.screen.notes[-1]


def test_it_is_said_when_the_oldest_messages_are_forgotten_and_again_when_more_are(session: ChatSession) -> None:
    assert isinstance(session.speaker, Echo)
    assert isinstance(session.screen, Paper)
    for forgotten in (0, 4, 4, 8):
        session.speaker.forgotten = forgotten
        session.handle("and then?")
    assert [note.split(":")[0] for note in session.screen.notes] == [
        f"{session.speaker.persona.name} no longer remembers the oldest {count} messages" for count in (4, 8)
    ]


def test_every_turn_is_kept_and_the_newest_conversation_goes_on(session: ChatSession, tmp_path: Path) -> None:
    session.handle("hello\nyou")
    session.handle("again")
    path = chat_log.newest(tmp_path / "chats")
    assert path is not None
    other = ChatSession(Echo(), Paper(), ChatLog(tmp_path / "chats", path))
    other.resume(path)
    assert other.turns == session.turns
    assert texts(other) == ["hello\nyou", "1 hello\nyou", "again", "2 again"]
    other.handle("third")
    assert [path] == list((tmp_path / "chats").iterdir())
    assert json.loads(path.read_text())["messages"][-1] == {"role": "assistant", "content": "1 third"}


def test_two_chats_never_write_over_each_other(tmp_path: Path) -> None:
    first, second = (ChatLog(tmp_path) for _ in range(2))
    first.write([Turn("user", "one")], None)
    second.write([Turn("user", "two")], None)  # within the same second
    assert first.path is not None
    third, fourth = (ChatLog(tmp_path, first.path) for _ in range(2))
    third.write([Turn("user", "one"), Turn("user", "three")], None)
    fourth.write([Turn("user", "one"), Turn("user", "four")], None)
    (tmp_path / "0000.json").touch()  # of a chat that was killed at its first turn
    assert chat_log.newest(tmp_path) == fourth.path
    kept = {json.loads(path.read_text())["messages"][-1]["content"] for path in tmp_path.glob("2*.json")}
    assert kept == {"two", "three", "four"}


def test_retry_edit_and_undo(session: ChatSession) -> None:
    session.handle("/undo")
    assert last_note(session) == "Nothing has been said yet."
    session.handle("one")
    session.handle("/retry")
    assert texts(session) == ["one", "2 one"]
    session.handle("/edit uno")
    assert texts(session) == ["uno", "3 uno"]
    session.handle("/edit")
    assert (texts(session), session.draft) == ([], "uno")
    session.handle("a")
    session.handle("b")
    session.handle("/undo")
    assert texts(session) == ["a", "4 a"]


def test_base_system_and_settings_reach_the_speaker(session: ChatSession) -> None:
    session.handle("/base")
    session.handle("/system You are a cat: #1")
    session.handle("/set temperature 0.25")
    session.handle("/set seed=7")
    session.handle("hi")
    session.handle("/base")
    session.handle("/system -")
    session.handle("ho")
    assert isinstance(session.speaker, Echo)
    first, second = session.speaker.calls
    assert first["turns"] == [Turn("system", "You are a cat: #1"), Turn("user", "hi")]
    assert (first["base"], first["settings"].temperature, first["seed"]) == (True, 0.25, 7)
    assert second["turns"][0] == Turn("user", "hi")
    assert (second["base"], second["seed"]) == (False, 8)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/set temperature hot", "temperature is hot: it should be a valid number"),
        ("/set temperature -1", "temperature is -1: it should be greater than or equal to 0"),
        ("/set warmth 1", "there is no setting warmth"),
        ("/set seed x", "seed is x: it should be a whole number, or random"),
        ("/nonsense", "There is no /nonsense"),
        ("/load", "/load needs a file"),
        ("/load none.json", "cannot read none.json"),
        ("/export talk.pdf", "cannot export to '.pdf'"),
        ("/save none/talk.json", "there is no folder none"),
    ],
)
def test_mistakes_are_explained_and_change_nothing(session: ChatSession, line: str, answer: str) -> None:
    session.handle("hi")
    before = (texts(session), session.settings, session.seed)
    session.handle(line)
    assert last_note(session).startswith(answer)
    assert (texts(session), session.settings, session.seed) == before


def test_save_never_writes_over_what_it_did_not_write(session: ChatSession, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("precious")
    (tmp_path / "link.json").symlink_to(tmp_path / "nowhere.json")
    session.handle("hi")
    for name in ("mine.json", "link.json"):
        session.handle(f"/save {name}")
        assert "already exists" in last_note(session)
    session.handle("/export mine.json.md")
    session.handle("/save talk.json")
    session.handle("more")
    session.handle("/save talk.json")
    assert (tmp_path / "mine.json").read_text() == "precious"
    assert not (tmp_path / "nowhere.json").exists()
    assert len(json.loads((tmp_path / "talk.json").read_text())["messages"]) == 4
    assert (tmp_path / "mine.json.md").read_text() == "**You:** hi\n\n**Mira:** 1 hi\n"


def test_what_is_saved_loads_again_with_its_system_prompt(session: ChatSession, tmp_path: Path) -> None:
    session.handle("/system Be a cat.")
    session.handle("hi")
    session.handle("/save talk.json")
    session.handle("/reset")
    assert texts(session) == []
    session.handle("/system -")
    session.handle("/load talk.json")
    assert (texts(session), session.system) == (["hi", "1 hi"], "Be a cat.")
    session.handle("/export rows.jsonl")
    row = json.loads((tmp_path / "rows.jsonl").read_text())
    assert [message["role"] for message in row["messages"]] == ["user", "assistant"]


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"messages": [{"role": "dog", "content": "w"}]}', "[" * 99999, "\x00"]
)
def test_a_file_that_holds_no_conversation_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(UsageError, match="holds no conversation"):
        chat_log.read(tmp_path / "x.json")


def test_a_message_that_does_not_fit_comes_back_into_the_line(session: ChatSession) -> None:
    session.handle("hi")
    session.handle("too long")
    assert texts(session) == ["hi", "1 hi"]
    assert session.draft == "too long"


def test_help_names_every_command_and_leaving_leaves(session: ChatSession) -> None:
    session.handle("/help")
    assert [name for name in COMMANDS if name != "/exit" and name not in last_note(session)] == []
    for word in ("/quit", "/exit"):
        with pytest.raises(Leave):
            session.handle(word)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_words_are_wrapped_however_the_pieces_fall(size: int) -> None:
    text = "The rest is silence, as it should be.\n臣妾给皇上请安，皇上万福金安。Antidisestablishmentarianism"
    lines: list[str] = []
    writer = WrappedWriter(lines.append, width=16, column=6)
    for start in range(0, len(text), size):
        writer.feed(text[start : start + size])
    writer.close()
    assert "".join(lines).splitlines() == [
        "The rest ",
        "is silence, as ",
        "it should be.",
        "臣妾给皇上请安，",
        "皇上万福金安。",
        "Antidisestablishmentarianism",
    ]


STAND_IN = """
import sys, time
from offbook.cli.chat_speaker import BackgroundLoad, CharacterSpeaker
from offbook.cli.main import main

def stream(self, turns, **options):
    count, seconds = (600, 0.1) if "on and on" in turns[-1].text else (3, 0)
    for number in range(count):
        yield f"word{number} "
        time.sleep(seconds)

BackgroundLoad._run = lambda self, load: self._future.set_result(None)
CharacterSpeaker.stream = stream
main(sys.argv[1:])
"""
"""The command line with a stand-in for the character, which speaks slowly if it is asked to speak on and on.

What a model says is not looked at here, and importing torch three times would take longer than all else.
"""


class Terminal:
    """`offbook chat` in a pseudo-terminal, with a stand-in for the character."""

    def __init__(self, run: Path, *options: str) -> None:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "TERM": "xterm",
            "PROMPT_TOOLKIT_NO_CPR": "1",
            "OFFBOOK_RUNS": str(run.parent),
        }
        self.process = pexpect.spawn(
            sys.executable,
            ["-c", STAND_IN, "chat", str(run), *options],
            env=environment,
            encoding="utf-8",
            dimensions=(30, 80),
            timeout=90,
            # What a shell starts in the background ignores Ctrl-C, and so would all that the tests start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self.process.delaybeforesend = 0.2

    def wait_for_prompt(self) -> str:
        """What was shown until the next input line."""
        self.process.expect(r"You: ")
        time.sleep(0.3)
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", str(self.process.before))

    def type(self, text: str) -> None:
        self.process.send(text)

    def send(self, text: str) -> None:
        """Send a message, and wait for the reply and the next input line."""
        self.process.send(text)
        self.process.expect("Hamlet: ")
        self.wait_for_prompt()


def test_in_a_terminal_a_paste_is_one_message_ctrl_c_loses_nothing_and_ctrl_d_leaves(trained: Path) -> None:
    terminal = Terminal(trained)
    terminal.wait_for_prompt()
    terminal.type("\x1b[200~Who are you?\nAnd why?\x1b[201~")
    terminal.send("\r")
    terminal.type("half a thought")
    terminal.process.sendintr()
    terminal.process.expect("Ctrl-D or /quit leaves")
    terminal.wait_for_prompt()
    terminal.send("Good night.\r")
    terminal.process.sendeof()
    terminal.process.expect("--continue")
    terminal.process.expect(pexpect.EOF)
    terminal.process.close()
    assert terminal.process.exitstatus == 0
    path = chat_log.newest(trained / "chats")
    assert path is not None
    turns, _ = chat_log.read(path)
    assert [turn.text for turn in turns if turn.role == "user"] == ["Who are you?\nAnd why?", "Good night."]
    again = Terminal(trained, "--continue")
    for text in ("And why", "Good night", "You: "):
        again.process.expect(text)
    again.type("\x1b[A")  # history: what was said last
    again.process.expect("Good night")
    again.process.kill(signal.SIGKILL)


def test_ctrl_c_stops_a_reply_and_keeps_what_came(trained: Path) -> None:
    terminal = Terminal(trained)
    terminal.wait_for_prompt()
    terminal.type("Speak on and on.\r")
    terminal.process.expect("word3 ")
    terminal.process.sendintr()
    terminal.process.expect(" …")
    terminal.wait_for_prompt()
    terminal.type("/quit\r")
    terminal.process.expect(pexpect.EOF)
    path = chat_log.newest(trained / "chats")
    assert path is not None
    messages, reply = chat_log.read(path)[0]
    assert messages == Turn("user", "Speak on and on.")
    assert reply.text.startswith("word0 word1 word2")
    assert "word599" not in reply.text


def test_a_greeting_that_no_model_can_read_is_refused_before_it_fills_the_screen(trained: Path, tmp_path: Path) -> None:
    adapter = shutil.copytree(trained / "adapter", tmp_path / "adapter")
    stored = json.loads((adapter / "persona.json").read_text())
    (adapter / "persona.json").write_text(json.dumps({**stored, "greeting": "Who knocks? " * 2**16}))
    shown = CliRunner().invoke(command, [str(adapter)])
    assert isinstance(shown.exception, UsageError)
    assert shown.exception.what.startswith("persona.greeting has 786,432 characters")
    assert "Who knocks" not in shown.output
