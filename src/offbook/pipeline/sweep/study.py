"""The sweep's memory, and how it chooses: Optuna, made independent of who works when.

A trial's values depend on the seed, its number and the results of the generations before it, never on what is half
done beside it; a trial is pruned by comparison with those generations, too. Results are exact (a killed run resumes to
the same bits), so one worker or many, killed or not, try the same and find the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from offbook.core.errors import UsageError

GENERATION = 4
"""Trials that are chosen from the same knowledge, and so can run at the same time."""
STARTUP = 2 * GENERATION
"""Trials drawn at random before the sampler (Tree-structured Parzen Estimator) learns from them."""


class _Lock(JournalFileOpenLock):
    """A lock that the system lets go of when its holder is killed; a line that the holder left half written goes."""

    def __init__(self, journal: Path) -> None:
        super().__init__(str(journal))
        self._journal = journal
        self._lock = FileLock(journal.with_suffix(".lock"))

    def acquire(self) -> bool:
        self._lock.acquire()
        if self._journal.is_file() and (content := self._journal.read_bytes()) and not content.endswith(b"\n"):
            with self._journal.open("r+b") as file:
                file.truncate(content.rfind(b"\n") + 1)
        return True

    def release(self) -> None:
        self._lock.release()


def open_storage(address: str | None, folder: Path) -> BaseStorage:
    """The sweep's storage: a journal in its folder, or a database by its address."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if address is not None:
        return optuna.storages.RDBStorage(address)
    folder.mkdir(parents=True, exist_ok=True)
    journal = folder / "journal.jsonl"
    return JournalStorage(JournalFileBackend(str(journal), lock_obj=_Lock(journal)))


def open_study(storage: BaseStorage, name: str, definition: dict[str, Any], *, pareto: bool) -> Study:
    """Begin a sweep, or join the one of that name.

    Args:
        storage: where it is kept.
        name: of the sweep.
        definition: what makes it what it is: settings, space, seed, bounds.
        pareto: whether forgetting is an objective of its own.

    Raises:
        UsageError: the sweep of that name was begun otherwise.
    """
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        directions=["minimize"] * (2 if pareto else 1),
        load_if_exists=True,
        sampler=GenerationSampler(definition["seed"]),
    )
    text = json.dumps(definition, sort_keys=True)
    if "definition" not in study.user_attrs:
        study.set_user_attr("definition", text)
    begun = json.loads(study.user_attrs["definition"])
    if different := [key for key in definition if begun.get(key) != json.loads(text)[key]]:
        raise UsageError(
            "the sweep '{name}' was begun with other {things}",
            "Go on with the same command as before, or begin another sweep: --name NAME.",
            name=name,
            things=", ".join(different),
        )
    return study


class GenerationSampler(BaseSampler):
    """Chooses a trial's values from the results of the generations before its own.

    Args:
        seed: of the sweep.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, Any]:
        """Nothing is sampled together."""
        return {}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        """Nothing is sampled together."""
        return {}

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
        """The value of one option."""
        seed = int.from_bytes(sha256(f"{self.seed}/{trial.number}/{param_name}".encode()).digest()[:4], "big")
        sampler = TPESampler(seed=seed, n_startup_trials=STARTUP)
        visible = knowledge(study.get_trials(deepcopy=False), trial.number, study.directions)
        return sampler.sample_independent(visible, trial, param_name, param_distribution)


def is_within_bounds(trial: FrozenTrial) -> bool:
    """Whether a trial forgets and copies no more than is allowed."""
    return all(excess <= 0 for excess in trial.constraints.values())


def knowledge(trials: Iterable[FrozenTrial], number: int, directions: Sequence[StudyDirection]) -> Study:
    """A study of the finished trials of the generations before that of trial `number`, in their order."""
    first = number // GENERATION * GENERATION
    visible = optuna.create_study(directions=list(directions), storage=None)
    for trial in sorted(trials, key=lambda trial: trial.number):
        if trial.number < first and trial.state.is_finished():
            visible.add_trial(trial)
    return visible


def is_due(trials: Sequence[FrozenTrial], number: int) -> bool:
    """Whether all generations before that of trial `number` are finished."""
    first = number // GENERATION * GENERATION
    return sum(trial.number < first and trial.state.is_finished() for trial in trials) == first


def should_prune(study: Study, number: int) -> bool:
    """Whether a trial's held-out loss was worse at some step than the median of the generations before."""
    trials = study.get_trials(deepcopy=False)
    reported = trials[number].intermediate_values
    first = number // GENERATION * GENERATION
    others = [trial for trial in trials if trial.number < first and trial.state is TrialState.COMPLETE]
    for step, loss in reported.items():
        losses = sorted(trial.intermediate_values[step] for trial in others if step in trial.intermediate_values)
        if step and len(losses) >= GENERATION and loss > losses[len(losses) // 2]:
            return True
    return False


def usable(study: Study) -> list[FrozenTrial]:
    """The complete trials within all bounds, the best first (those of the Pareto front, where there are two aims)."""
    pareto = len(study.directions) > 1
    trials = study.best_trials if pareto else study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    within = [trial for trial in trials if is_within_bounds(trial)]
    return sorted(within, key=lambda trial: (trial.values, trial.number))


def importances(study: Study) -> dict[str, float]:
    """How much of the differences each option explains: shares that add up to one; empty where that cannot be told."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < GENERATION or len({trial.values[0] for trial in complete}) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    try:
        return optuna.importance.get_param_importances(study, evaluator=evaluator, target=lambda trial: trial.values[0])
    except (RuntimeError, ValueError):
        return {}
