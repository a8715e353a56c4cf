"""The comparison of an export with the adapter, on the character's own conversations, before the export is released.

Three things are compared: the token ids of a conversation, the distribution of the next token at positions of held-out
replies, and that a reply ends at its stop token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, TypeVar

import torch

from offbook.core.i18n import translate
from offbook.core.progress import CountProgress, fill, uncounted
from offbook.core.types import NO_LABEL, Example

Messages = list[dict[str, str]]

CONVERSATIONS = 16
POSITIONS = 16
"""Held-out conversations that are compared, and label positions of each, spread evenly."""
REPLIES = 4
"""Conversations whose greedy reply is generated to its end."""
REPLY_TOKENS = 128
"""A greedy reply that is longer counts as not stopping."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How far an export may differ from the adapter."""

    kl: float
    """Mean KL(adapter ‖ export) over the positions, in nats."""
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
"""By number format; docs/export.md has the measured values and how these were chosen."""


class Runtime(Protocol):
    """A model in the program in which it will be used."""

    def prompt_ids(self, messages: Messages) -> list[int]:
        """Ids of a conversation, up to where the character speaks."""
        ...

    def predict(self, ids: Sequence[int], places: Sequence[int]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """For each place, yield (ids, scores) of the tokens likeliest to stand there, given `ids` before it.

        Scores are log-probabilities, or logits if they cover the whole vocabulary.
        """
        ...

    def stops(self, prompt: Sequence[int], limit: int) -> bool:
        """Whether a greedy reply ends at the stop token within `limit` tokens."""
        ...

    def stop_token_stops(self, prompt: Sequence[int]) -> bool:
        """Whether a reply that is made to say the stop token ends there."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """A held-out conversation: what a client sends, and the ids that training made of it."""

    messages: Messages
    """Without the character's system prompt, which an export has to know itself."""
    prompt: list[int]
    """Ids up to where the character speaks."""
    example: Example


@dataclass(frozen=True, slots=True)
class ReferenceOutputs:
    """The adapter's outputs on one question."""

    question: Question
    places: list[int]
    """Indices into the example's ids."""
    logits: torch.Tensor
    """(places, vocabulary), float32."""
    stops: bool
    """Its greedy reply was generated, and ended by itself."""


@dataclass(slots=True)
class Parity:
    """The result of the comparison."""

    conversations: int = 0
    positions: int = 0
    same_prompts: bool = True
    kl: float = 0.0
    top1: float = 0.0
    logits: float | None = None
    stop_token_stops: bool = True
    stops: float | None = None
    """Of the replies that the adapter ends by itself, the share that the export ends too; None where there are none."""
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the export is within its bounds."""
        return not self.failures

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "passed": self.passed}


T = TypeVar("T")


def spread(items: Sequence[T], most: int) -> list[T]:
    """At most so many of the items, evenly spread."""
    stride = max(len(items) / most, 1)
    return [items[int(index * stride)] for index in range(min(len(items), most))]


def reference_outputs(
    adapter: Runtime, questions: Sequence[Question], progress: CountProgress = uncounted
) -> list[ReferenceOutputs]:
    """Ask the adapter the questions, before a format uses the model up; `progress` is told how many are asked."""
    references = []
    for number, question in enumerate(questions):
        learned = [place for place, label in enumerate(question.example.labels) if label != NO_LABEL]
        places = spread(learned, POSITIONS)
        logits = torch.stack([scores for _, scores in adapter.predict(question.example.ids, places)])
        stops = number < REPLIES and adapter.stops(question.prompt, REPLY_TOKENS)
        references.append(ReferenceOutputs(question, places, logits, stops))
        progress(number + 1, len(questions))
    return references


def compare(
    references: Sequence[ReferenceOutputs], export: Runtime, bound: Bound, progress: CountProgress = uncounted
) -> Parity:
    """Ask the export what the adapter was asked, and judge the difference; `progress` is told how many are asked."""
    parity = Parity(conversations=len(references))
    agreed, worst, largest, ended = 0, 0.0, 0.0, []
    for number, reference in enumerate(references):
        question = reference.question
        parity.same_prompts &= export.prompt_ids(question.messages) == question.prompt
        predictions = export.predict(question.example.ids, reference.places)
        for logits, (ids, scores) in zip(reference.logits, predictions, strict=True):
            parity.positions += 1
            parity.kl += _divergence(logits, ids, scores)
            agreed += int(logits.argmax() == ids[scores.argmax()])
            largest = max(largest, float(logits.abs().max()))
            if len(scores) == len(logits):
                worst = max(worst, float((scores - logits).abs().max()))
        if reference.stops:
            ended.append(export.stops(question.prompt, REPLY_TOKENS))
        progress(number + 1, len(references))
    parity.kl /= max(parity.positions, 1)
    parity.top1 = agreed / max(parity.positions, 1)
    parity.logits = worst / largest if bound.logits is not None else None
    parity.stop_token_stops = export.stop_token_stops(references[0].question.prompt)
    parity.stops = sum(ended) / len(ended) if ended else None
    parity.failures = list(_failures(parity, bound))
    return parity


def _divergence(logits: torch.Tensor, ids: torch.Tensor, scores: torch.Tensor) -> float:
    """KL(adapter ‖ export) over the tokens in `ids` and, as one more, all others together, in nats."""
    p = logits.double().log_softmax(-1).exp()
    q = scores.double()
    q = (q.log_softmax(-1) if len(q) == len(p) else q).exp()
    p = torch.cat([p[ids], (1 - p[ids].sum()).clamp(min=1e-12)[None]])
    q = torch.cat([q, (1 - q.sum()).clamp(min=1e-12)[None]])
    return float((p * (p.clamp(min=1e-30) / q.clamp(min=1e-30)).log()).sum())


def _failures(parity: Parity, bound: Bound) -> Iterator[str]:
    if not parity.same_prompts:
        yield translate("the same conversation gives other token ids")
    if not parity.kl <= bound.kl:
        yield fill("KL {kl:.2g} is above {bound:g}", {"kl": parity.kl, "bound": bound.kl})
    # Flat distributions have near ties: one of a few positions is no sign of another model.
    if (1 - parity.top1) * parity.positions > max(1, (1 - bound.top1) * parity.positions) + 0.5:
        yield fill("top-1 agreement {top1:.3f} is below {bound:g}", {"top1": parity.top1, "bound": bound.top1})
    if bound.logits is not None and not (parity.logits or 0) <= bound.logits:
        yield fill(
            "a logit differs by {logits:.2g} of the largest one, above {bound:g}",
            {"logits": parity.logits, "bound": bound.logits},
        )
    if not parity.stop_token_stops:
        yield translate("the stop token does not end a reply")
    if parity.stops == 0:
        yield translate("replies that the adapter ends run on")
