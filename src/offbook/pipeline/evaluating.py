"""Evaluation of a finished run: the character beside its base model, in eval.json and report.html."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from offbook.core import notebook
from offbook.core.atomic import atomic_write_json, atomic_write_text
from offbook.core.config import loading as configs
from offbook.core.config.schema import EvaluateConfig, RunConfig
from offbook.core.errors import OffbookError, UsageError
from offbook.core.json_file import read_or_empty
from offbook.core.metrics_log import read
from offbook.core.progress import NullReporter, Reporter
from offbook.core.rundir import RunDir
from offbook.core.sharing import Share, alone
from offbook.core.shell import offbook_command, shell_command
from offbook.core.types import Conversation, Turn
from offbook.data import loading
from offbook.data.messages import localized
from offbook.data.row_files import load_rows
from offbook.evaluation import html_report, responses, scorecard, verdict
from offbook.evaluation.learning_curve import LearningCurve
from offbook.evaluation.scorecard import About, Scorecard
from offbook.evaluation.verdict import Verdict
from offbook.models.storage import QUANTIZED, is_quantized
from offbook.models.weight_size import unquantized_fits
from offbook.pipeline.adapter_source import CharacterSource
from offbook.pipeline.base_and_tuned import BaseAndTuned
from offbook.pipeline.character import Character, open_character
from offbook.pipeline.dataset import examples_of, reading_options, with_system


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A scorecard and what it means."""

    card: Scorecard
    verdict: Verdict

    def _repr_html_(self) -> str:
        """The verdict as a notebook shows it."""
        findings = "\n".join(f"• {finding.text}" for finding in self.verdict.findings)
        return notebook.card(self.verdict.headline, text=findings)

    def to_json(self) -> dict[str, Any]:
        """What eval.json holds."""
        return {**self.card.to_json(), **self.verdict.to_json()}


def evaluate(
    source: CharacterSource,
    *,
    data: Path | None = None,
    prompts: int | None = None,
    lang: str | None = None,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Load a finished run and compare its character with the base model; see `evaluate_character`.

    Args:
        source: the run's character.
        data: rows to evaluate on; default: the run's own held-out rows.
        prompts: how many held-out prompts both models answer; default: what the run's config says.
        lang: language of verdict and page, en or zh; default: what the run's config says.
        reporter: is told what is being done.

    Returns:
        The scorecard with its verdict, which eval.json holds.

    Raises:
        UsageError: it is a bare adapter, or there is nothing to evaluate on.
    """
    if source.run is None:
        raise UsageError(
            "{adapter} is a bare adapter: it has no held-out rows to be evaluated on",
            "Name a run of offbook's.",
            adapter=source.adapter,
        )
    config = configs.load_stored(source.run.config)
    overrides = {
        "prompts": prompts or config.evaluate.prompts or EvaluateConfig().prompts,
        "lang": lang or config.evaluate.lang,
    }
    config = config.model_copy(update={"evaluate": config.evaluate.model_copy(update=overrides)})
    storage = config.model.storage
    if storage in QUANTIZED and unquantized_fits(source.base_model.path):
        storage = "bfloat16"
    character = open_character(source, dtype=config.model.dtype, storage=storage)
    return evaluate_character(source.run, character, config, data=data, reporter=reporter)


def evaluate_character(
    run: RunDir,
    character: Character,
    config: RunConfig,
    *,
    data: Path | None = None,
    reporter: Reporter | None = None,
    share: Share = alone,
) -> Evaluation:
    """Compare a run's character with its base model, and write eval.json and report.html into the run's folder.

    Args:
        run: where the rows are read and the verdict is written.
        character: the run's character, its adapter not merged.
        config: the run's settings; `evaluate` says how many prompts are answered, and in which language to report.
        data: rows to evaluate on; default: the run's own held-out rows.
        reporter: is told what is being done.
        share: shares the models' work out over the processes of a run, the others of which call `ask_models`.

    Returns:
        The scorecard with its verdict, which eval.json holds.

    Raises:
        UsageError: there is nothing to evaluate on.
    """
    reporter = reporter or NullReporter()
    if is_quantized(character.model):
        reporter.warning(
            "The verdict is about the base in {storage}, as it was trained on: there is no memory for the base as it "
            "was pulled. Chat, serve and export use that one.",
            storage=config.model.storage,
        )
    adapter = _identity(run.adapter)
    outputs = ask_models(run, character, config, data=data, reporter=reporter, share=share)
    about = About(
        run=run.name,
        character=character.persona.name,
        model=character.persona.base.source,
        step=read_or_empty(run.environment, dict).get("adapter_step"),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        command=_eval_command(run, config, data),
    )
    card = scorecard.scorecard(outputs, about)
    fewer_lines = LearningCurve.load(run.learning_curve)
    evaluation = Evaluation(card, verdict.judge(card, read(run.metrics), config.evaluate.lang, fewer_lines))
    if _identity(run.adapter) != adapter:
        raise OffbookError(
            "the run '{name}' got another adapter while this one was evaluated; nothing was written",
            "Evaluate it again: {command}",
            name=run.name,
            command=offbook_command("eval", run.path),
        )
    atomic_write_json(run.eval, evaluation.to_json())
    atomic_write_text(run.report, render_report(run, evaluation, config.evaluate.lang))
    return evaluation


def ask_models(
    run: RunDir,
    character: Character,
    config: RunConfig,
    *,
    data: Path | None = None,
    reporter: Reporter,
    share: Share = alone,
) -> responses.ModelOutputs:
    """All that base and tuned model have to say for a verdict; the arguments are those of `evaluate_character`."""
    return responses.collect(
        BaseAndTuned(character, config.data.max_length, reporter, share),
        train=character_rows(run),
        heldout=_evaluation_rows(run, character, config, data, reporter),
        sample_prompts=[
            tuple(character.with_system([Turn("user", prompt)])) for prompt in character.persona.sample_prompts
        ],
        prompts=config.evaluate.prompts,
        reporter=reporter,
    )


def _identity(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from one that took its place; None where there is none."""
    if not folder.is_dir():
        return None
    status = folder.stat()
    return status.st_ino, status.st_mtime_ns


def _evaluation_rows(
    run: RunDir, character: Character, config: RunConfig, data: Path | None, reporter: Reporter
) -> list[Conversation]:
    """The held-out rows of the run, or the new rows of the file, without those that leave no room for a reply."""
    rows = (
        load_rows(run.data / "heldout.jsonl") if data is None else _unseen_rows(run, character, config, data, reporter)
    )
    longest = config.data.max_length
    _, rejected = examples_of(rows, character.template, longest)
    if rejected and len(rejected) == len(rows):
        raise UsageError(
            "no row fits into the run's {longest} tokens: {detail}",
            "Give shorter rows: --data FILE.",
            longest=longest,
            detail=rejected[0].what,
        )
    if rejected:
        reporter.warning(
            "{count} of {total} rows are left out: no reply fits into the run's {longest} tokens",
            count=len(rejected),
            total=len(rows),
            longest=longest,
        )
    return [row for index, row in enumerate(rows) if index not in rejected]


def _unseen_rows(
    run: RunDir, character: Character, config: RunConfig, data: Path, reporter: Reporter
) -> list[Conversation]:
    """The file's rows under the character's prompt, without those that it was trained on."""
    # The file may have other columns than the rows of the run.
    options = replace(reading_options(config), columns={})
    loaded = loading.load([data], on_error=config.data.on_error, options=options)
    for bad in loaded.skipped:
        reporter.warning("skipped: {row}", row=bad)
    learned = {_dialogue(row) for row in load_rows(run.data / "train.jsonl")}
    unseen = [row for row in loaded.conversations if _dialogue(row) not in learned]
    if loaded.conversations and not unseen:
        raise UsageError(
            "the run was trained on every row of {data}",
            "Evaluate it on others: --data FILE.",
            data=data,
        )
    if seen := len(loaded.conversations) - len(unseen):
        reporter.warning(
            "{count} of {total} rows are left out: the run was trained on them",
            count=seen,
            total=len(loaded.conversations),
        )
    return [with_system(row, character.persona.system) for row in unseen]


def _dialogue(row: Conversation) -> tuple[tuple[str, str], ...]:
    """The row without its system prompt, as rows are compared."""
    return tuple((turn.role, turn.text) for turn in row.turns if turn.role != "system")


def render_report(run: RunDir, evaluation: Evaluation, lang: str) -> str:
    """The HTML of a run's report.html, from its evaluation and its folder."""
    return html_report.render(
        evaluation.card,
        evaluation.verdict,
        lang=lang,
        metrics=read(run.metrics),
        lines=[reply for row in character_rows(run) for reply in row.replies],
        data=localized(read_or_empty(run.data / "report.json", dict), lang),
        config=run.config.read_text(encoding="utf-8"),
        environment=read_or_empty(run.environment, dict),
        commands=["offbook train -c run.yaml", evaluation.card.about.command],
    )


def character_rows(run: RunDir) -> list[Conversation]:
    """The rows that the run learned the character from, without those that were replayed."""
    return [row for row in load_rows(run.data / "train.jsonl") if row.origin.kind == "character"]


def _eval_command(run: RunDir, config: RunConfig, data: Path | None) -> str:
    """The command that repeats the evaluation."""
    rows = [] if data is None else ["--data", str(data)]
    options = ["--prompts", str(config.evaluate.prompts), "--lang", config.evaluate.lang]
    return shell_command("offbook", "eval", run.name, *rows, *options)
