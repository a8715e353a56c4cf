"""`train`: from a config to a finished run folder, or from a checkpoint to it."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from offbook.core.config.schema import RunConfig
from offbook.core.errors import Stopped
from offbook.core.launch import launched
from offbook.core.progress import NullReporter, ProgressReporter, Reporter
from offbook.core.run_lock import delete_outputs, held_bytes, locked, training_lock
from offbook.core.rundir import RunDir, runs_root
from offbook.core.shell import offbook_command
from offbook.hub import pull
from offbook.models import adapter as adapters
from offbook.models.weight_size import loaded_bytes
from offbook.pipeline import finishing, joining, learning_curve
from offbook.pipeline.checking import ShowPlan, report_of
from offbook.pipeline.launching import (
    Processes,
    affordable_processes,
    process_group,
    threads_of_each,
    train_command,
)
from offbook.pipeline.preflight import lacks_verdict
from offbook.pipeline.resources import memory_ran_out, memory_warning, readable_failures, refuse_small_disk
from offbook.pipeline.resuming import (
    fingerprint,
    newest_checkpoint,
    refuse_changes,
    refuse_other_format,
    with_stored_choices,
)
from offbook.pipeline.run_records import add_verdict_seconds, run_id, write_measured, write_rows, write_start
from offbook.pipeline.setup import TrainingSetup, prepare_training
from offbook.tracking.tracker_process import TrackerProcess
from offbook.tracking.trackers import check_names
from offbook.training import fast_path
from offbook.training.callbacks import GracefulShutdown, SaveAtEnds
from offbook.training.checkpoint import CheckpointStore, read_progress, verify
from offbook.training.estimate import peak_memory
from offbook.training.heldout_monitor import HeldoutMonitor
from offbook.training.process_group import ProcessGroup
from offbook.training.run_recorder import RunRecorder
from offbook.training.trainer import Objective, StepTrainer
from offbook.training.work_sharing import WorkSharing, share_tasks


def train(
    config: RunConfig,
    *,
    resume: bool = False,
    overwrite: bool = False,
    allow_inexact: bool = False,
    processes: Processes = 1,
    timeout: float | None = None,
    reporter: Reporter | None = None,
    show_plan: ShowPlan | None = None,
    began: float | None = None,
) -> RunDir:
    """Train a run to its end; its folder then holds the adapter, the metrics, the loss curve and the samples.

    Args:
        config: the run's config.
        resume: go on from the newest checkpoint that is whole (from the start if there is none), or make the verdict if
            that is all that is missing.
        overwrite: start anew over an existing run; it is deleted once nothing is left that could be refused.
        allow_inexact: resume although data, config or versions have changed since.
        processes: how many share each step, on this machine; "auto": as many as there are cores and free memory for,
            the step being cut into as many pieces. A launcher's number (torchrun) goes first.
        timeout: seconds to wait for another process; default: ten minutes.
        reporter: takes warnings, stages and progress.
        show_plan: called with the setup and its report before the first step.
        began: when the command began, as `prepare_training` takes it.

    Raises:
        UsageError: config, data or model are at fault, or the run already exists.
        Stopped: a signal ended it after saving.
        OffbookError: it diverged, memory or disk ran out, or another process was lost.
    """
    reporter = reporter or NullReporter()
    check_names(config.track.trackers)
    run = RunDir(runs_root() / config.name)
    if resume and not launched().rank and lacks_verdict(run):
        with locked(run):
            finishing.complete_verdict(run, reporter)
        return run
    threads: AbstractContextManager[dict[str, str]] = nullcontext({})
    if processes == "auto":
        config, processes = _shared_out(config, None if overwrite else run, reporter)
        threads = threads_of_each(processes)
    command = partial(train_command, config, timeout)
    with threads as variables, process_group(command, processes, timeout, variables) as group:
        if group.rank:
            _take_part(config, group)
        else:
            _lead(config, run, group, resume, overwrite, allow_inexact, reporter, show_plan, began)
    return run


def _shared_out(config: RunConfig, run: RunDir | None, reporter: Reporter) -> tuple[RunConfig, int]:
    """The config that cuts a step for as many processes as this machine has room for, and their number."""
    if launched().size > 1:
        return config, 1
    weights = loaded_bytes(pull.pull(config.model.source, config.model.revision, reporter=reporter).path, "float32")
    pieces = config.train.micro_batches
    if pieces is None and run is not None and run.config.is_file():
        pieces = with_stored_choices(config, run).train.micro_batches
    count = affordable_processes(weights, pieces)
    train = config.train.model_copy(update={"micro_batches": pieces or count})
    return config.model_copy(update={"train": train}), count


def _lead(
    config: RunConfig,
    run: RunDir,
    group: ProcessGroup,
    resume: bool,
    overwrite: bool,
    allow_inexact: bool,
    reporter: Reporter,
    show_plan: ShowPlan | None,
    began: float | None,
) -> None:
    """Train as the process that owns the run folder, alone or with others; the arguments are those of `train`."""
    with readable_failures(config, run), training_lock(run, resume=resume, overwrite=overwrite) as kills:
        config = with_stored_choices(config, None if overwrite else run)
        if memory_ran_out(run, kills):
            reporter.warning(memory_warning(config))
        group.share("config", config.model_dump_json)
        with readable_failures(config, run):
            checkpoint = newest_checkpoint(run, config.train.keep, reporter) if resume and not overwrite else None
            if checkpoint is not None:
                refuse_other_format(verify(checkpoint))
            setup = prepare_training(config, reporter, began, group.share)
            start = adapters.trained_bytes(setup.model) if learning_curve.is_wanted(setup) else None
            joining.agree(group, setup, reporter)
            if checkpoint is not None:
                refuse_changes(verify(checkpoint), fingerprint(setup), allowed=allow_inexact, reporter=reporter)
            plan = report_of(setup, reporter, group.size)
            refuse_small_disk(run.path, plan["disk_bytes"] - (held_bytes(run) if overwrite else 0))
            if show_plan is not None:
                show_plan(setup, plan)
            if overwrite:
                delete_outputs(run)
            write_start(run, setup, plan)
            clock = [time.monotonic()]
            joining.share_weights(group, setup.model)
            joining.send_state(group, run, checkpoint)
            _optimize(run, setup, checkpoint, reporter, group)
            clock.append(time.monotonic())
            adapter_step = finishing.write_adapter(run, setup, group, reporter)
            clock.append(time.monotonic())
            loading = plan["estimate"]["parts"]["loading"]  # over when it was told
            parts = {"loading": loading, "training": clock[1] - clock[0], "samples": clock[2] - clock[1]}
            write_measured(run, plan["estimate"], parts, peak_memory(setup.model.device), adapter_step)
            finishing.write_verdict(
                run,
                setup,
                group,
                reporter,
                seconds=plan["estimate"]["parts"]["verdict"],
                measure_curve=partial(_measure_curve, run, setup, start, reporter),
            )
            add_verdict_seconds(run, time.monotonic() - clock[2])


def _measure_curve(run: RunDir, setup: TrainingSetup, start: bytes | None, reporter: Reporter) -> None:
    """Train once more on fewer of the rows, where that is wanted: by this process alone, for it is soon done."""

    def optimize(scratch: RunDir, part: TrainingSetup, counted: Reporter) -> None:
        _optimize(scratch, part, None, counted, ProcessGroup())
        finishing.take_best(scratch, part, NullReporter())

    if start is not None:
        learning_curve.measure(run, setup, start, optimize, reporter)


def _take_part(config: RunConfig, group: ProcessGroup) -> None:
    """Train as one of the other processes, whose run folder is a scratch one."""
    config = joining.with_settings_of_first(config, group.share("config", str))
    with TemporaryDirectory(prefix="offbook-") as folder:
        run = RunDir(folder)
        with readable_failures(config, run):
            setup = prepare_training(config, NullReporter(), share=group.share)
            joining.agree(group, setup, NullReporter())
            joining.share_weights(group, setup.model)
            checkpoint = joining.receive_state(group, run)
            write_rows(run, setup)
            _optimize(run, setup, checkpoint, NullReporter(), group)
            finishing.help_to_finish(run, setup, group)


def _optimize(
    run: RunDir, setup: TrainingSetup, checkpoint: Path | None, reporter: Reporter, group: ProcessGroup
) -> None:
    """Take the optimizer steps, from the first one or from a checkpoint to the last.

    Raises:
        Stopped: a signal came; the state is saved.
    """
    settings, sampler = setup.config.train, setup.sampler
    CheckpointStore(run.checkpoints).set_aside_after(0 if checkpoint is None else verify(checkpoint)["step"])
    progress = None if checkpoint is None else read_progress(checkpoint)
    recorder = RunRecorder(run, sampler, reporter, setup.model.device, progress=progress)
    history = progress["metrics"] if progress else []
    share = share_tasks(group)
    monitor = HeldoutMonitor(
        settings,
        history,
        lambda: finishing.sample_replies(setup, True, reporter=ProgressReporter(reporter), share=share)[0],
        recorder.record_samples,
        reporter,
    )
    if checkpoint is not None and monitor.stopped_early():
        adapters.restore(setup.model, checkpoint)
        return  # killed after its early end: only what follows is missing
    evaluates = bool(setup.dataset.heldout_examples)
    shutdown = GracefulShutdown(reporter, group)
    sharing = WorkSharing(group, setup.model)
    heldout_loss = partial(setup.heldout_loss, sharing) if evaluates else None
    trainer = StepTrainer(
        setup.model,
        sampler,
        Objective(setup.collate, fast_path.training_loss_sum, heldout_loss),
        CheckpointStore(run.checkpoints, fingerprint(setup), settings.keep_checkpoints, monitor.best),
        [recorder, SaveAtEnds(len(sampler), evaluates=evaluates), shutdown, monitor],
        settings=settings,
        sharing=sharing,
    )
    with recorder, shutdown.installed():
        recorder.trackers += _start_trackers(run, setup.config, reporter)
        reporter.stage("Training")
        trainer.run(checkpoint)
    step = trainer.state.global_step
    if shutdown.signal is not None and step < len(sampler):
        raise Stopped(
            "stopped and saved at step {step} of {count}",
            "Go on with: {command}",
            exit_code=128 + shutdown.signal,
            step=step,
            count=len(sampler),
            command=offbook_command("train", "-c", run.config, "--resume"),
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
