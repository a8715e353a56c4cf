"""The console that people read, and text made safe for it."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console
from rich.text import Text

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What would steer a terminal instead of being shown: control characters but tab and line feed, marks that turn the
direction of writing, and halves of characters."""


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


def printable(text: str) -> str:
    r"""The text with control characters written out: ESC becomes `\x1b`."""
    return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
