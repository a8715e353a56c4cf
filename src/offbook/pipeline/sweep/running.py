"""A worker of a sweep: takes a trial, trains it as an ordinary run, notes what came of it, until all are done."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.study import Study
from optuna.trial import Trial, TrialState

from offbook.core.atomic import atomic_write_text
from offbook.core.config import loading as configs
from offbook.core.config.schema import RunConfig
from offbook.core.errors import OffbookError, Stopped, UsageError
from offbook.core.json_file import read_or_empty
from offbook.core.progress import Event, NullReporter, Progress, Reporter
from offbook.core.rundir import RunDir, runs_root
from offbook.pipeline import training
from offbook.pipeline.results import TrainResult
from offbook.pipeline.sweep import page
from offbook.pipeline.sweep.options import SweepOptions
from offbook.pipeline.sweep.space import search_space, suggest
from offbook.pipeline.sweep.study import is_due, open_storage, open_study, should_prune, usable

POLL = 0.5
"""Seconds between two looks at what the other workers have finished."""


class SweepDir:
    """What a sweep leaves: `NAME-sweep/` beside its runs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = runs_root() / f"{name}-sweep"

    @property
    def report(self) -> Path:
        """sweep.html: what was tried, what mattered, what to use."""
        return self.path / "sweep.html"

    @property
    def best(self) -> Path:
        """run.yaml of the best trial, to train again or to go on from."""
        return self.path / "best.yaml"

    @property
    def results(self) -> Path:
        """sweep.json: every trial with its values and results."""
        return self.path / "sweep.json"


def sweep(config: RunConfig, options: SweepOptions, reporter: Reporter | None = None) -> SweepDir:
    """Run a sweep to its end, or join one that is under way.

    Args:
        config: the settings that all trials share.
        options: what is tried.
        reporter: told of each trial.

    Raises:
        UsageError: the options are at fault, or the sweep was begun with others.
        Stopped: a signal ended a trial after saving; the same command goes on.
    """
    reporter = reporter or NullReporter()
    folder = SweepDir(options.name or config.name)
    space = search_space(options.over)
    _refuse_blind(config, options)
    storage = open_storage(options.storage, folder.path)
    study = open_study(storage, folder.name, _definition(config, options), pareto=options.pareto)
    worker = _Worker(study, folder, config, options, reporter)
    while True:
        with worker.claimed() as trial:
            if trial is None:
                if worker.all_done():
                    break
                time.sleep(POLL)
            else:
                worker.perform(trial, suggest(trial, space))
    _write_end(study, folder, config, options.trials)
    return folder


def _refuse_blind(config: RunConfig, options: SweepOptions) -> None:
    if options.trials < 1:
        raise UsageError("a sweep has at least one trial", "--trials 20, for example.")
    if not config.data.heldout and config.data.heldout_source is None:
        raise UsageError("a sweep is judged by the held-out loss, and nothing is held out", "--data.heldout 0.05")
    bounded = options.pareto or options.max_forgetting is not None or options.max_copying is not None
    if bounded and not config.evaluate.prompts:
        raise UsageError(
            "forgetting and copying are measured by the verdict, which the config leaves out", "--evaluate.prompts 24"
        )


def _definition(config: RunConfig, options: SweepOptions) -> dict[str, Any]:
    tree = config.model_dump(exclude={"name", "track"})
    for path_option in configs.PATH_OPTIONS:  # another host may have its files elsewhere
        section, leaf = path_option.split(".")
        value = tree[section][leaf]
        tree[section][leaf] = Path(value).name if isinstance(value, str) else value
    bounds = [options.max_forgetting, options.max_copying]
    return {
        **{"settings": tree, "space": sorted(options.over), "seed": options.seed},
        **{"pruning": options.prune, "aims": options.pareto, "bounds": bounds},
    }


class _Worker:
    """One process of a sweep."""

    def __init__(
        self, study: Study, folder: SweepDir, config: RunConfig, options: SweepOptions, reporter: Reporter
    ) -> None:
        self.study, self.folder, self.config, self.options = study, folder, config, options
        self.reporter = reporter
        folder.path.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def claimed(self) -> Iterator[Trial | None]:
        """Context manager: a trial that is this worker's alone, begun by one that died, or new; None: none now."""
        with FileLock(self.folder.path / "claim.lock"):
            trial, lock = self._claim()
        try:
            yield trial
        finally:
            if lock is not None:
                lock.release()

    def _claim(self) -> tuple[Trial | None, FileLock | None]:
        trials = self.study.get_trials(deepcopy=False)
        for begun in trials:
            is_local = self.options.storage is None or begun.user_attrs.get("host") == socket.gethostname()
            if begun.state is TrialState.RUNNING and is_local and (lock := self._lock(begun.number)):
                return Trial(self.study, begun._trial_id), lock
        number = len(trials)
        if number >= self.options.trials or not is_due(trials, number):
            return None, None
        trial = self.study.ask()
        trial.set_user_attr("host", socket.gethostname())
        return trial, self._lock(trial.number)

    def _lock(self, number: int) -> FileLock | None:
        lock = FileLock(self.folder.path / f"trial-{number:03d}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            return None
        return lock

    def all_done(self) -> bool:
        """Whether nothing is left to do, by anybody."""
        trials = self.study.get_trials(deepcopy=False)
        return len(trials) >= self.options.trials and all(trial.state.is_finished() for trial in trials)

    def perform(self, trial: Trial, values: dict[str, Any]) -> None:
        """Train a trial's run and note what came of it."""
        config = trial_config(self.config, self.folder.name, trial.number, values)
        run = RunDir(runs_root() / config.name)
        shown = ", ".join(f"{name} {value}" for name, value in values.items())
        self.reporter.stage(
            "Trial {number} of {count}: {values}", number=trial.number + 1, count=self.options.trials, values=shown
        )
        watch = _Watch(trial, self.study, self.reporter, prune=self.options.prune and not self.options.pareto)
        try:
            watch.look()
            if not run.finished:
                training.train(config, resume=True, reporter=watch)
        except optuna.TrialPruned:
            self.study.tell(trial, state=TrialState.PRUNED)
        except (Stopped, UsageError):
            raise
        except OffbookError as error:
            trial.set_user_attr("error", error.what)
            self.study.tell(trial, state=TrialState.FAIL)
        else:
            self._note(trial, run)

    def _note(self, trial: Trial, run: RunDir) -> None:
        loss = TrainResult(run.path).heldout_loss
        assert loss is not None
        forgetting, copying = _verdict(run)
        measured = (
            ("forgetting", forgetting, self.options.max_forgetting),
            ("copying", copying, self.options.max_copying),
        )
        previous = self.study.get_trials(deepcopy=False)[trial.number].constraints  # by a worker that was killed here
        for name, value, bound in measured:
            if value is not None:
                trial.set_user_attr(name, value)
                if bound is not None and name not in previous:
                    trial.set_constraint(name, value - bound)
        self.study.tell(trial, [loss, forgetting if forgetting is not None else 0.0] if self.options.pareto else loss)


class _Watch(Reporter):
    """Notes a run's held-out losses in its trial, and ends the run when they show that others are better."""

    def __init__(self, trial: Trial, study: Study, reporter: Reporter, *, prune: bool) -> None:
        super().__init__()
        self.trial, self.study, self.reporter, self.prune = trial, study, reporter, prune

    def emit(self, event: Event) -> None:
        if isinstance(event, Progress) and event.heldout_loss is not None and event.unit == "step":
            previous = self.study.get_trials(deepcopy=False)[self.trial.number].intermediate_values
            if event.done not in previous and len(self.study.directions) == 1:
                self.trial.report(event.heldout_loss, event.done)
            self.look()
        self.reporter.emit(event)

    def look(self) -> None:
        """End the run if it is not worth going on."""
        if self.prune and should_prune(self.study, self.trial.number):
            raise optuna.TrialPruned


def trial_config(config: RunConfig, name: str, number: int, values: dict[str, Any]) -> RunConfig:
    """The settings of a trial's run."""
    tree = config.model_dump()
    for option, value in values.items():
        configs.put(tree, option, value)
    tree["name"] = f"{name}-{number:03d}"
    return configs.validate(tree, "--over")


def _verdict(run: RunDir) -> tuple[float | None, float | None]:
    """Forgetting (KL, nats a token) and copying (share of replies) as eval.json has them."""
    card = read_or_empty(run.eval, dict)
    return _figure(card, "forgetting", "kl"), _figure(card, "copying", "tuned", "verbatim_share")


def _figure(value: Any, *names: str) -> float | None:
    """A number inside of nested objects; None where it is not there."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, int | float) else None


def _write_end(study: Study, folder: SweepDir, config: RunConfig, count: int) -> None:
    """Write sweep.json, the best run.yaml and the page; several workers write the same."""
    trials = study.get_trials(deepcopy=False)[:count]
    ranked = usable(study)
    best_yaml = ""
    content = page.summary(study, trials, ranked, folder.name)
    atomic_write_text(folder.results, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    if ranked:
        best = trial_config(config, folder.name, ranked[0].number, ranked[0].params)
        named = best.model_copy(update={"name": f"{folder.name}-best"})
        best_yaml = configs.dump(named, Path.cwd())
        atomic_write_text(folder.best, best_yaml)
    atomic_write_text(folder.report, page.render(content, config.evaluate.lang, best_yaml))
