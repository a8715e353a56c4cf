"""Messages as callers of the Python API write them, and as a chat template takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, get_args

from offbook.core.errors import UsageError
from offbook.core.types import Role, Turn

Message: TypeAlias = Turn | Mapping[str, Any]
"""A turn, or a dict as OpenAI's clients have it: `{"role": "user", "content": "Who are you?"}`."""

ROLES: tuple[Role, ...] = get_args(Role)


def to_turns(message: str | Message | Sequence[Message]) -> list[Turn]:
    """The conversation so far as turns; a text alone is the user's, a message alone a conversation of one.

    Args:
        message: what is said to the character, or the conversation, oldest message first.

    Raises:
        UsageError: there is no message, or one has an unknown role or no text; the message is named by its number.
    """
    if isinstance(message, str):
        return [Turn("user", message)]
    messages: Sequence[Message] = [message] if isinstance(message, Turn | Mapping) else message
    if not messages or not isinstance(messages, Sequence):
        raise UsageError("there is no message to answer", 'Pass a text, or [{"role": "user", "content": "…"}].')
    return [_turn(item, number) for number, item in enumerate(messages, 1)]


def _turn(message: Message, number: int) -> Turn:
    if isinstance(message, Turn):
        return message
    if not isinstance(message, Mapping):
        raise UsageError(
            "message {number} is none: {message!r}",
            "Write each as a dict with a role and a content, as OpenAI's clients do.",
            number=number,
            message=message,
        )
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise UsageError(
            "message {number}: unknown role {role!r}",
            "Use one of: {roles}.",
            number=number,
            role=role,
            roles=", ".join(ROLES),
        )
    if not isinstance(content, str):
        raise UsageError(
            "message {number}: content is not a text",
            'Write {{"role": "user", "content": "…"}}.',
            number=number,
        )
    return Turn(role, content)
