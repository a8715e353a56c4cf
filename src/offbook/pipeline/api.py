"""The verbs as functions: what a person may have got wrong is looked at first, and torch is imported after that."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from offbook.core.config.loading import load as load_config
from offbook.core.config.schema import RunConfig
from offbook.core.launch import launched
from offbook.core.notebook import starting_reporter
from offbook.core.progress import Reporter
from offbook.core.rundir import RunDir, list_runs
from offbook.pipeline import preflight
from offbook.pipeline.adapter_source import resolve_character
from offbook.pipeline.results import TrainResult

if TYPE_CHECKING:
    from offbook.data.extract import Extraction
    from offbook.pipeline.character import Character
    from offbook.pipeline.checking import ShowPlan
    from offbook.pipeline.evaluating import Evaluation
    from offbook.pipeline.exporting import ExportResult


def extract(
    files: str | Path | Sequence[str | Path],
    role: str,
    *,
    out: str | Path | None = None,
    format: str = "auto",
    aliases: Iterable[tuple[str, str]] = (),
    context: int = 0,
    keep_actions: bool = False,
    min_confidence: float | None = None,
) -> Extraction:
    """Take a character's lines out of scripts, novels, chat logs and subtitles.

    Args:
        files: one file or several.
        role: the character's name.
        out: the JSONL file to write the rows to; default: none is written.
        format: what the files are; default: told from each.
        aliases: pairs of names that are one person.
        context: turns before the prompt that a row carries along.
        keep_actions: leave stage directions and actions in the texts.
        min_confidence: take only lines whose speaker is so certain, from 0 to 1; default: those that are sure.

    Returns:
        The rows, and a summary of what was taken and what was left out and why.

    Raises:
        UsageError: a file cannot be read, nobody of that name speaks, or `out` holds something else already.
    """
    from offbook.data import extract as extraction

    paths = [Path(files)] if isinstance(files, str | Path) else [Path(file) for file in files]
    if out is not None:
        extraction.check_place(Path(out), paths)
    result = extraction.extract(
        paths,
        role,
        format=format,
        aliases=aliases,
        context=context,
        keep_actions=keep_actions,
        min_confidence=extraction.SURE if min_confidence is None else min_confidence,
    )
    if out is not None:
        extraction.save(result.rows, Path(out))
    return result


def check(
    config: RunConfig | str | Path, *, reporter: Reporter | None = None, show: ShowPlan | None = None
) -> dict[str, Any]:
    """Find out everything that can be known before training; writes nothing.

    Args:
        config: the run's settings, or the path of its run.yaml.
        reporter: takes the events of the work; default: drawn in a notebook, else dropped.
        show: called with the setup and its report.

    Returns:
        The report: the JSON of `offbook check`.

    Raises:
        UsageError: data, model or settings are at fault.
    """
    config = _config(config)
    preflight.refuse_missing(config)
    began = time.monotonic()
    reporter = starting_reporter(reporter)
    from offbook.pipeline import checking

    return checking.check(config, reporter=reporter, show=show, began=began)


def check_data(config: RunConfig | str | Path, *, reporter: Reporter | None = None) -> dict[str, Any]:
    """Find out what can be known about the rows alone, without a model; writes nothing.

    Args:
        config: the run's settings, or the path of its run.yaml.
        reporter: takes the events of the work; default: drawn in a notebook, else dropped.

    Raises:
        UsageError: a file or row is bad.
    """
    config = _config(config)
    reporter = starting_reporter(reporter)
    from offbook.pipeline.dataset import read_rows, report_of_rows

    return report_of_rows(read_rows(config, reporter), reporter)


def train(
    config: RunConfig | str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    allow_inexact: bool = False,
    processes: int | Literal["auto"] = 1,
    timeout: float | None = None,
    reporter: Reporter | None = None,
    show_plan: ShowPlan | None = None,
) -> TrainResult:
    """Train a run to its end; its folder then holds the adapter, the metrics, the loss curve and the verdict.

    Args:
        config: the run's settings, or the path of its run.yaml.
        resume: go on from the newest checkpoint that is whole (from the start if there is none), or make the verdict if
            that is all that is missing.
        overwrite: start anew over an existing run.
        allow_inexact: resume although data, config or versions have changed since.
        processes: how many share each step on this machine ("auto": as it has room); a launcher's number goes first.
        timeout: seconds to wait for another process; default: ten minutes.
        reporter: takes the events of the work; default: drawn in a notebook, else dropped.
        show_plan: called with the setup and its report before the first step.

    Returns:
        The run's folder, with its best step and its losses.

    Raises:
        UsageError: config, data or model are at fault, or the run already exists.
        Stopped: a signal ended it after saving.
        OffbookError: it diverged, or memory or disk ran out.
    """
    config = _config(config)
    launch = launched()
    resume, overwrite = resume or launch.restarts > 0, overwrite and not launch.restarts
    if not launch.rank:
        preflight.refuse_finished(config, resume=resume, overwrite=overwrite)
    preflight.refuse_missing(config)
    began = time.monotonic()
    if not launch.rank:
        reporter = starting_reporter(reporter)
    from offbook.pipeline import training

    run = training.train(
        config,
        resume=resume,
        overwrite=overwrite,
        allow_inexact=allow_inexact,
        processes=processes,
        timeout=timeout,
        reporter=reporter,
        show_plan=show_plan,
        began=began,
    )
    return TrainResult(run.path)


def evaluate(
    run: str | Path | RunDir,
    *,
    data: str | Path | None = None,
    prompts: int | None = None,
    lang: str | None = None,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Compare a run's character with its base model on rows that it was not trained on; writes eval.json, report.html.

    Args:
        run: a run, its folder or its name.
        data: rows to evaluate on; default: the run's own held-out rows.
        prompts: how many prompts both models answer; default: what the run's config says.
        lang: language of verdict and page, en or zh; default: what the run's config says.
        reporter: takes the events of the work; default: drawn in a notebook, else dropped.

    Returns:
        The scorecard with its verdict.

    Raises:
        UsageError: there is no such run, it is not trained, or there is nothing to evaluate on.
    """
    reporter = starting_reporter(reporter)
    source = resolve_character(_path(run), reporter=reporter)
    preflight.refuse_unreadable(source.run, data)
    from offbook.pipeline import evaluating

    return evaluating.evaluate(
        source, data=None if data is None else Path(data), prompts=prompts, lang=lang, reporter=reporter
    )


def export(
    run: str | Path | RunDir,
    to: str,
    *,
    quant: str | None = None,
    out: str | Path | None = None,
    base_model: str | None = None,
    template: str | None = None,
    reporter: Reporter | None = None,
) -> ExportResult:
    """Write a copy of the character for other programs, and release it only if it equals the adapter.

    Args:
        run: a run, its folder or its name, or a bare PEFT adapter folder.
        to: merged, gguf, ollama or lora.
        quant: number format; default: the format's first.
        out: the folder to write; default: `export/FORMAT-QUANT` in the run.
        base_model: source of the base model, as for `load`.
        template: a built-in chat template by name, as for `load`.
        reporter: takes the events of the work; default: drawn in a notebook, else dropped.

    Raises:
        UsageError: run, format or number format are at fault, or the folder already exists.
        GateMissed: the copy differs too much; it is kept under a name that ends in `-missed-parity`.
    """
    reporter = starting_reporter(reporter)
    source = resolve_character(_path(run), base_model=base_model, reporter=reporter)
    preflight.export_target(source, to, quant, out, template)
    from offbook.pipeline import exporting

    return exporting.export(
        source, to, quant=quant, out=None if out is None else Path(out), template=template, reporter=reporter
    )


def push(
    run: str | Path | RunDir,
    target: str,
    *,
    what: str = "adapter",
    quant: str | None = None,
    private: bool = True,
    base_model: str | None = None,
    reporter: Reporter | None = None,
) -> str:
    """Put a character on a hub, with a card: its adapter, or an export that was proved equal to it.

    Args:
        run: as for `export`.
        target: ms:ORG/NAME or hf:ORG/NAME; made if it is not there, left alone if it holds something else.
        what: `adapter`, or the format of an export that lies in the run: `merged`, `gguf` …
        quant: the export's number format, where there are several.
        private: make the repository visible to its owner alone.
        base_model: source of the base model, as for `load`.
        reporter: takes the events of the work; default: drawn in a notebook, else dropped.

    Returns:
        The address of the repository's page.

    Raises:
        UsageError: run, repository or token are at fault, or the repository holds something else.
        GateMissed: the export is too far from the adapter.
        OffbookError: the upload failed; push again to go on with it.
    """
    reporter = starting_reporter(reporter)
    source = resolve_character(_path(run), base_model=base_model, reporter=reporter)
    preflight.refuse_unpushable(source, target, what, quant)
    from offbook.pipeline import pushing

    return pushing.push(source, target, what=what, quant=quant, private=private, reporter=reporter)


def load(
    run: str | Path | RunDir,
    *,
    base_model: str | None = None,
    dtype: str = "auto",
    template: str | None = None,
    merge: bool = False,
    reporter: Reporter | None = None,
) -> Character:
    """Load the character of a run, or of a bare PEFT adapter folder.

    Args:
        run: a run, its folder or its name, or a PEFT adapter folder.
        base_model: source of the base model; needed where the adapter does not name one, or to override it.
        dtype: number format of the weights, as in `model.dtype` of run.yaml.
        template: a built-in chat template by name, for a bare adapter whose base model has none.
        merge: merge the adapter into the weights if that is exact; the base model is then not available.
        reporter: takes the events of a download; default: drawn in a notebook, else dropped.

    Raises:
        UsageError: there is no such run, it is not trained yet, or adapter and base model do not belong together.
    """
    reporter = starting_reporter(reporter)
    preflight.refuse_unknown_template(template)
    source = resolve_character(_path(run), base_model=base_model, reporter=reporter)
    from offbook.pipeline.character import open_character

    return open_character(source, dtype=dtype, template=template, merge=merge)


def runs() -> list[RunDir]:
    """All runs in runs/ (or where OFFBOOK_RUNS points), newest first."""
    return list_runs()


def _config(config: RunConfig | str | Path) -> RunConfig:
    return config if isinstance(config, RunConfig) else load_config(config)


def _path(run: str | Path | RunDir) -> str | Path:
    return run.path if isinstance(run, RunDir) else run
