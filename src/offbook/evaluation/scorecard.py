"""The scorecard: every metric's section, and the prompts and rows behind the numbers.

`eval.json` is its JSON form; `Scorecard.from_json` reads it back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import PurePath
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from offbook.core.errors import UsageError
from offbook.evaluation import confidence
from offbook.evaluation.confidence import Interval
from offbook.evaluation.metric import ReportedMetric, Weighted
from offbook.evaluation.metrics import METRICS
from offbook.evaluation.responses import ModelOutputs, PairedReply, key
from offbook.evaluation.sides import MODELS, Side

S = TypeVar("S")
Items = Mapping[str, Weighted]
"""Key of an item → (sum, weight)."""


@dataclass(frozen=True, slots=True)
class About:
    """What was judged."""

    run: str = ""
    character: str = ""
    model: str = ""
    """Source of the base model."""
    step: int | None = None
    """Optimizer step that the adapter was taken from."""
    made: str = ""
    command: str = ""
    """Command that gives the same evaluation again."""


@dataclass(frozen=True, slots=True)
class Row:
    """A held-out row that was scored."""

    key: str
    origin: str
    """Name of its file, and line."""
    tokens: int


@dataclass(frozen=True, slots=True)
class Request:
    """An everyday request that was scored."""

    key: str
    language: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Scorecard:
    """What an evaluation found."""

    sections: Mapping[str, Any]
    """Key of a metric → its section, as its `section` type."""
    rows: tuple[Row, ...]
    replies: tuple[PairedReply, ...]
    """Replies to held-out prompts, which the numbers are taken from."""
    general: tuple[Request, ...]
    sample_replies: tuple[PairedReply, ...]
    """Replies to `persona.sample_prompts`, which are shown, not judged."""
    general_replies: tuple[PairedReply, ...]
    """Replies to some of the everyday requests, which are shown, not judged."""
    about: About = About()

    def section(self, kind: type[S]) -> S:
        """The section of a type: `card.section(HeldoutLoss).tuned.loss`.

        Raises:
            KeyError: no metric has such a section.
        """
        for section in self.sections.values():
            if isinstance(section, kind):
                return section
        raise KeyError(kind.__name__)

    def value(self, metric: ReportedMetric[Any], side: Side = Side.TUNED) -> float | None:
        """A reported number; None where a side has none."""
        return metric.value(self.section(metric.section), side)

    def items(self, metric: ReportedMetric[Any], side: Side = Side.TUNED) -> Items:
        """Every item that has a value, by key; of those with one key, the second is called key#2, and so on."""
        parts = metric.items(self.section(metric.section), side)
        seen: Counter[str] = Counter()
        by_key: dict[str, Weighted] = {}
        for item, part in zip(getattr(self, metric.table), parts, strict=True):
            seen[item.key] += 1
            if part is not None:
                number = seen[item.key]
                by_key[item.key if number == 1 else f"{item.key}#{number}"] = part
        return by_key

    def interval(self, metric: ReportedMetric[Any], side: Side = Side.TUNED) -> Interval | None:
        """The 95 % interval of a model's number, or None where no item has a value."""
        if side not in MODELS:
            return None
        parts = list(self.items(metric, side).values())
        if not parts:
            return None
        if metric.yes_or_no:
            return confidence.share([value > 0 for value, _ in parts]).interval
        return confidence.mean([value for value, _ in parts], [weight for _, weight in parts]).interval

    def to_json(self) -> dict[str, Any]:
        """As it stands in eval.json: `about`, a key for each metric, and the lists of items."""
        sections = {name: asdict(section) for name, section in self.sections.items()}
        others = {
            field.name: [asdict(item) for item in getattr(self, field.name)]
            for field in fields(self)
            if field.name not in ("about", "sections")
        }
        return {"about": asdict(self.about), **sections, **others}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Scorecard:
        """Read what `to_json` gave.

        Raises:
            UsageError: it is not the eval.json of this version.
        """
        try:
            return cls(
                sections={
                    name: TypeAdapter(metric.section).validate_python(tree[name]) for name, metric in METRICS.items()
                },
                rows=TypeAdapter(tuple[Row, ...]).validate_python(tree["rows"]),
                general=TypeAdapter(tuple[Request, ...]).validate_python(tree["general"]),
                about=TypeAdapter(About).validate_python(tree.get("about", {})),
                **{
                    name: TypeAdapter(tuple[PairedReply, ...]).validate_python(tree[name])
                    for name in ("replies", "sample_replies", "general_replies")
                },
            )
        except (KeyError, ValidationError) as error:
            raise UsageError(
                "this eval.json is damaged, or another version of offbook wrote it: {error}",
                "Evaluate the run again: offbook eval RUN",
                error=_first_line(error),
            ) from None


def scorecard(outputs: ModelOutputs, about: About | None = None) -> Scorecard:
    """Compute every metric; the same outputs give the same scorecard, digit for digit."""
    return Scorecard(
        sections={name: metric.measure(outputs) for name, metric in METRICS.items()},
        rows=tuple(
            Row(key(row.turns), f"{PurePath(row.origin.file).name}:{row.origin.line}", score.tokens)
            for row, score in zip(outputs.heldout, outputs.scores, strict=True)
        ),
        replies=tuple(outputs.replies),
        general=tuple(Request(key(item.conversation.turns), item.language, item.prompt) for item in outputs.general),
        sample_replies=tuple(outputs.sample_replies),
        general_replies=tuple(outputs.general_replies),
        about=about or About(),
    )


def number_at(tree: Mapping[str, Any], path: str) -> float | None:
    """The number at a dotted path of eval.json, such as `heldout.difference.interval.1` (the upper end).

    Returns:
        None where there is nothing, or something else than a number.
    """
    node: Any = tree
    for part in path.split("."):
        if isinstance(node, Sequence) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, Mapping) and part in node:
            node = node[part]
        else:
            return None
    return node if isinstance(node, int | float) and not isinstance(node, bool) else None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
