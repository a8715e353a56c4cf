"""A served character whose engine is a fake: it answers at once, from what it was asked."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from offbook.core.config.schema import GenerationConfig
from offbook.core.persona import BaseModelRef, Persona
from offbook.hub.pull import LocalModel
from offbook.pipeline.adapter_source import CharacterSource
from offbook.server.api import create_app
from offbook.server.cast import Cast
from offbook.server.conversation import SystemPolicy
from offbook.server.http_server import server
from offbook.server.listening import bind
from offbook.server.middleware import Guard
from offbook.server.scheduler import RequestScheduler
from offbook.server.served_model import ServedModel, from_token_engine
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
    cast: Cast


def served_model(tuned: Parrot, base: Parrot, name: str = "hamlet") -> ServedModel:
    template = tuned.template
    decoder = copy.deepcopy(template.tokenizer)
    return ServedModel(
        name=name,
        engine="fake",
        persona=Persona(
            name=name.title(),
            system=SYSTEM,
            greeting="Who's there?",
            stop_token=template.stop_token,
            generation=GenerationConfig(max_new_tokens=160),
            base=BaseModelRef(source="tiny", revision=""),
        ),
        template=template,
        context=512,
        tuned=from_token_engine(tuned, decoder, [template.stop_token.id]),
        base=from_token_engine(base, decoder, [template.stop_token.id]),
        base_folder=lambda: Path("tiny"),
    )


@dataclass
class FakeHost:
    """A base model whose characters are parrots."""

    tuned: Parrot
    base: Parrot
    slots: int = 1
    engine: str = "fake"
    removed: list[str] = field(default_factory=list)

    def add(self, source: CharacterSource) -> ServedModel:
        return served_model(self.tuned, self.base, source.name)

    def accepts(self, _: CharacterSource) -> bool:
        return True

    def remove(self, model: ServedModel) -> None:
        self.removed.append(model.name)

    def close(self) -> None:
        """Nothing is held."""


def source(name: str, base: str = "tiny") -> CharacterSource:
    """A character whose files nobody opens."""
    character = CharacterSource(Path("runs") / name / "adapter", None, None)
    character.__dict__["base_model"] = LocalModel(Path(base), base, "", {})
    return character


def change(cast: Cast, add: Sequence[str], remove: Sequence[str]) -> None:
    """What POST /v1/cast does."""
    cast.add([source(name) for name in add])
    for name in remove:
        cast.remove(name)


@contextmanager
def serving(
    *,
    slots: int = 1,
    queue: int = 64,
    key: str | None = None,
    system: SystemPolicy = "append",
    drain: float = 5,
    names: Sequence[str] = ("hamlet",),
    **guard: Any,
) -> Iterator[Served]:
    """A real server on a free port of this computer, in a thread."""
    tuned = Parrot(ChatTemplate(chatml_tokenizer()))
    base = Parrot(ChatTemplate(chatml_tokenizer()), words="Once you said: ")
    cast = Cast(lambda _: FakeHost(tuned, base, slots), queue)
    cast.add([source(name) for name in names])
    scheduler = cast.schedulers[0]
    app = Guard(
        create_app(cast, system=system, manage=None if key is None else partial(change, cast)),
        host="127.0.0.1",
        key=key,
        **guard,
    )
    ready = threading.Event()
    with bind("127.0.0.1", 0) as listener:
        running = server(app, cast, drain, ready.set)
        thread = threading.Thread(target=running.run, args=([listener],))
        thread.start()
        assert ready.wait(10)
        try:
            yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", tuned, base, scheduler, running, cast)
        finally:
            tuned.gate.set()
            running.should_exit = True
            cast.abort_all()
            thread.join(20)
            cast.close()
            assert not thread.is_alive()


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as it:
        yield it
