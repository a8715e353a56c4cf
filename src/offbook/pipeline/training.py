"""The story of a run, composed from the stages: check, train, and what follows."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

from offbook.core import metrics_log
from offbook.core.config.schema import RunConfig
from offbook.core.errors import Stopped
from offbook.core.progress import NullReporter, Reporter
from offbook.core.run_lock import delete_outputs, held_bytes, training_lock
from offbook.core.rundir import RunDir, runs_root
from offbook.models import adapter as adapters
from offbook.pipeline import finishing
from offbook.pipeline.checking import ShowPlan, report_of
from offbook.pipeline.resources import memory_ran_out, memory_warning, readable_failures, refuse_small_disk
from offbook.pipeline.resuming import fingerprint, newest_checkpoint, refuse_changes, with_token_budget
from offbook.pipeline.run_records import run_id, write_measured, write_start
from offbook.pipeline.setup import TrainingSetup, prepare_training
from offbook.tracking.tracker_process import TrackerProcess
from offbook.tracking.trackers import check_names
from offbook.training import checkpoint, fast_path
from offbook.training.callbacks import GracefulShutdown, Metrics, SaveAtEnds
from offbook.training.estimate import peak_memory
from offbook.training.heldout_monitor import HeldoutMonitor, Samples
from offbook.training.trainer import StepTrainer


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
    reporter = reporter or NullReporter()
    check_names(config.track.trackers)
    run = RunDir(runs_root() / config.name)
    with training_lock(run, resume=resume, overwrite=overwrite) as kills:
        config = with_token_budget(config, None if overwrite else run)
        if memory_ran_out(run, kills):
            reporter.warning(memory_warning(config))
        with readable_failures(config, run):
            found = newest_checkpoint(run, config.train.keep, reporter) if resume and not overwrite else None
            job = prepare_training(config, reporter)
            facts = fingerprint(job)
            if found is not None:
                refuse_changes(checkpoint.verify(found), facts, allowed=allow_inexact, reporter=reporter)
            known = report_of(job)
            refuse_small_disk(run.path, known["disk_bytes"] - (held_bytes(run) if overwrite else 0))
            if show_plan is not None:
                show_plan(job, known)
            if overwrite:
                delete_outputs(run)
            write_start(run, job, known)
            began = time.monotonic()
            _run_steps(run, job, facts, found, reporter)
            step = finishing.write_end(run, job, reporter)
            seconds, peak_bytes = time.monotonic() - began, peak_memory(job.model.device)
            write_measured(run, known["estimate"], seconds, peak_bytes, step)
            finishing.write_verdict(run, job, reporter)
    return run


def _run_steps(run: RunDir, job: TrainingSetup, facts: dict[str, Any], found: Path | None, reporter: Reporter) -> None:
    """From the first step, or the checkpoint's, to the last.

    Raises:
        Stopped: a signal came; the state is saved.
    """
    step = checkpoint.verify(found)["step"] if found is not None else None
    checkpoint.set_aside_after(run.checkpoints, step or 0)
    log, samples_log = (metrics_log.MetricsLog(path, step) for path in (run.metrics, run.samples_log))
    trackers: list[TrackerProcess] = []

    def emit(line: dict[str, Any]) -> None:
        log(line)
        for tracker in trackers:
            tracker(line)

    def show(step: int, samples: Samples) -> None:
        samples_log({"step": step, "samples": samples})
        for tracker in trackers:
            tracker.text(step, samples)

    metrics = Metrics(job.sampler, emit, reporter, job.model.device)
    if found is not None:
        metrics.restore(json.loads((found / checkpoint.PROGRESS).read_text(encoding="utf-8")))
    watch = HeldoutMonitor(job.config.train, metrics_log.read(run.metrics), partial(finishing.ask, job), show, reporter)
    signals = GracefulShutdown(reporter)
    trainer = _trainer(run, job, facts, metrics, watch, signals, resumed=found is not None)
    if found is not None and watch.ended():
        adapters.restore(job.model, found)
        return  # killed after its early end: only what follows is missing
    try:
        trackers += _start_trackers(run, job.config, reporter)
        reporter.stage("Training")
        with signals.installed():
            trainer.train(resume_from_checkpoint=str(found) if found is not None else None)
    except KeyboardInterrupt:
        trackers.clear()  # at once, then: a guest sees its input end, and closes in order by itself
        raise
    finally:
        metrics.flush()
        for tracker in trackers:
            tracker.finish()
    _tell_stop(run, signals, trainer.state.global_step, len(job.sampler))


def _trainer(
    run: RunDir,
    job: TrainingSetup,
    facts: dict[str, Any],
    metrics: Metrics,
    watch: HeldoutMonitor,
    signals: GracefulShutdown,
    *,
    resumed: bool,
) -> StepTrainer:
    """The job's trainer, with all that looks on."""
    evaluates = bool(job.dataset.heldout_examples)
    return StepTrainer(
        model=job.model,
        plan=job.sampler,
        settings=job.config.train,
        collate=job.collate,
        loss_sum=fast_path.loss_sum,
        heldout_loss=job.heldout_loss if evaluates else None,
        checkpoints=run.checkpoints,
        facts=facts,
        callbacks=[metrics, SaveAtEnds(len(job.sampler), evaluates=evaluates), signals, watch],
        on_loss=metrics.take_loss,
        before_save=metrics.checkpointed,
        spare=watch.best,
        resumed=resumed,
    )


def _tell_stop(run: RunDir, signals: GracefulShutdown, step: int, steps: int) -> None:
    """Raise Stopped where a signal ended the training before its last step."""
    if signals.caught is not None and step < steps:
        raise Stopped(
            f"stopped and saved at step {step} of {steps}",
            f"Go on with: offbook train -c {run.config} --resume",
            exit_code=128 + signals.caught,
        )


def _start_trackers(run: RunDir, config: RunConfig, reporter: Reporter) -> list[TrackerProcess]:
    """Start the trackers that the config names."""
    settings = {
        "id": run_id(run),
        "name": config.name,
        "project": config.track.project,
        "mode": config.track.mode,
        "host": config.track.host,
        "folder": str(run.trackers.resolve()),
        "config": config.model_dump(),
    }
    return [TrackerProcess(name, settings, run.trackers / f"{name}.log", reporter) for name in config.track.trackers]
