"""Conversations for tests, in a line."""

from offbook.core.types import Conversation, Origin, Turn


def row_of(
    prompt: str, *replies: str, line: int = 1, scene: str | None = None, file: str = "lines.jsonl"
) -> Conversation:
    """A prompt ("" where the character opens) and the reply to it; more replies answer the prompt "…"."""
    turns = [Turn("user", prompt)] if prompt else []
    for reply in replies:
        turns += [Turn("assistant", reply), Turn("user", "…")]
    return Conversation(tuple(turns[:-1]), Origin(file, line, scene))
