"""The console that people read: rich's, with every text made safe for it."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from offbook.cli.echo import printable


class TextConsole(Console):
    """Shows every text as it is: brackets and colons mean nothing, and control characters cannot steer the terminal.

    NO_COLOR is honoured.
    """

    def __init__(self, *, stderr: bool = True, **options: Any) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Turn a plain string into rich's text, wherever it occurs: in a line, in a table's cell."""
        return super().render_str(printable(text), **options)


def console(*, stderr: bool = True) -> TextConsole:
    """A console on standard error or standard output."""
    return TextConsole(stderr=stderr)
