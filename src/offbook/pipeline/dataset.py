"""From a config to the training sequences, as frozen values whose types give the order of the work.

rows = read_rows(config)                              # SplitRows: what is learned and what is held out
dataset = tokenize(rows, template, config.data)       # Dataset: the same rows with their token ids
dataset = dataset.with_replay(general, template, config.data)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from offbook.core.config.schema import BASE, DataConfig, PersonaConfig, RunConfig, is_hub
from offbook.core.errors import UsageError
from offbook.core.i18n import marked
from offbook.core.persona import add_system
from offbook.core.progress import CountProgress, NullReporter, Reporter, counted, uncounted
from offbook.core.shell import offbook_command
from offbook.core.types import Conversation, Example
from offbook.data import leakage, loading, mixing, quality, split
from offbook.data.extract.formats import EXTRACTORS, choose
from offbook.hub import pull
from offbook.tokenization.chat_template import ChatTemplate


@dataclass(frozen=True, slots=True)
class SplitRows:
    """The rows of a run under the persona's system prompt, split into what is learned and what is held out."""

    conversations: tuple[Conversation, ...]
    """All usable rows of the character's as they stand in the files, before duplicates are removed and the split."""
    train: tuple[Conversation, ...]
    heldout: tuple[Conversation, ...]
    replay: tuple[Conversation, ...]
    """Rows of the file that `data.replay` names, to choose from; empty where it names none, or the base model."""
    skipped: tuple[str, ...]
    """Unusable rows, each with its file, line and reason."""
    left_out: dict[str, int]
    """Why rows that are understood are not learned → how many."""
    unread: dict[str, int]
    """Columns that hold text and are not read → in how many rows."""
    removed: int
    """Rows that `data.dedupe` and `data.max_per_prompt` took out."""
    dropped: int
    """Rows that are on neither side of the split, because they resemble one of the other side."""
    leak: dict[str, Any] | None
    """Near-duplicates across the split, beside those of a random split; None where nothing is held out."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The rows of a run and the training sequences made of them."""

    rows: SplitRows
    """The rows as they were read, before those without a training sequence were left out."""
    train: tuple[Conversation, ...]
    """Rows that are learned, the replayed ones included (`Conversation.origin.kind` tells them apart)."""
    heldout: tuple[Conversation, ...]
    examples: tuple[Example, ...]
    """The training sequences of `train`, in the order of its rows; a row may have several."""
    heldout_examples: tuple[Example, ...]
    too_long: tuple[str, ...]
    """Rows whose prompts alone fill `data.max_length`, each with its file, line and reason."""

    @property
    def replay_rows(self) -> int:
        """How many rows of `train` are replayed ones."""
        return sum(row.origin.kind == "replay" for row in self.train)

    @property
    def truncated(self) -> int:
        """Training sequences that lost turns or the end of a reply to `data.max_length`."""
        return sum(bool(example.dropped_turns or example.cut_tokens) for example in self.examples)

    @property
    def sha256(self) -> str:
        """Hash of everything that training sees, in order; a resume must find the same."""
        digest = sha256()
        for example in [*self.examples, *self.heldout_examples]:
            digest.update(repr((example.ids, example.labels)).encode())
        return digest.hexdigest()

    def with_replay(self, general: Sequence[Conversation], template: ChatTemplate, data: DataConfig) -> Dataset:
        """The dataset with a choice of general rows behind the character's own, `data.replay_share` of the whole.

        Raises:
            UsageError: a row of a file does not fit `data.max_length` (unless bad rows are skipped).
        """
        chosen = mixing.choose(general, len(self.train), data.replay_share, data.seed)
        rows = [replace(row, origin=replace(row.origin, kind="replay")) for row in chosen]
        examples, rejected = examples_of(rows, template, data.max_length)
        if data.replay != BASE:  # the base model's own answers may be of any length
            _refuse(rejected, data)
        return replace(
            self,
            train=(*self.train, *_without(rows, rejected)),
            examples=(*self.examples, *examples),
            too_long=(*self.too_long, *(error.what for error in rejected.values())),
        )


def read_rows(config: RunConfig, reporter: Reporter | None = None) -> SplitRows:
    """Read the rows, put the persona's system prompt before each, and split them.

    Args:
        config: the run's settings.
        reporter: is told what is read, and shows the download of what lies on a hub.

    Raises:
        UsageError: a file or row is bad, or nothing is left to learn from.
    """
    data, system = config.data, config.persona.system
    if data.replay == BASE and system is None:
        raise UsageError(
            "data.replay base needs a system prompt: without one the model cannot tell the character from itself",
            "Give the character one: --persona.system 'You are …'. Or train without: --data.replay null",
        )
    reporter = reporter or NullReporter()
    sources = [data.source] if isinstance(data.source, str) else data.source
    files = _local(sources, reporter)
    reporter.stage("Reading {files}", files=", ".join(sources))
    loaded = _load(files, config)
    kept = quality.deduplicate(loaded.conversations, data.dedupe, data.max_per_prompt)
    parts = _split(kept, config, reporter)
    leak = None
    if parts.heldout:
        progress = _bar(reporter, len(kept), marked("Comparing what is held out with {count} rows, twice"))
        leak = leakage.measure(parts, data.seed, progress).to_dict()
    general = _replay_file(data, reporter)
    if not parts.train:
        raise UsageError("no row is left to learn from", "Lower --data.heldout, or give more rows.")
    return SplitRows(
        conversations=tuple(loaded.conversations),
        train=tuple(with_system(row, system) for row in parts.train),
        heldout=tuple(with_system(row, system) for row in parts.heldout),
        replay=tuple(general),
        skipped=tuple(map(str, loaded.skipped)),
        left_out=loaded.left_out,
        unread=dict(loaded.unread.most_common()),
        removed=len(loaded.conversations) - len(kept),
        dropped=len(parts.dropped),
        leak=leak,
    )


def _load(files: Sequence[Path], config: RunConfig) -> loading.Loaded:
    """The rows of files; a chat is one whose messages are no rows yet.

    Raises:
        UsageError: a file or row is bad, or a chat; the error says how rows are made of it.
    """
    try:
        return loading.load(files, config.data.format, config.data.on_error, reading_options(config))
    except loading.NoRowsError as error:
        if not _is_chat(error.file):
            raise
        raise UsageError(
            "{path} holds no rows but a chat, or lines with the names of those who say them",
            "See who speaks: {listing}; then make rows of it, and train on them: {extraction}",
            path=error.file,
            listing=offbook_command("extract", error.file, "--list"),
            extraction=offbook_command("extract", error.file, "--role", "NAME", "--out", "rows.jsonl"),
        ) from None


def _is_chat(path: Path) -> bool:
    try:
        return EXTRACTORS[choose(path, "auto")].is_chat
    except UsageError:
        return False


def report_of_rows(rows: SplitRows, reporter: Reporter) -> dict[str, Any]:
    """What is known about rows and split without a model: a part of the JSON of `offbook check`."""
    progress = _bar(reporter, len(rows.conversations), marked("Looking for what is wrong with {count} rows"), "part")
    return {
        "rows": len(rows.conversations) + len(rows.skipped),
        **quality.report(rows.conversations, progress),
        "heldout_rows": len(rows.heldout),
        "heldout_places": [(row.origin.file, row.origin.line) for row in rows.heldout],
        "removed": rows.removed,
        "dropped": rows.dropped,
        "leak": rows.leak,
        "skipped": list(rows.skipped),
        "left_out": rows.left_out,
        "unread_columns": rows.unread,
    }


def tokenize(rows: SplitRows, template: ChatTemplate, data: DataConfig, reporter: Reporter | None = None) -> Dataset:
    """Make the training sequences of the rows; where bad rows are skipped, a row that has none is left out.

    Raises:
        UsageError: a row has nothing to learn within `data.max_length` (unless bad rows are skipped).
    """
    progress = _bar(reporter or NullReporter(), len(rows.train), marked("Tokenizing {count} rows"))
    examples, rejected = examples_of(rows.train, template, data.max_length, progress)
    heldout_examples, rejected_heldout = examples_of(rows.heldout, template, data.max_length)
    _refuse(rejected or rejected_heldout, data)
    if not examples:
        raise UsageError("no row has anything to learn within data.max_length", "Raise --data.max_length.")
    return Dataset(
        rows=rows,
        train=_without(rows.train, rejected),
        heldout=_without(rows.heldout, rejected_heldout),
        examples=tuple(examples),
        heldout_examples=tuple(heldout_examples),
        too_long=tuple(error.what for error in [*rejected.values(), *rejected_heldout.values()]),
    )


def examples_of(
    rows: Sequence[Conversation], template: ChatTemplate, max_length: int, progress: CountProgress = uncounted
) -> tuple[list[Example], dict[int, UsageError]]:
    """The training sequences of the rows, and the reason for each row that has none, by its index."""
    examples: list[Example] = []
    rejected: dict[int, UsageError] = {}
    for index, row in enumerate(counted(rows, progress)):
        try:
            examples += template.examples(row, max_length)
        except UsageError as error:
            rejected[index] = error
    return examples, rejected


def reading_options(config: RunConfig) -> loading.ReadingOptions:
    """How the character's rows are read, beyond their format."""
    unnamed = PersonaConfig().name  # the default is nobody's name
    name = None if config.persona.name == unnamed else config.persona.name
    return loading.ReadingOptions(config.data.columns, config.data.placeholders, name)


def with_system(conversation: Conversation, system: str | None) -> Conversation:
    """The conversation under the persona's system prompt, unless the row has one of its own."""
    return replace(conversation, turns=add_system(conversation.turns, system))


def _split(rows: Sequence[Conversation], config: RunConfig, reporter: Reporter) -> split.Split:
    """The split that the config asks for: drawn from the rows, or against a file of the user's."""
    data = config.data
    if data.heldout_source is None:
        progress = _bar(reporter, len(rows), marked("Comparing {count} rows with each other"))
        return split.split(rows, data.heldout, data.seed, progress)
    judged = loading.load(_local([data.heldout_source], reporter), data.format, data.on_error, reading_options(config))
    return split.against(rows, judged.conversations)


MANY_ROWS = 5_000
"""With fewer, no stage takes as long as reading what it is called."""


def _bar(reporter: Reporter, count: int, stage: str, unit: str = "row") -> CountProgress:
    """Begin a stage that goes through all rows, and count them; of few rows nothing is told."""
    if count < MANY_ROWS:
        return uncounted
    reporter.stage(stage, count=f"{count:,}")
    return partial(reporter.progress, unit=unit)


def _replay_file(data: DataConfig, reporter: Reporter) -> list[Conversation]:
    """The rows of the file that `data.replay` names; what the base model says is not known before it is loaded."""
    if data.replay is None or data.replay == BASE:
        return []
    anybodys = loading.ReadingOptions(of_anybody=True)
    return loading.load(_local([data.replay], reporter), "auto", data.on_error, anybodys).conversations


def _refuse(rejected: dict[int, UsageError], data: DataConfig) -> None:
    """Raise the first of the errors, unless bad rows are skipped."""
    if rejected and data.on_error == "stop":
        raise next(iter(rejected.values()))


def _without(rows: Iterable[Conversation], rejected: dict[int, UsageError]) -> tuple[Conversation, ...]:
    return tuple(row for index, row in enumerate(rows) if index not in rejected)


def _local(sources: Sequence[str], reporter: Reporter) -> list[Path]:
    """The sources as files and folders on this computer; those of a hub are downloaded."""
    return [pull.pull_dataset(source, reporter=reporter) if is_hub(source) else Path(source) for source in sources]
