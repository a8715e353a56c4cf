"""Lines for people, without rich: text from files and models is made safe for the terminal that it is shown in."""

from __future__ import annotations

import json
import re
from typing import Any

import click

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What would steer a terminal instead of being shown: control characters but tab and line feed, marks that turn the
direction of writing, and halves of characters."""


def printable(text: str) -> str:
    r"""The text with control characters written out: ESC becomes `\x1b`."""
    return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def echo(text: object = "", *, err: bool = False, nl: bool = True, **style: Any) -> None:
    """Write a text as it is, but for what would steer the terminal.

    Args:
        text: to be written.
        err: to standard error.
        nl: end the line.
        style: colours and weight, as `click.style` has them; dropped where the output is no terminal.
    """
    click.secho(printable(str(text)), err=err, nl=nl, **style)


def json_line(value: Any) -> str:
    """A value as JSON on a line of its own; what would steer a terminal is escaped, as JSON allows."""
    text = json.dumps(value, ensure_ascii=False)
    return CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"
