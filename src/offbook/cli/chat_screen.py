"""The terminal of a chat: an input line with history and editing, replies with wrapped words."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console

from offbook.cli.echo import printable
from offbook.cli.terminal import console
from offbook.core.i18n import translate
from offbook.core.types import Turn

CONTINUATION = "… "


class WrappedWriter:
    """Writes text that comes in pieces, and breaks lines between words.

    A word is held back until its end is known. Chinese and Japanese may be broken between any two characters, but not
    before a closing mark.

    Args:
        write: takes what is to be shown.
        width: columns of the screen.
        column: where the first word begins.
    """

    NEVER_FIRST = "，。、；：？！”’）》】…,.;:?!)"

    def __init__(self, write: Callable[[str], None], width: int, column: int = 0) -> None:
        self._write = write
        self._width = width
        self._column = column
        self._word = ""

    def feed(self, text: str) -> None:
        """Take the next piece."""
        for character in text:
            is_wide = cell_len(character) > 1
            if character == "\n":
                self._flush()
                self._write("\n")
                self._column = 0
            elif character == " ":
                self._flush()
                if 0 < self._column < self._width:
                    self._write(" ")
                    self._column += 1
            elif self._word and (is_wide or cell_len(self._word[-1]) > 1) and character not in self.NEVER_FIRST:
                self._flush()
                self._word = character
            else:
                self._word += character

    def close(self) -> None:
        """Write the last word, and end the line."""
        self._flush()
        self._write("\n")

    def _flush(self) -> None:
        length = cell_len(self._word)
        if self._word and self._column and self._column + length > self._width:
            self._write("\n")
            self._column = 0
        self._write(self._word)
        self._column += length
        self._word = ""


class ChatScreen:
    """Shows a conversation on standard output, and remarks on standard error.

    Args:
        name: of the character.
    """

    def __init__(self, name: str) -> None:
        self.out: Console = console(stderr=False)
        self.remarks: Console = console()
        self.name = printable(name)

    def note(self, text: str) -> None:
        """Show a remark, dimmed."""
        self.remarks.print(text, style="dim", soft_wrap=True)

    def turn(self, turn: Turn) -> None:
        """Show a whole turn."""
        if turn.role == "assistant":
            self.reply(iter([turn.text]))
        else:
            you = translate("You")
            self._label(you, "bold cyan")
            self._write_wrapped(iter([turn.text]), column=cell_len(you) + 2)

    def reply(self, pieces: Iterator[str]) -> str:
        """Show a reply as it comes; Ctrl-C ends it.

        Returns:
            What came, without blanks around it.
        """
        try:
            first = self._first_piece(pieces)
        except KeyboardInterrupt:
            self._label(self.name, "bold magenta")
            self._write("…\n")
            return ""
        self._label(self.name, "bold magenta")
        return self._write_wrapped(chain([first], pieces), column=cell_len(self.name) + 2)

    def _first_piece(self, pieces: Iterator[str]) -> str:
        """Wait for a reply to begin, which takes seconds after a long conversation, and show that it is awaited."""
        if not self.out.is_terminal:
            return next(pieces, "")
        with self.out.status(""):
            return next(pieces, "")

    def _label(self, name: str, style: str) -> None:
        if self.out.is_terminal:
            self.out.print(f"{name}: ", style=style, end="")

    def _write_wrapped(self, pieces: Iterator[str], column: int) -> str:
        width = self.out.width if self.out.is_terminal else sys.maxsize
        writer = WrappedWriter(self._write, width, column if self.out.is_terminal else 0)
        text = ""
        try:
            for piece in pieces:
                writer.feed(printable(piece if text else piece.lstrip()))
                text += piece
        except KeyboardInterrupt:
            writer.feed(" …")
        writer.close()
        return text.strip()

    def _write(self, text: str) -> None:
        self.out.file.write(text)
        self.out.file.flush()


def open_input(history: Path | None, commands: list[str]) -> Callable[[str], str]:
    """What reads a message: a line with editing on a terminal, plain lines elsewhere.

    Args:
        history: the file of what was typed before; None keeps it for this chat alone.
        commands: completed after a slash.

    Returns:
        A function from the text that the line begins with to what was typed; it raises EOFError at the end of the
        input, and KeyboardInterrupt on Ctrl-C.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _read_line
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.formatted_text import FormattedText
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory

    past: History = InMemoryHistory()
    if history is not None and not history.is_symlink():
        history.parent.mkdir(parents=True, exist_ok=True)
        past = FileHistory(str(history))
    session: PromptSession[str] = PromptSession(
        history=past,
        completer=WordCompleter(commands, sentence=True),
        complete_while_typing=False,
        multiline=True,  # a paste of several lines is one message; Enter sends nevertheless
        key_bindings=_bindings(),
        prompt_continuation=lambda width, number, wrapped: CONTINUATION.rjust(width),
        enable_open_in_editor=True,
    )
    prompt = FormattedText([("ansicyan bold", f"{translate('You')}: ")])
    return lambda draft: session.prompt(prompt, default=draft)


def _bindings() -> Any:
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    bindings = KeyBindings()

    @bindings.add("enter")
    def send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    @bindings.add("c-j")
    def new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings


def _read_line(draft: str) -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")
