"""The command `offbook sweep`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offbook.cli.command import Command, FilePath
from offbook.cli.echo import echo
from offbook.cli.json_output import json_option, print_json
from offbook.core.config import loading
from offbook.core.config.schema import RunConfig
from offbook.core.progress import Reporter
from offbook.core.rundir import RunDir, runs_root

if TYPE_CHECKING:
    from offbook.pipeline.sweep.options import SweepOptions


@click.command(
    cls=Command,
    epilog="Example:  offbook sweep -c hamlet/run.yaml --over train.learning_rate=1e-4..4e-3 --over lora.rank=4,8,16",
)
@click.option(
    "-c",
    "--config",
    "config_files",
    type=FilePath(path_type=Path),
    metavar="PATH",
    multiple=True,
    required=True,
    help="The settings that all trials share (run.yaml); several are worked through one after the other.",
)
@click.option(
    "--over",
    multiple=True,
    metavar="KEY=VALUES",
    help="What is tried: KEY=LOW..HIGH (a range) or KEY=A,B,C (a choice). Without any: each config once.",
)
@click.option("--trials", type=click.IntRange(min=1), default=20, show_default=True, help="How many are tried.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Workers on this machine.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the choice of values.")
@click.option("--name", help="Name of the sweep. Default: the config's.")
@click.option("--storage", metavar="URL", help="A database instead of the journal in the runs folder (postgresql://…).")
@click.option("--pareto", is_flag=True, help="Keep forgetting as a second aim, beside the held-out loss.")
@click.option("--max-forgetting", type=float, help="Use no trial that forgets more (KL, nats a token).")
@click.option("--max-copying", type=float, help="Use no trial that copies more (share of the replies).")
@click.option("--no-prune", is_flag=True, help="Let trials go on whose held-out loss is worse than the others'.")
@json_option
def command(
    config_files: tuple[Path, ...],
    over: tuple[str, ...],
    trials: int,
    jobs: int,
    seed: int,
    name: str | None,
    storage: str | None,
    pareto: bool,
    max_forgetting: float | None,
    max_copying: float | None,
    no_prune: bool,
    as_json: bool,
) -> None:
    """Try many settings, and say which to use and what mattered.

    Every trial is an ordinary run, and resumes where it was killed; the same command joins a sweep that is under way.
    """
    from offbook.cli.progress_bar import reporting
    from offbook.pipeline.preflight import refuse_missing
    from offbook.pipeline.sweep.options import SweepOptions
    from offbook.pipeline.sweep.space import refuse_bad_values, search_space

    paths = [path / "run.yaml" if path.is_dir() else path for path in config_files]
    configs = [loading.load(path) for path in paths]
    options = SweepOptions(
        over=over,
        trials=trials,
        seed=seed,
        name=name,
        storage=storage,
        prune=not no_prune,
        pareto=pareto,
        max_forgetting=max_forgetting,
        max_copying=max_copying,
    )
    space = search_space(over)
    for path in paths:
        refuse_bad_values(path, space)
    for config in configs:
        refuse_missing(config)
    others = [
        subprocess.Popen([sys.executable, "-m", "offbook", *sys.argv[1:], "--jobs", "1"]) for _ in range(jobs - 1)
    ]
    try:
        with reporting() as reporter:
            reports = [_one(config, options, reporter) for config in configs]
        for other in others:
            other.wait()
    finally:
        for other in others:
            other.kill()
    if as_json:
        print_json({"reports": [str(path) for path in reports]})
        return
    for path in reports:
        echo(path)


def _one(config: RunConfig, options: SweepOptions, reporter: Reporter) -> Path:
    """Work through one config; returns what to look at: the sweep's page, or the folder of its only run."""
    from offbook.pipeline import api

    if options.over:
        from offbook.pipeline.sweep import running

        return running.sweep(config, options, reporter).report
    run = RunDir(runs_root() / config.name)
    return run.path if run.finished else api.train(config, resume=True, reporter=reporter).path
