"""From a config to what training needs: the model's folder, its tokenizer and template, rows, split, examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from offbook.core.config.schema import BASE, DataConfig, RunConfig, is_hub
from offbook.core.errors import UsageError
from offbook.core.persona import add_system
from offbook.core.types import Conversation, Example
from offbook.data import formats, leakage, mixing, quality, split
from offbook.hub import pull
from offbook.tokenization.chat_template import ChatTemplate


@dataclass
class Material:
    """The data's side of a run: what is learned from, what is judged on, and what was left out and why."""

    conversations: list[Conversation]
    """All usable rows of the character's, before the split."""
    train: list[Conversation]
    heldout: list[Conversation]
    skipped: list[str]
    """Rows that were left out because they are bad, each with its file, line and reason."""
    too_long: list[str]
    """Rows that were left out because their prompts alone fill `data.max_length`."""
    removed: int
    """Rows that `data.dedupe` and `data.max_per_prompt` took out."""
    dropped: int
    """Rows that stand on neither side of the split, because they resemble one of the other side."""
    leak: dict[str, Any] | None
    """What is on both sides of the split, measured afresh, beside a random split's; None where nothing is held out."""
    general: list[Conversation]
    """What `data.replay` names, to choose from; of the base model's own answers nothing is known yet."""
    replay_rows: int = 0
    """How many of them stand at the end of `train`."""
    examples: list[Example] = field(default_factory=list)
    heldout_examples: list[Example] = field(default_factory=list)

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


def read_material(config: RunConfig) -> Material:
    """Rows → conversations with the persona's system prompt, split into what is learned and what is judged on.

    Raises:
        UsageError: a file or row is bad, or nothing is left to learn from.
    """
    data = config.data
    if data.replay == BASE and config.persona.system is None:
        raise UsageError(
            "data.replay base needs a system prompt: else the model is asked in the same way as itself and in its part",
            "Give the character one: --persona.system 'You are …'. Or train without: --data.replay null",
        )
    sources = [data.source] if isinstance(data.source, str) else data.source
    loaded = formats.load(_local(sources), data.format, data.on_error)
    kept = quality.deduplicate(loaded.conversations, data.dedupe, data.max_per_prompt)
    if data.heldout_source is not None:
        judged = formats.load(_local([data.heldout_source]), data.format, data.on_error).conversations
        parts = split.against(kept, judged)
    else:
        parts = split.split(kept, data.heldout, data.seed)
    leaked = leakage.measure(parts, data.seed).to_dict() if parts.heldout else None
    train = [with_system(conversation, config.persona.system) for conversation in parts.train]
    heldout = [with_system(conversation, config.persona.system) for conversation in parts.heldout]
    general = _general(data)
    if not train:
        raise UsageError("no row is left to learn from", "Lower --data.heldout, or give more rows.")
    skipped = [str(bad) for bad in loaded.skipped]
    removed = len(loaded.conversations) - len(kept)
    return Material(loaded.conversations, train, heldout, skipped, [], removed, len(parts.dropped), leaked, general)


def _general(data: DataConfig) -> list[Conversation]:
    """The rows of `data.replay`; the base model has to be loaded before it can say anything."""
    if data.replay is None or data.replay == BASE:
        return []
    return formats.load(_local([data.replay]), "auto", data.on_error).conversations


def tokenize(material: Material, template: ChatTemplate, config: RunConfig) -> None:
    """Fill in the material's examples; where bad rows are skipped, a row without one is taken off its pile.

    Raises:
        UsageError: a row has nothing to learn within `data.max_length` (unless bad rows are skipped).
    """
    for rows, examples in (
        (material.train, material.examples),
        (material.heldout, material.heldout_examples),
    ):
        found, refused = examples_of(rows, template, config.data.max_length)
        if refused and config.data.on_error == "stop":
            raise next(iter(refused.values()))
        rows[:] = [row for index, row in enumerate(rows) if index not in refused]
        examples += found
        material.too_long += [error.what for error in refused.values()]
    if not material.examples:
        raise UsageError("no row has anything to learn within data.max_length", "Raise --data.max_length.")


def add_replay(material: Material, general: Sequence[Conversation], template: ChatTemplate, config: RunConfig) -> None:
    """Put general rows and their examples beside the character's.

    Raises:
        UsageError: a row of a file's does not fit `data.max_length` (unless bad rows are skipped).
    """
    data = config.data
    rows = mixing.choose(general, len(material.train), data.replay_share, data.seed)
    examples, refused = examples_of(rows, template, data.max_length)
    if refused and data.on_error == "stop" and data.replay != BASE:
        raise next(iter(refused.values()))
    material.train += [row for index, row in enumerate(rows) if index not in refused]
    material.examples += examples
    material.too_long += [error.what for error in refused.values()]
    material.replay_rows = len(rows) - len(refused)


def examples_of(
    rows: Sequence[Conversation], template: ChatTemplate, max_length: int
) -> tuple[list[Example], dict[int, UsageError]]:
    """The training sequences of the rows, and by its place each row that has none, with the reason."""
    examples: list[Example] = []
    refused: dict[int, UsageError] = {}
    for index, row in enumerate(rows):
        try:
            examples += template.examples(row, max_length)
        except UsageError as error:
            refused[index] = error
    return examples, refused


def with_system(conversation: Conversation, system: str | None) -> Conversation:
    """The conversation under the persona's system prompt, unless the row has one of its own."""
    return replace(conversation, turns=add_system(conversation.turns, system))


def _local(sources: Sequence[str]) -> list[Path]:
    return [pull.pull_dataset(source) if is_hub(source) else Path(source) for source in sources]
