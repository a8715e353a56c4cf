"""Names that a template of rows leaves open: `{{char}}`, `<USER>`, `[name]`, `[Your Name]`, `{用户}`, `NAME`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from offbook.core.types import Turn

WORDS = (
    "char|character|character_name|user|user_name|username|bot|bot_name|name|author|your[ _]name"
    "|姓名|名字|用户|用户名|用户姓名|角色|角色名"
)
PATTERN = re.compile(
    r"\{\{\s*(?P<braces>\w+)\s*\}\}"
    rf"|[<{{\[](?P<brackets>(?i:{WORDS}))[>}}\]]"
    r"|<(?P<angle>FIRST|SECOND)>"  # LimaRP's
    # A bare word in capitals, unless its neighbours are in capitals as well: then somebody shouts.
    r"|(?<![A-Z] )(?<![\w'])(?P<bare>NAME|AUTHOR|USERNAME|USER_NAME|BOT_NAME|CHAR_NAME)(?![\w'])(?! [A-Z]{2})"
)


def find(text: str) -> str | None:
    """The first placeholder in a text, or None."""
    match = PATTERN.search(text)
    return match[0] if match else None


def fill(turns: Sequence[Turn], values: Mapping[str, str]) -> tuple[Turn, ...]:
    """The turns with each placeholder that has a value replaced by it.

    Args:
        turns: any turns, the system prompt included.
        values: name of a placeholder, in any case and without its brackets → text.
    """
    if not values:
        return tuple(turns)
    by_name = {name.casefold(): text for name, text in values.items()}

    def value(match: re.Match[str]) -> str:
        name = next(name for name in match.groupdict().values() if name is not None)
        return by_name.get(name.casefold(), match[0])

    return tuple(replace(turn, text=PATTERN.sub(value, turn.text)) for turn in turns)
