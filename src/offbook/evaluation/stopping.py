"""Does a reply end, and does it say anything? Stop tokens, loops, empty replies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from offbook.core.types import Reply
from offbook.evaluation import confidence
from offbook.evaluation.confidence import Interval
from offbook.evaluation.metric import Metric, ReportedMetric, Weighted, Words
from offbook.evaluation.responses import ModelOutputs
from offbook.evaluation.sides import MODELS, Paired, Side
from offbook.evaluation.words import words

RUN = 4
LOOP = 1 / 3
"""A reply loops when more than this share of its four-word runs stood in it before."""


@dataclass(frozen=True, slots=True)
class ReplyEnd:
    """How one reply ends."""

    stopped: bool
    """It ended by the stop token, within the limit."""
    loop: bool
    empty: bool


@dataclass(frozen=True, slots=True)
class PairedEnd(Paired[ReplyEnd]):
    """How both replies to a prompt end."""

    base: ReplyEnd
    tuned: ReplyEnd


@dataclass(frozen=True, slots=True)
class StopShares:
    """Shares of a model's replies."""

    share: float
    """Of those that end by the stop token, within `generation.max_new_tokens`."""
    interval: Interval
    loops: float
    loops_interval: Interval
    empty: float
    tokens: float
    """Tokens per reply, on average."""


@dataclass(frozen=True, slots=True)
class LimitRoom:
    """How many of the character's own held-out lines the limit has room for."""

    share: float
    interval: Interval
    limit: int | None
    """Tokens at which replies were cut; None where none was."""


@dataclass(frozen=True, slots=True)
class Stopping(Paired[StopShares]):
    """The section `stops` of eval.json."""

    base: StopShares
    tuned: StopShares
    reference: LimitRoom
    items: tuple[PairedEnd, ...]
    """One for each of the scorecard's replies."""


def measure(outputs: ModelOutputs) -> Stopping:
    """Shares of the replies that end within the limit, that loop, and that are empty."""
    pairs = outputs.replies
    items = tuple(PairedEnd(_end(pair.base), _end(pair.tuned)) for pair in pairs)
    return Stopping(
        base=_shares([pair.base for pair in pairs], [item.base for item in items]),
        tuned=_shares([pair.tuned for pair in pairs], [item.tuned for item in items]),
        reference=_room(outputs),
        items=items,
    )


def repetition(text: str) -> float:
    """Share of four-word runs that stood in the text before (seq-rep-4 of Welleck et al. 2019)."""
    spoken = words(text)
    runs = [tuple(spoken[start : start + RUN]) for start in range(len(spoken) - RUN + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def _end(reply: Reply) -> ReplyEnd:
    return ReplyEnd(reply.stopped, loop=repetition(reply.text) > LOOP, empty=not reply.text.strip())


def _shares(replies: Sequence[Reply], endings: Sequence[ReplyEnd]) -> StopShares:
    stopped, loops = confidence.share([end.stopped for end in endings]), confidence.share([end.loop for end in endings])
    return StopShares(
        share=stopped.value,
        interval=stopped.interval,
        loops=loops.value,
        loops_interval=loops.interval,
        empty=round(sum(end.empty for end in endings) / len(endings), 6),
        tokens=round(sum(reply.tokens for reply in replies) / len(replies), 6),
    )


def _room(outputs: ModelOutputs) -> LimitRoom:
    """The limit is known where a reply was cut by it."""
    truncated = [reply.tokens for pair in outputs.replies for reply in (pair.base, pair.tuned) if not reply.stopped]
    limit = max(truncated, default=None)
    lengths = [score.tokens / len(row.replies) for row, score in zip(outputs.heldout, outputs.scores, strict=True)]
    fitting = confidence.share([limit is None or length <= limit for length in lengths])
    return LimitRoom(fitting.value, fitting.interval, limit)


def _hits(hit: Callable[[ReplyEnd], bool]) -> Callable[[Stopping, Side], Sequence[Weighted | None]]:
    return lambda section, side: [(float(hit(item.of(side))), 1.0) for item in section.items]


def _ended(section: Stopping, side: Side) -> float | None:
    return section.of(side).share if side in MODELS else section.reference.share


def _looped(section: Stopping, side: Side) -> float | None:
    return section.of(side).loops if side in MODELS else None


METRIC = Metric(
    "stops",
    Stopping,
    measure,
    [
        ReportedMetric(
            "stops.tuned.share",
            Stopping,
            _ended,
            _hits(lambda end: end.stopped),
            table="replies",
            better="higher",
            unit="percent",
            yes_or_no=True,
            words=Words("Replies that end", "Replies that end by themselves, before the limit on their length."),
        ),
        ReportedMetric(
            "stops.tuned.loops",
            Stopping,
            _looped,
            _hits(lambda end: end.loop),
            table="replies",
            better="lower",
            unit="percent",
            yes_or_no=True,
            words=Words("Replies that loop", "Replies that say the same four words over and over."),
        ),
    ],
)
