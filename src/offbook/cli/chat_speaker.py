"""The character as a chat speaks with it: loaded while the user types, and given what its context holds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from offbook.cli.progress_bar import reporting
from offbook.core.errors import UsageError
from offbook.core.persona import Persona
from offbook.core.progress import Event, Message, Reporter
from offbook.core.types import Turn

LEAVING_SECONDS = 5
"""How long leaving waits for a character that is still being loaded; a process that ends meanwhile may crash."""


class BackgroundLoad:
    """A character that is being loaded in a thread, so that nobody waits for it who is still typing.

    Args:
        load: loads it; told where to report.
        name: of what is loaded, for whoever waits.
    """

    def __init__(self, load: Callable[[Reporter], Any], name: str) -> None:
        self._name = name
        self._kept = _KeptMessages()
        self._future: Future[Any] = Future()
        self._thread = threading.Thread(target=self._run, args=(load,), name="load", daemon=True)
        self._thread.start()

    def _run(self, load: Callable[[Reporter], Any]) -> None:
        try:
            self._future.set_result(load(self._kept))
        except BaseException as error:
            self._future.set_exception(error)

    def result(self) -> Any:
        """Wait for the character, and show what was reported meanwhile.

        Raises:
            OffbookError: it cannot be loaded.
        """
        if not self._future.done():
            with reporting() as reporter:
                reporter.stage("Loading {source}", source=self._name)
                self._future.exception()
        messages, self._kept.messages = self._kept.messages, []
        if messages:
            with reporting() as reporter:
                for message in messages:
                    reporter.emit(message)
        return self._future.result()

    def leave(self) -> None:
        """Let the thread come to its end, for a while."""
        self._thread.join(LEAVING_SECONDS)


class _KeptMessages(Reporter):
    """Keeps what would be printed into the line that the user is typing."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []

    def emit(self, event: Event) -> None:
        """Keep a message; how far something is, is of no use later."""
        if isinstance(event, Message) and event.level != "stage":
            self.messages.append(event)


class CharacterSpeaker:
    """A character that answers with as many of the latest turns as its context holds.

    Args:
        persona: the character's.
        character: waits for the character, its adapter merged or not.
        load: loads it again with its base model.
    """

    def __init__(self, persona: Persona, character: Callable[[], Any], load: Callable[[], Any]) -> None:
        self.persona = persona
        self.character = character
        self.forgotten = 0
        """Oldest messages that the last prompt had no room for."""
        self._load = load

    def stream(self, turns: list[Turn], *, base: bool, settings: Any, seed: int | None) -> Iterator[str]:
        """The reply to the last turn, piece by piece; returns when the character is there and has its prompt.

        Args:
            turns: the conversation, under a system prompt of its own or the character's.
            base: whether the base model answers.
            settings: how to sample.
            seed: the same seed gives the same reply.
        """
        character = self.character()
        if base and character.base_engine is None:
            character = self._load()
            self.character = lambda: character
        kept, self.forgotten = _fit(character, turns, settings.max_new_tokens)
        return (chunk.text for chunk in character.stream(kept, base=base, settings=settings, seed=seed))


def _fit(character: Any, turns: list[Turn], new_tokens: int) -> tuple[list[Turn], int]:
    """The system prompt, a greeting, and the latest turns that fit the model's context beside a reply.

    Returns:
        The turns, and how many of the oldest were left out.

    Raises:
        UsageError: the message alone is too long.
    """
    from offbook.generation.context import longest_context
    from offbook.pipeline.model_limits import refuse_long_talk
    from offbook.server.conversation import ContextOverflowError, fit

    messages = character.with_system(turns)
    pinned = (messages[0].role == "system") + (len(messages) > 1 and messages[1].role == "assistant")
    context = longest_context(character.model.config)
    refuse_long_talk(messages[-1:], character.template, context)
    try:
        prompt = fit(
            messages,
            pinned=pinned,
            room=max(context - new_tokens, context // 2),
            encode=character.template.prompt_ids,
            count=lambda text: len(character.template.text_ids(text)),
        )
    except ContextOverflowError as error:
        raise UsageError(
            "the message is too long: {tokens} tokens, and the model holds {context}",
            "Send less at once.",
            tokens=error.tokens,
            context=context,
        ) from None
    return [*messages[:pinned], *messages[pinned + prompt.dropped_messages :]], prompt.dropped_messages
