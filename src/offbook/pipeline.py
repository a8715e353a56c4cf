"""The story of a run, composed from the stages: check, train, and what follows."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from offbook import ending, environment
from offbook.core import config as configs
from offbook.core.config import RunConfig
from offbook.core.errors import Stopped
from offbook.core.report import Reporter, Silent
from offbook.core.rundir import RunDir, runs_root, write_json, write_whole
from offbook.core.writer import clear, exclusive, held_bytes
from offbook.failures import memory_ran_out, memory_warning, readable_failures, refuse_changes, refuse_small_disk
from offbook.job import Job, open_job, report, report_of_data
from offbook.model import adapter as adapters
from offbook.prepare import read_material, save_rows
from offbook.track import metrics as metrics_log
from offbook.track.guest import Guest
from offbook.track.trackers import check_names
from offbook.train import checkpoint, forward
from offbook.train import prove as provers
from offbook.train.callbacks import Ends, Metrics, Signals
from offbook.train.estimate import peak_memory
from offbook.train.prove import Proof
from offbook.train.trainer import StepTrainer
from offbook.watch import Samples, Watch, needed_by

DEFAULT_PASS_TOKENS = 2048

ShowPlan = Callable[[Job, dict[str, Any]], None]


def check(config: RunConfig, *, reporter: Reporter | None = None, show: ShowPlan | None = None) -> dict[str, Any]:
    """Everything that can be known before training; writes nothing."""
    job = open_job(_with_budget(config), reporter or Silent())
    known = report(job)
    if show is not None:
        show(job, known)
    return known


def check_data(config: RunConfig) -> dict[str, Any]:
    """What can be known about the rows alone, without a model; writes nothing."""
    return report_of_data(read_material(config))


def train(
    config: RunConfig,
    *,
    resume: bool = False,
    overwrite: bool = False,
    allow_inexact: bool = False,
    reporter: Reporter | None = None,
    show_plan: ShowPlan | None = None,
) -> RunDir:
    """Train a run to its end; its folder then holds the adapter, the metrics, the curve and the samples.

    Args:
        resume: go on from the newest checkpoint that is whole (from the start if there is none).
        overwrite: start anew over what is there; it goes once nothing is left that could be refused.
        allow_inexact: resume although data, config or versions have changed since.
        show_plan: called with the job and its report before the first step.

    Raises:
        UsageError: config, data or model are at fault, or the run is there already.
        Stopped: a signal ended it after saving.
        OffbookError: it diverged, or memory or disk ran out.
    """
    reporter = reporter or Silent()
    check_names(config.track.to)
    run = RunDir(runs_root() / config.name)
    with exclusive(run, resume=resume, overwrite=overwrite) as kills:
        config = _with_budget(config, None if overwrite else run)
        if memory_ran_out(run, kills):
            reporter.say(memory_warning(config))
        with readable_failures(config, run):
            found = _newest(run, config.train.keep, reporter) if resume and not overwrite else None
            job = open_job(config, reporter)
            facts = _facts(job)
            if found is not None:
                refuse_changes(checkpoint.verify(found), facts, allowed=allow_inexact, say=reporter.say)
            known = report(job)
            refuse_small_disk(run.path, known["disk_bytes"] - (held_bytes(run) if overwrite else 0))
            if show_plan is not None:
                show_plan(job, known)
            if overwrite:
                clear(run)
            _write_beginning(run, job, known)
            began = time.monotonic()
            _run_steps(run, job, facts, found, reporter)
            step = ending.write_end(run, job, reporter)
            seconds, peak_bytes = time.monotonic() - began, peak_memory(job.model.device)
            _write_truth(run, known["estimate"], seconds, peak_bytes, step)
            ending.write_verdict(run, job, reporter)
    return run


def prove(config: RunConfig, *, examples: int = 16, reporter: Reporter | None = None) -> Proof:
    """Compare fast and plain training on the first `examples` training sequences of the config's own rows."""
    exact = config.model_copy(
        update={
            "model": config.model.model_copy(update={"dtype": "float32"}),
            "data": config.data.model_copy(
                update={"mix_in": None}
            ),  # stands behind the first rows, and is slow to draw
        }
    )
    job = open_job(_with_budget(exact), reporter or Silent())
    fast = job.config.train.fast
    return provers.prove(job.model, job.plan.examples[:examples], packing=fast.packing, prefix=fast.prefix)


def _newest(run: RunDir, keep: str, reporter: Reporter) -> Path | None:
    """The checkpoint to go on from; what killed writers left is put right, and damage is told."""
    checkpoint.clear_leftovers(run.checkpoints)
    needs = partial(needed_by, run, keep)
    found, faults = checkpoint.newest(run.checkpoints, needs)
    where = f"going on from {found.name}" if found is not None else "starting from the beginning"
    for fault in faults:
        reporter.say(f"Warning: checkpoint {fault}; {where}.")
    best = needs(checkpoint.verify(found)["step"]) if found is not None else None
    if best is not None and not checkpoint.is_whole(checkpoint.folder_of(run.checkpoints, best)):
        reporter.say(
            f"Warning: the best state so far (step {best}) is lost: unless a later one is better, the adapter will be "
            "that of the last step."
        )
    return found


def _run_steps(run: RunDir, job: Job, facts: dict[str, Any], found: Path | None, reporter: Reporter) -> None:
    """From the first step, or the checkpoint's, to the last.

    Raises:
        Stopped: a signal came; the state is saved.
    """
    step = checkpoint.verify(found)["step"] if found is not None else None
    checkpoint.forget_after(run.checkpoints, step or 0)
    log, samples_log = (metrics_log.MetricsLog(path, step) for path in (run.metrics, run.samples_log))
    guests: list[Guest] = []

    def emit(line: dict[str, Any]) -> None:
        log(line)
        for guest in guests:
            guest(line)

    def show(step: int, samples: Samples) -> None:
        samples_log({"step": step, "samples": samples})
        for guest in guests:
            guest.text(step, samples)

    metrics = Metrics(job.plan, emit, reporter, job.model.device)
    if found is not None:
        metrics.restore(json.loads((found / checkpoint.PROGRESS).read_text(encoding="utf-8")))
    watch = Watch(job.config.train, metrics_log.read(run.metrics), partial(ending.ask, job), show, reporter)
    signals = Signals(reporter)
    trainer = _trainer(run, job, facts, metrics, watch, signals, resumed=found is not None)
    if found is not None and watch.ended():
        adapters.restore(job.model, found)
        return  # killed after its early end: only what follows is missing
    try:
        guests += _invite(run, job.config, reporter)
        with signals.installed():
            trainer.train(resume_from_checkpoint=str(found) if found is not None else None)
    except KeyboardInterrupt:
        guests.clear()  # at once, then: a guest sees its input end, and closes in order by itself
        raise
    finally:
        metrics.flush()
        for guest in guests:
            guest.finish()
    _tell_stop(run, signals, trainer.state.global_step, len(job.plan))


def _trainer(
    run: RunDir,
    job: Job,
    facts: dict[str, Any],
    metrics: Metrics,
    watch: Watch,
    signals: Signals,
    *,
    resumed: bool,
) -> StepTrainer:
    """The job's trainer, with all that looks on."""
    evaluates = bool(job.material.heldout_examples)
    return StepTrainer(
        model=job.model,
        plan=job.plan,
        settings=job.config.train,
        collate=job.collate,
        loss_sum=forward.loss_sum,
        heldout_loss=job.heldout_loss if evaluates else None,
        checkpoints=run.checkpoints,
        facts=facts,
        callbacks=[metrics, Ends(len(job.plan), evaluates=evaluates), signals, watch],
        on_loss=metrics.take_loss,
        before_save=metrics.checkpointed,
        spare=watch.best,
        resumed=resumed,
    )


def _tell_stop(run: RunDir, signals: Signals, step: int, steps: int) -> None:
    """Raise Stopped where a signal ended the training before its last step."""
    if signals.caught is not None and step < steps:
        raise Stopped(
            f"stopped and saved at step {step} of {steps}",
            f"Go on with: offbook train -c {run.config} --resume",
            exit_code=128 + signals.caught,
        )


def _write_beginning(run: RunDir, job: Job, known: dict[str, Any]) -> None:
    """What is on disk before the first step."""
    run.data.mkdir(parents=True, exist_ok=True)
    write_whole(run.config, configs.dump(job.config))
    save_rows(job.material.train, run.data / "train.jsonl")
    save_rows(job.material.heldout, run.data / "heldout.jsonl")
    write_json(run.data / "report.json", known)
    write_json(run.environment, {"id": _run_id(run), **environment.snapshot()})


def _write_truth(run: RunDir, predicted: dict[str, Any], seconds: float, peak_bytes: int, step: int) -> None:
    """What the run really took, beside what was predicted, and the step that the adapter is of."""
    told = json.loads(run.environment.read_text(encoding="utf-8"))
    told["estimate"] = {"predicted": predicted, "truth": {"seconds": round(seconds, 1), "peak_bytes": peak_bytes}}
    told["adapter_step"] = step
    write_json(run.environment, told)


def _invite(run: RunDir, config: RunConfig, reporter: Reporter) -> list[Guest]:
    """Start the trackers that the config names."""
    settings = {
        "id": _run_id(run),
        "name": config.name,
        "project": config.track.project,
        "mode": config.track.mode,
        "host": config.track.host,
        "folder": str(run.trackers.resolve()),
        "config": config.model_dump(),
    }
    return [Guest(name, settings, run.trackers / f"{name}.log", reporter) for name in config.track.to]


def _run_id(run: RunDir) -> str:
    """The run's identity in trackers: drawn once, kept over resumes."""
    try:
        return json.loads(run.environment.read_text(encoding="utf-8"))["id"]
    except (OSError, ValueError, KeyError):
        return uuid.uuid4().hex[:12]


def _facts(job: Job) -> dict[str, Any]:
    """What a resume has to find unchanged, for the checkpoint's manifest."""
    told = job.config.model_dump(include={"model", "lora", "train"})
    for free in ("save_steps", "keep_checkpoints", "log_steps", "heldout_steps", "keep", "patience"):
        del told["train"][free]
    return {
        "data_sha256": job.material.sha256,
        "config": told,
        "versions": environment.versions(),
        "hardware": environment.arithmetic(),
    }


def _with_budget(config: RunConfig, run: RunDir | None = None) -> RunConfig:
    """The config with its pass budget settled: told, stored by an earlier start of the run, or the default."""
    if config.train.max_tokens_per_pass is not None:
        return config
    budget = DEFAULT_PASS_TOKENS
    if run is not None and run.config.is_file():
        budget = configs.load(run.config).train.max_tokens_per_pass or budget
    return config.model_copy(
        update={"train": config.train.model_copy(update={"max_tokens_per_pass": budget})},
    )
