"""What follows the last step: the state that becomes the adapter, samples, the loss curve, the verdict."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from math import nan

from offbook.core import metrics_log
from offbook.core.atomic import atomic_dir, atomic_write_json
from offbook.core.errors import OffbookError
from offbook.core.metrics_log import best_step, points
from offbook.core.progress import NullReporter, Reporter
from offbook.core.rundir import RunDir
from offbook.core.sharing import Share, alone
from offbook.core.shell import offbook_command
from offbook.core.text import clock
from offbook.core.types import Turn
from offbook.models import adapter as adapters
from offbook.models.load import load_model
from offbook.models.storage import is_quantized, is_stored, store_in_float32, unquantize
from offbook.models.weight_size import unquantized_fits
from offbook.pipeline.adapter_source import resolve_character
from offbook.pipeline.base_and_tuned import BaseAndTuned
from offbook.pipeline.character import Character
from offbook.pipeline.evaluating import ask_models, evaluate, evaluate_character
from offbook.pipeline.setup import TrainingSetup
from offbook.tracking.loss_plot import draw_loss
from offbook.training import fast_path
from offbook.training.checkpoint import CheckpointStore, verify
from offbook.training.heldout_monitor import SAMPLE_TOKENS, Samples
from offbook.training.process_group import ProcessGroup
from offbook.training.work_sharing import share_tasks


def write_adapter(run: RunDir, setup: TrainingSetup, group: ProcessGroup, reporter: Reporter) -> int:
    """Write the loss curve, the samples and then the adapter, whose folder appears whole, last of all.

    Args:
        run: the run folder.
        setup: the run, its last step taken.
        group: the processes of the run; the others call `help_to_finish`.
        reporter: is told what is being done.

    Returns:
        The step whose state became the adapter.
    """
    draw_loss(metrics_log.read(run.metrics), run.loss_picture, f"{setup.config.name}: {setup.config.model.source}")
    step = take_best(run, setup, reporter)
    recorded = [] if is_quantized(setup.model) else _recorded_samples(run, setup, step)
    if group.size > 1:
        group.broadcast(adapters.trained_bytes(setup.model))
        group.broadcast(b"recorded" if recorded else b"")
    _be_as_talked_to(setup, group)
    base, tuned = recorded or sample_replies(setup, False, True, reporter=reporter, share=share_tasks(group))
    atomic_write_json(
        run.samples, [{"prompt": prompt, "base": base[prompt], "tuned": tuned[prompt]} for prompt in base]
    )
    with atomic_dir(run.adapter) as folder:
        adapters.save(setup.model, setup.base.tokenizer, folder)
        setup.persona.save(folder)
    return step


def _recorded_samples(run: RunDir, setup: TrainingSetup, step: int) -> list[Samples]:
    """What the model said before the first step, as the base model, and at a step; empty where it was not asked."""
    samples = {line["step"]: line.get("samples") or {} for line in metrics_log.read(run.samples_log)}
    both = [samples.get(0, {}), samples.get(step, {})]
    return both if all(list(each) == list(setup.persona.sample_prompts) for each in both) else []


def help_to_finish(run: RunDir, setup: TrainingSetup, group: ProcessGroup) -> None:
    """Do another process's share of samples and verdict; it ends early where the process that owns the run does.

    Args:
        run: this process's scratch folder, which has the run's rows.
        setup: the run, its last step taken.
        group: the processes of the run.
    """
    share = share_tasks(group)
    adapters.load_trained(setup.model, group.broadcast(b""))
    recorded = group.broadcast(b"")
    _be_as_talked_to(setup, group)
    if not recorded:
        sample_replies(setup, False, True, share=share)
    if _has_verdict(setup):
        # Whatever goes wrong is told by the process that owns the run, which is finished by now.
        with suppress(OffbookError, KeyboardInterrupt), fast_path.fast_path_disabled(setup.model):
            ask_models(run, _character(setup), setup.config, reporter=NullReporter(), share=share)


def _be_as_talked_to(setup: TrainingSetup, group: ProcessGroup) -> None:
    """Let the model compute as it will when it is talked to: in float32, on the base as it was pulled.

    A quantized base stays as it is where there is no memory for the other one.
    """
    path = setup.base.local.path
    if is_quantized(setup.model):
        if group.broadcast(b"fits" if unquantized_fits(path, group.size) else b""):
            unquantize(setup.model, load_model(path, setup.config.model.dtype, "bfloat16"))
    elif setup.config.model.storage == "full" and is_stored(setup.model):
        store_in_float32(setup.model)


def _has_verdict(setup: TrainingSetup) -> bool:
    return bool(setup.config.evaluate.prompts and setup.dataset.heldout_examples)


def write_verdict(
    run: RunDir,
    setup: TrainingSetup,
    group: ProcessGroup,
    reporter: Reporter,
    *,
    seconds: float,
    measure_curve: Callable[[], None] = lambda: None,
) -> None:
    """Write eval.json and report.html, where the config asks for them.

    The run is finished by then: whatever fails here is a warning, and Ctrl-C leaves the verdict out.

    Args:
        run: the run folder, its adapter in place.
        setup: the run, its model trained.
        group: the processes of the run.
        reporter: told that the character can be talked to.
        seconds: how long the verdict will take.
        measure_curve: writes what the verdict says of fewer and of more lines.
    """
    if not _has_verdict(setup):
        return
    reporter.info(
        "The adapter is complete. Talk to it already: {chat}\n"
        "What follows is the verdict, about {time}; Ctrl-C skips it.",
        chat=offbook_command("chat", run.path),
        time=clock(seconds),
    )
    try:
        measure_curve()
        with fast_path.fast_path_disabled(setup.model):
            evaluate_character(run, _character(setup), setup.config, reporter=reporter, share=share_tasks(group))
    except KeyboardInterrupt as interrupt:
        group.give_up(interrupt)
        reporter.info("The verdict is skipped. Make it later: {command}", command=offbook_command("eval", run.path))
    except Exception as error:
        reporter.warning(
            "no verdict ({error}). The adapter is complete; try again: {command}",
            error=error,
            command=offbook_command("eval", run.path),
        )


def complete_verdict(run: RunDir, reporter: Reporter) -> None:
    """Make the verdict of a run that was stopped after its adapter was complete.

    Raises:
        UsageError: adapter and base model do not belong together any more.
        OffbookError: the verdict cannot be written.
    """
    reporter.info("The run is finished but for its verdict, which is made now.")
    evaluate(resolve_character(run.path, reporter=reporter), reporter=reporter)


def sample_replies(
    setup: TrainingSetup, *sides: bool, reporter: Reporter | None = None, share: Share = alone
) -> list[Samples]:
    """Replies to the persona's sample prompts, drawn with the same seed every time.

    Args:
        setup: the run; its model speaks as it is now.
        *sides: False for the base model, True for the tuned one; samples come for each.
        reporter: is told how far it is.
        share: shares the work out over the processes of the run.
    """
    reporter = reporter or NullReporter()
    character = _character(setup)
    length = min(SAMPLE_TOKENS, setup.persona.generation.max_new_tokens)
    short = setup.persona.generation.model_copy(update={"max_new_tokens": length})
    character.persona = setup.persona.model_copy(update={"generation": short})
    prompts = [tuple(character.with_system([Turn("user", prompt)])) for prompt in setup.persona.sample_prompts]
    with fast_path.fast_path_disabled(setup.model):
        models = BaseAndTuned(character, setup.config.data.max_length, reporter, share)
        answers = models.reply(prompts, *sides)
    texts = [[reply.text.strip() for reply in replies] for replies in answers]
    return [dict(zip(setup.persona.sample_prompts, replies, strict=True)) for replies in texts]


def _character(setup: TrainingSetup) -> Character:
    return Character(setup.model.eval(), setup.base.template, setup.persona)


def take_best(run: RunDir, setup: TrainingSetup, reporter: Reporter) -> int:
    """Give the model the state that `train.keep` asks for; returns its step. A damaged one leaves the last."""
    lines = metrics_log.read(run.metrics)
    losses, last = dict(points(lines, "heldout_loss")), lines[-1]["step"]
    best = best_step(lines) if setup.config.train.keep == "best" else None
    if best is None or best == last:
        return last
    folder = CheckpointStore(run.checkpoints).folder(best)
    try:
        verify(folder)
    except ValueError as fault:
        reporter.warning("checkpoint {fault}; the adapter is that of the last step.", fault=fault)
        return last
    adapters.restore(setup.model, folder)
    reporter.info(
        "The held-out loss was lowest at step {step} ({lowest:.4f}; at the end {last:.4f}): "
        "that state becomes the adapter (train.keep).",
        step=best,
        lowest=losses[best],
        last=losses.get(last, nan),
    )
    return best
