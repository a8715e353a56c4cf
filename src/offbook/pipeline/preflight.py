"""Mistakes that can be found without torch, so that they are told in an instant instead of after seconds of imports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from offbook.core.config.loading import load_stored
from offbook.core.config.schema import BASE, RunConfig, is_hub
from offbook.core.errors import UsageError
from offbook.core.registry import lookup
from offbook.core.run_lock import refuse_existing
from offbook.core.rundir import RunDir, runs_root
from offbook.core.shell import offbook_command
from offbook.data.formats import FORMATS
from offbook.data.sources import refuse_no_rows
from offbook.exporters.formats import Format, find_format
from offbook.hub.pull import check_source
from offbook.hub.push import parse_target
from offbook.models.layer_names import refuse_bad_patterns
from offbook.pipeline.adapter_source import CharacterSource, resolve_character
from offbook.pipeline.export_records import folder_to_push
from offbook.tokenization.builtin_templates import TEMPLATES
from offbook.tracking.trackers import check_names


def refuse_missing(config: RunConfig) -> None:
    """See that all of this computer that the config names is there, and that what lies elsewhere can be named so.

    Raises:
        UsageError: a data file, the model or the adapter to go on from is missing, or a name is none: of the model, a
            template, a format, a tracker, or a pattern of layers.
    """
    check_names(config.track.trackers)
    refuse_bad_patterns(config.lora.target_modules)
    for path in _data_files(config):
        refuse_missing_file(path)
        refuse_no_rows(path)
    check_source(config.model.source, config.model.revision)
    refuse_unknown_template(config.model.template)
    if config.data.format != "auto":
        lookup({"auto": None, **FORMATS}, config.data.format, "data format")
    if config.model.adapter is not None:
        resolve_character(config.model.adapter)


def refuse_unknown_template(name: str | None) -> None:
    """See that a built-in chat template has that name, where one is named.

    Raises:
        UsageError: there is none.
    """
    if name is not None:
        lookup(TEMPLATES, name, "chat template")


def export_target(
    source: CharacterSource, to: str, quant: str | None, out: str | Path | None, template: str | None
) -> tuple[Format, str, Path]:
    """The format of an export, its number format, and the folder that it is written to.

    Raises:
        UsageError: there is no such format or template, or something lies at that place.
    """
    kind, quant = find_format(to, quant)
    refuse_unknown_template(template)
    target = source.exports_dir / f"{to}-{quant}" if out is None else Path(out)
    if target.exists():
        raise UsageError(
            "{target} already exists",
            "Remove it, or name another folder with --out.",
            target=target,
        )
    return kind, quant, target


def refuse_unpushable(source: CharacterSource, target: str, what: str, quant: str | None) -> None:
    """See that a target of `push` names a repository on a hub, and that there is something to push, and a token.

    Raises:
        UsageError: there is not.
        GateMissed: the only export of that kind is too far from the adapter.
    """
    hub, _ = parse_target(target)
    folder_to_push(source, what, quant)
    hub.publish.check_token()


def refuse_unreadable(run: RunDir | None, data: str | Path | None) -> None:
    """See that the settings of a run that is to be judged can be read, and that the rows are there.

    Raises:
        UsageError: the settings are damaged, or there is no such file, or no rows in it.
    """
    if run is not None:
        load_stored(run.config)
    if data is not None:
        refuse_missing_file(Path(data))
        refuse_no_rows(Path(data))


def refuse_missing_file(path: Path) -> None:
    """See that a file or folder exists.

    Raises:
        UsageError: it does not.
    """
    if not path.exists():
        raise UsageError(
            "{path}: no such file",
            "Check the path, or make the file: {command}",
            path=path,
            command=offbook_command("extract", "FILE", "--role", "NAME", "--out", path),
        )


def refuse_finished(config: RunConfig, *, resume: bool, overwrite: bool) -> None:
    """See that training would not touch an existing run that is neither to be resumed nor to be overwritten.

    Raises:
        UsageError: it would, or both are asked for.
    """
    if resume and overwrite:
        raise UsageError("a run is resumed or overwritten, not both", "Leave out --resume or --overwrite.")
    run = RunDir(runs_root() / config.name)
    if not overwrite and not (resume and lacks_verdict(run)):
        refuse_existing(run, resume=resume)


def lacks_verdict(run: RunDir) -> bool:
    """Whether a run is finished but for its verdict: it was stopped, or the verdict failed, while that was made."""
    heldout = run.data / "heldout.jsonl"
    if not run.finished or run.eval.is_file() or not heldout.is_file() or not heldout.stat().st_size:
        return False
    return load_stored(run.config).evaluate.prompts > 0


def _data_files(config: RunConfig) -> Iterator[Path]:
    data = config.data
    sources = [data.source] if isinstance(data.source, str) else data.source
    replay = None if data.replay == BASE else data.replay
    for source in (*sources, data.heldout_source, replay):
        if source is not None and not is_hub(source):
            yield Path(source)
