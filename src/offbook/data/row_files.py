"""Conversations on disk: JSONL of OpenAI `messages` rows, each with the place it came from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from offbook.core.atomic import atomic_write_text
from offbook.core.errors import UsageError
from offbook.core.system_errors import system_reason
from offbook.core.text_file import read_text
from offbook.core.types import Conversation, Origin, Turn


def save_rows(conversations: Iterable[Conversation], path: Path) -> None:
    """Write conversations where `load_rows` finds them again."""
    atomic_write_text(path, rows_text(conversations))


def rows_text(conversations: Iterable[Conversation]) -> str:
    """Conversations as lines of OpenAI `messages` rows, each with where it came from."""
    lines = []
    for conversation in conversations:
        origin = conversation.origin
        row = {
            "messages": [_message(turn) for turn in conversation.turns],
            **({} if conversation.rejected is None else {"rejected": conversation.rejected}),
            "source": {"file": origin.file, "line": origin.line, "scene": origin.scene, "kind": origin.kind},
        }
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)


def load_rows(path: Path) -> list[Conversation]:
    """What `save_rows` wrote, each row with the origin that it had.

    Raises:
        UsageError: the file is missing or damaged.
    """
    try:
        return parse_rows(read_text(path))
    except OSError as error:
        reason = system_reason(error)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise UsageError(
        "{path} cannot be read: {reason}", "Restore the file from a copy, or train again.", path=path, reason=reason
    )


def parse_rows(text: str) -> list[Conversation]:
    """The conversations of `rows_text`."""
    rows = []
    # splitlines would also split at U+2028, which may stand in a text
    for line in text.split("\n")[:-1]:
        row = json.loads(line)
        turns = tuple(
            Turn(message["role"], message["content"], message.get("weight", 1.0), message.get("has_stop_token", True))
            for message in row["messages"]
        )
        rows.append(Conversation(turns, Origin(**row["source"]), row.get("rejected")))
    return rows


def _message(turn: Turn) -> dict[str, Any]:
    weight = {} if turn.weight else {"weight": 0}
    stop = {} if turn.has_stop_token else {"has_stop_token": False}
    return {"role": turn.role, "content": turn.text, **weight, **stop}
