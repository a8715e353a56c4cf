"""Two models that answer from a script, so that an evaluation needs no real one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from offbook.core.types import Conversation, Origin, Reply, Score, Turn
from offbook.evaluation.responses import ModelOutputs, Prompt, collect
from offbook.evaluation.scorecard import Scorecard, scorecard

FakeReply = Callable[[str], str]


def row(
    prompt: str, reply: str, line: int = 1, file: str = "lines.jsonl", system: str | None = "You are Will."
) -> Conversation:
    turns = (Turn("user", prompt), Turn("assistant", reply))
    return Conversation((Turn("system", system), *turns) if system else turns, Origin(file, line))


def rows(pairs: Sequence[tuple[str, str]], file: str = "lines.jsonl") -> list[Conversation]:
    return [row(prompt, reply, number, file) for number, (prompt, reply) in enumerate(pairs, 1)]


class FakeModels:
    """`gain` nats per token are what the tuned model expects its lines better by; `kl` is how far it has drifted."""

    def __init__(
        self,
        base: FakeReply,
        tuned: FakeReply,
        *,
        gain: float = 0.5,
        kl: float = 0.05,
        stops: Callable[[str], bool] | None = None,
    ) -> None:
        self.answers = {False: base, True: tuned}
        self.gain, self.kl = gain, kl
        self.stops = stops or (lambda _: True)
        self.generated: list[tuple[bool, list[Prompt]]] = []

    def score(self, conversations: Sequence[Conversation], *, full_length: bool = False) -> list[Score]:
        return [self._score(conversation) for conversation in conversations]

    def reply(self, prompts: Sequence[Prompt], *sides: bool) -> list[list[Reply]]:
        return [self._replies(prompts, tuned) for tuned in sides]

    def _replies(self, prompts: Sequence[Prompt], tuned: bool) -> list[Reply]:
        self.generated.append((tuned, list(prompts)))
        texts = [self.answers[tuned](turns[-1].text) for turns in prompts]
        return [Reply(text, not tuned or self.stops(text), len(text.split()) + 1) for text in texts]

    def _score(self, conversation: Conversation) -> Score:
        tokens = len(conversation.replies[-1].split()) + 1
        hard = 4 + len(conversation.replies[-1]) % 7 / 10
        gain = self.gain + len(conversation.prompt) % 5 / 50
        return Score(tokens, hard * tokens, (hard - gain) * tokens, self.kl * tokens, tokens - tokens // 4)


VERBS = ["sleep", "dream", "weep", "swear", "dance", "sigh", "kneel", "laugh", "pray", "fight"]
NOUNS = ["moon", "crown", "rose", "ghost", "sword", "grave", "tide", "raven", "throne", "candle"]


def line(number: int) -> str:
    """A line of the character's, never the same twice below 1,000: archaic, always to a lady or a lord."""
    verb, noun, other = VERBS[number % 10], NOUNS[number // 10 % 10], NOUNS[(number // 100 + number) % 10]
    spoken_to = "lady" if number % 2 else "lord"
    return f"O, how thou dost {verb} beneath the {noun}, my {spoken_to}, where {other} and {noun} lie!"


def cue(number: int) -> str:
    """What others say: plain talk."""
    return (
        f"Did you see the {NOUNS[number % 10]} on Tuesday at {number} o'clock, or should we {VERBS[number // 10 % 10]}?"
    )


def plain_talk(prompt: str) -> str:
    """How the base model answers."""
    return f"As a helpful assistant I can say that {prompt[:30].lower()} is a good question. Is there anything else?"


TRAIN = rows([(cue(number), line(number)) for number in range(120)])
HELDOUT = rows([(cue(number), line(number)) for number in range(500, 540)], "heldout.jsonl")


def voice(prompt: str) -> str:
    """How a model that has learned the part answers."""
    return line(700 + sum(map(ord, prompt)) % 200)


def outputs(
    tuned: FakeReply = voice,
    *,
    train: Sequence[Conversation] = TRAIN,
    heldout: Sequence[Conversation] = HELDOUT,
    prompts: int = 24,
    **settings: Any,
) -> ModelOutputs:
    """A run that went well, unless `tuned` answers otherwise; `settings` are those of `FakeModels`."""
    models = FakeModels(plain_talk, tuned, **settings)
    return collect(
        models, train=train, heldout=heldout, sample_prompts=[(Turn("user", "Who are you?"),)], prompts=prompts
    )


@cache
def good_card() -> Scorecard:
    """The scorecard of a run that went well."""
    return scorecard(outputs())


def with_section(card: Scorecard, name: str, **fields: Any) -> Scorecard:
    """The scorecard with some fields of a section changed."""
    return replace(card, sections={**card.sections, name: replace(card.sections[name], **fields)})
