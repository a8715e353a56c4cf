"""From a finished run to its verdict: eval.json and report.html."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from offbook.core.atomic import atomic_write_json, atomic_write_text
from offbook.core.config import loading as configs
from offbook.core.config.schema import EvaluateConfig, RunConfig
from offbook.core.errors import UsageError
from offbook.core.metrics_log import read
from offbook.core.progress import NullReporter, Reporter
from offbook.core.rundir import RunDir, find_run
from offbook.core.types import Conversation, Reply, Score, Turn
from offbook.data import formats
from offbook.data.row_files import load_rows
from offbook.evaluation import comparison as comparing
from offbook.evaluation import html_report, responses, scorecard, thresholds, verdict
from offbook.generation import batch, decoder, scoring
from offbook.pipeline import character as characters
from offbook.pipeline.character import Character
from offbook.pipeline.dataset import examples_of, with_system


@dataclass
class Pair:
    """A character's model with and without its adapter, as an evaluation asks them."""

    character: Character
    max_length: int

    def score(self, conversations: Sequence[Conversation], *, whole: bool = False) -> list[Score]:
        """See `evidence.Models.score`."""
        template, longest = self.character.template, sys.maxsize if whole else self.max_length
        return scoring.score(
            self.character.model, [template.examples(conversation, longest) for conversation in conversations]
        )

    def reply(self, prompts: Sequence[responses.Prompt], *, tuned: bool) -> list[Reply]:
        """See `evidence.Models.reply`."""
        character = self.character
        ids = [character.template.prompt_ids(turns) for turns in prompts]
        with decoder.adapter_enabled(character.model, tuned=tuned):
            return batch.generate(
                character.model,
                character.template.tokenizer,
                ids,
                character.persona.generation,
                character.stop_ids,
            )


def evaluate(
    name: str | Path,
    *,
    data: Path | None = None,
    prompts: int | None = None,
    lang: str | None = None,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Load a finished run and judge it; see `judge`.

    Args:
        data: rows to judge on; default: the run's own held-out rows.
        prompts: how many held-out prompts both models answer; default: what the run's config says.
        lang: language of verdict and page, en or zh; default: what the run's config says.

    Raises:
        UsageError: the run is not trained, or there is nothing to judge on.
    """
    run = find_run(name)
    config = configs.load(run.config)
    told = {
        "prompts": prompts or config.evaluate.prompts or EvaluateConfig().prompts,
        "lang": lang or config.evaluate.lang,
    }
    config = config.model_copy(update={"evaluate": config.evaluate.model_copy(update=told)})
    character = characters.load_character(run.path, dtype=config.model.dtype, reporter=reporter)
    return judge(run, character, config, data=data, reporter=reporter)


def judge(
    run: RunDir, character: Character, config: RunConfig, *, data: Path | None = None, reporter: Reporter | None = None
) -> dict[str, Any]:
    """Judge a run's character, base beside tuned, and write eval.json and report.html into the run's folder.

    Returns:
        The scorecard with its verdict: what eval.json holds.

    Raises:
        UsageError: there is nothing to judge on.
    """
    reporter = reporter or NullReporter()
    found = responses.collect(
        Pair(character, config.data.max_length),
        train=_lines(run),
        heldout=_judged_on(run, character, config, data, reporter),
        sample_prompts=[
            tuple(character.with_system([Turn("user", probe)])) for probe in character.persona.sample_prompts
        ],
        prompts=config.evaluate.prompts,
        reporter=reporter,
    )
    about = {
        "run": run.name,
        "character": character.persona.name,
        "model": character.persona.base.source,
        "step": _read_json(run.environment).get("adapter_step"),
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": _command(run, config, data),
    }
    lang = config.evaluate.lang
    card = _with_verdict({"about": about, **scorecard.scorecard(found)}, run, lang)
    atomic_write_json(run.eval, card)
    atomic_write_text(run.report, page(run, card, lang))
    return card


def _judged_on(
    run: RunDir, character: Character, config: RunConfig, data: Path | None, reporter: Reporter
) -> list[Conversation]:
    """The rows to judge on: the run's own or the file's, without those that leave no room for a reply."""
    rows = load_rows(run.data / "heldout.jsonl") if data is None else _unseen(run, character, config, data, reporter)
    longest = config.data.max_length
    _, refused = examples_of(rows, character.template, longest)
    if refused and len(refused) == len(rows):
        raise UsageError(f"no row fits the run's {longest} tokens: {refused[0].what}", "Give shorter rows: --data.")
    if refused:
        reporter.warning(
            "{count} of {total} rows are left out: no reply fits within the run's {longest} tokens",
            count=len(refused),
            total=len(rows),
            longest=longest,
        )
    return [row for index, row in enumerate(rows) if index not in refused]


def _unseen(run: RunDir, character: Character, config: RunConfig, data: Path, reporter: Reporter) -> list[Conversation]:
    """The file's rows under the character's prompt, without those that it was trained on."""
    loaded = formats.load([data], on_error=config.data.on_error)
    for bad in loaded.skipped:
        reporter.warning("skipped: {row}", row=bad)
    learned = {_spoken(row) for row in load_rows(run.data / "train.jsonl")}
    unseen = [row for row in loaded.conversations if _spoken(row) not in learned]
    if loaded.conversations and not unseen:
        raise UsageError(f"the run was trained on every row of {data}", "Judge it on others: --data FILE.")
    if seen := len(loaded.conversations) - len(unseen):
        reporter.warning(
            "{count} of {total} rows are left out: the run was trained on them",
            count=seen,
            total=len(loaded.conversations),
        )
    return [with_system(row, character.persona.system) for row in unseen]


def _spoken(row: Conversation) -> tuple[tuple[str, str], ...]:
    return tuple((turn.role, turn.text) for turn in row.turns if turn.role != "system")


def page(run: RunDir, card: dict[str, Any], lang: str) -> str:
    """report.html of a run, from its scorecard and its folder."""
    return html_report.render(
        card,
        lang=lang,
        metrics=read(run.metrics),
        lines=[reply for row in _lines(run) for reply in row.replies],
        data=_read_json(run.data / "report.json"),
        config=run.config.read_text(encoding="utf-8"),
        environment=_read_json(run.environment),
        commands=["offbook train -c run.yaml", card["about"]["command"]],
    )


def _command(run: RunDir, config: RunConfig, data: Path | None) -> str:
    """What somebody would type to be told the same."""
    on = [] if data is None else ["--data", str(data)]
    return shlex.join(
        ["offbook", "eval", run.name, *on, "--prompts", str(config.evaluate.prompts), "--lang", config.evaluate.lang]
    )


def _lines(run: RunDir) -> list[Conversation]:
    """The character's own rows among the learned ones: what was mixed in stands behind them."""
    rows = load_rows(run.data / "train.jsonl")
    return rows[: len(rows) - _read_json(run.data / "report.json").get("replay_rows", 0)]


def compare_runs(names: Sequence[str], lang: str = "en") -> dict[str, Any]:
    """Evaluated runs side by side, paired; see `offbook.evaluation.comparison`.

    Raises:
        UsageError: fewer than two runs, or one that was not evaluated.
    """
    cards = {}
    runs = [find_run(name) for name in names]
    for run in runs:
        if not run.eval.is_file():
            raise UsageError(f"the run '{run.name}' was not evaluated yet", f"Do it: offbook eval {run.path}")
        namesakes = sum(other.name == run.name for other in runs)
        cards[run.name if namesakes == 1 else str(run.path)] = _read_json(run.eval)
    return comparing.compare(cards, lang)


def check_gate(card: dict[str, Any], bounds: Sequence[thresholds.Bound]) -> None:
    """Raise GateMissed where the scorecard misses a bound; see `offbook.evaluation.thresholds`."""
    thresholds.check_bounds(card, bounds)


def _with_verdict(card: dict[str, Any], run: RunDir, lang: str) -> dict[str, Any]:
    found = verdict.findings(card, read(run.metrics), lang)
    return {**card, "headline": verdict.headline(found, lang), "verdict": [each.as_json() for each in found]}


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
