"""A served character whose engine is a fake: it answers at once, from what it was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from offbook.core.config.schema import GenerationConfig
from offbook.core.persona import BaseModelRef, Persona
from offbook.server.api import create_app
from offbook.server.backends import ServedModel, from_token_engine
from offbook.server.conversation import SystemPolicy
from offbook.server.http_server import bind, server
from offbook.server.middleware import Guard
from offbook.server.scheduler import RequestScheduler
from offbook.tokenization.chat_template import ChatTemplate
from tests.tiny import chatml_tokenizer

SYSTEM = "You are Hamlet."


@dataclass
class Parrot:
    """An engine that says `words`, then back the last thing that it was told, then the ending token."""

    template: ChatTemplate
    words: str = "You said: "
    delay: float = 0.0
    endless: bool = False
    reading: int = 0
    """Pieces in which the prompt is read, before the reply begins."""
    prompts: list[str] = field(default_factory=list)
    texts: int = 0
    """Tokens so far, over all replies."""
    closed: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def tokens(self, prompt: Sequence[int], settings: GenerationConfig, seed: int | None) -> Iterator[int | None]:
        tokenizer = self.template.tokenizer
        text = tokenizer.decode(prompt)
        self.prompts.append(text)
        last = text.rpartition("<|im_start|>user\n")[2].partition("<|im_end|>")[0]
        reply = tokenizer(self.words + last, add_special_tokens=False)["input_ids"]
        try:
            for _ in range(self.reading):
                time.sleep(self.delay)
                yield None
            while True:
                for token in reply:
                    self.gate.wait()
                    time.sleep(self.delay)
                    self.texts += 1
                    yield token
                if not self.endless:
                    yield self.template.stop_token.id
        finally:
            self.closed.set()


@dataclass
class Served:
    """Where a server listens, and who speaks there."""

    address: str
    tuned: Parrot
    base: Parrot
    scheduler: RequestScheduler
    server: Any


def served_model(tuned: Parrot, base: Parrot, slots: int = 1) -> ServedModel:
    template = tuned.template
    return ServedModel(
        name="hamlet",
        engine="fake",
        persona=Persona(
            name="Hamlet",
            system=SYSTEM,
            greeting="Who's there?",
            stop_token=template.stop_token,
            generation=GenerationConfig(max_new_tokens=160),
            base=BaseModelRef(source="tiny", revision=""),
        ),
        template=template,
        slots=slots,
        context=512,
        tuned=from_token_engine(tuned, template.tokenizer, [template.stop_token.id]),
        open_base=lambda: from_token_engine(base, template.tokenizer, [template.stop_token.id]),
        base_folder=lambda: Path("tiny"),
    )


@contextmanager
def serving(
    *,
    slots: int = 1,
    queue: int = 64,
    key: str | None = None,
    system: SystemPolicy = "append",
    drain: float = 5,
    **guard: Any,
) -> Iterator[Served]:
    """A real server on a free port of this computer, in a thread."""
    tuned = Parrot(ChatTemplate(chatml_tokenizer()))
    base = Parrot(ChatTemplate(chatml_tokenizer()), words="Once you said: ")
    scheduler = RequestScheduler(slots, queue)
    app = Guard(
        create_app(served_model(tuned, base, slots), scheduler, system=system),
        host="127.0.0.1",
        key=key,
        **guard,
    )
    ready = threading.Event()
    with bind("127.0.0.1", 0) as listener:
        running = server(app, scheduler, drain, ready.set)
        thread = threading.Thread(target=running.run, args=([listener],))
        thread.start()
        assert ready.wait(10)
        try:
            yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", tuned, base, scheduler, running)
        finally:
            tuned.gate.set()
            running.should_exit = True
            scheduler.abort_all()
            thread.join(20)
            scheduler.close()
            assert not thread.is_alive()


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as it:
        yield it
