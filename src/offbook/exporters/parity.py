"""The copy equals the original: proved on the character's own conversations before a copy is released.

Three things are compared: the ids that a conversation becomes, the distribution of the next token at positions of
held-out replies, and that a reply stops on its ending token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, TypeVar

import torch

from offbook.core.types import NO_LABEL, Example

Messages = list[dict[str, str]]

CONVERSATIONS = 16
POSITIONS = 16
"""Held-out conversations that are compared, and label positions of each, spread evenly."""
REPLIES = 4
"""Conversations whose greedy reply is heard to its end."""
REPLY_TOKENS = 128
"""A greedy reply that is longer counts as not stopping."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a copy may be from the original."""

    kl: float
    """Mean KL(original ‖ copy) over the positions, in nats."""
    top1: float
    """Share of the positions at which both find the same token likeliest, at least."""
    logits: float | None = None
    """Largest difference of a logit, relative to the largest logit."""


BOUNDS = {
    "f32": Bound(1e-6, 0.995, logits=1e-5),
    "bf16": Bound(0.01, 0.90),
    "f16": Bound(0.0001, 0.98),
    "q8_0": Bound(0.02, 0.88),
    "q4_k_m": Bound(0.12, 0.70),
}
"""By number format; measured values and how these were chosen: docs/export.md."""


class Runtime(Protocol):
    """A model as it is reached by those who will use it."""

    def prompt_ids(self, messages: Messages) -> list[int]:
        """Ids of a conversation, up to where the character speaks."""
        ...

    def predict(self, ids: Sequence[int], places: Sequence[int]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """For each place, (ids, scores) of the tokens likeliest to stand there, given `ids` before it.

        Scores are log-probabilities, or logits if they cover the whole vocabulary.
        """
        ...

    def stops(self, prompt: Sequence[int], limit: int) -> bool:
        """Whether a greedy reply ends on the ending token within `limit` tokens."""
        ...

    def ending_stops(self, prompt: Sequence[int]) -> bool:
        """Whether a reply that is made to say the ending token ends there."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A held-out conversation: what a client sends, and what training made of it."""

    messages: Messages
    """Without the character's own prompt, which a copy has to know itself."""
    prompt: list[int]
    """Ids up to where the character speaks."""
    example: Example


@dataclass(frozen=True, slots=True)
class ReferenceOutputs:
    """A held-out conversation with what the original makes of it."""

    asked: Asked
    places: list[int]
    logits: torch.Tensor
    """The original's, (places, vocabulary), float32."""
    stops: bool
    """Its greedy reply was heard, and ended by itself."""


@dataclass(slots=True)
class Parity:
    """What the comparison found."""

    conversations: int = 0
    positions: int = 0
    same_prompts: bool = True
    kl: float = 0.0
    top1: float = 0.0
    logits: float | None = None
    ending_stops: bool = True
    stops: float | None = None
    """Of the replies that the original ends by itself, the share that the copy ends too; None where there are none."""
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.failures

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


T = TypeVar("T")


def spread(items: Sequence[T], most: int) -> list[T]:
    """At most so many of the items, evenly spread."""
    stride = max(len(items) / most, 1)
    return [items[int(index * stride)] for index in range(min(len(items), most))]


def passages(original: Runtime, questions: Sequence[Asked]) -> list[ReferenceOutputs]:
    """What the original makes of the questions; taken before a format uses the model up."""
    found = []
    for number, asked in enumerate(questions):
        learned = [place for place, label in enumerate(asked.example.labels) if label != NO_LABEL]
        places = spread(learned, POSITIONS)
        logits = torch.stack([scores for _, scores in original.predict(asked.example.ids, places)])
        stops = number < REPLIES and original.stops(asked.prompt, REPLY_TOKENS)
        found.append(ReferenceOutputs(asked, places, logits, stops))
    return found


def compare(passages: Sequence[ReferenceOutputs], copy: Runtime, bound: Bound) -> Parity:
    """Ask the copy what the original was asked, and judge the difference."""
    parity = Parity(conversations=len(passages))
    agreed, worst, largest, ended = 0, 0.0, 0.0, []
    for passage in passages:
        parity.same_prompts &= copy.prompt_ids(passage.asked.messages) == passage.asked.prompt
        for logits, (ids, scores) in zip(
            passage.logits, copy.predict(passage.asked.example.ids, passage.places), strict=True
        ):
            parity.positions += 1
            parity.kl += _divergence(logits, ids, scores)
            agreed += int(logits.argmax() == ids[scores.argmax()])
            largest = max(largest, float(logits.abs().max()))
            if len(scores) == len(logits):
                worst = max(worst, float((scores - logits).abs().max()))
        if passage.stops:
            ended.append(copy.stops(passage.asked.prompt, REPLY_TOKENS))
    parity.kl /= max(parity.positions, 1)
    parity.top1 = agreed / max(parity.positions, 1)
    parity.logits = worst / largest if bound.logits is not None else None
    parity.ending_stops = copy.ending_stops(passages[0].asked.prompt)
    parity.stops = sum(ended) / len(ended) if ended else None
    parity.failures = list(_misses(parity, bound))
    return parity


def _divergence(logits: torch.Tensor, ids: torch.Tensor, scores: torch.Tensor) -> float:
    """KL(original ‖ copy) over the tokens in `ids` and, as one more, all others together, in nats."""
    p = logits.double().log_softmax(-1).exp()
    q = scores.double()
    q = (q.log_softmax(-1) if len(q) == len(p) else q).exp()
    p = torch.cat([p[ids], (1 - p[ids].sum()).clamp(min=1e-12)[None]])
    q = torch.cat([q, (1 - q.sum()).clamp(min=1e-12)[None]])
    return float((p * (p.clamp(min=1e-30) / q.clamp(min=1e-30)).log()).sum())


def _misses(parity: Parity, bound: Bound) -> Iterator[str]:
    if not parity.same_prompts:
        yield "the same conversation becomes another prompt"
    if not parity.kl <= bound.kl:
        yield f"KL {parity.kl:.2g} is above {bound.kl:g}"
    if parity.top1 < bound.top1:
        yield f"top-1 agreement {parity.top1:.3f} is below {bound.top1:g}"
    if bound.logits is not None and not (parity.logits or 0) <= bound.logits:
        yield f"a logit differs by {parity.logits:.2g} of the largest one, above {bound.logits:g}"
    if not parity.ending_stops:
        yield "the ending token does not stop it"
    if parity.stops == 0:
        yield "replies that the original ends run on"
