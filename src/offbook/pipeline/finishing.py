"""What follows the last step: the state that becomes the adapter, samples, the loss curve, the verdict."""

from __future__ import annotations

from math import nan

from offbook.core import metrics_log
from offbook.core.atomic import atomic_dir, atomic_write_json
from offbook.core.metrics_log import best_step, points
from offbook.core.progress import NullReporter, Reporter
from offbook.core.rundir import RunDir
from offbook.core.shell import offbook_command
from offbook.core.text import clock
from offbook.core.types import Turn
from offbook.models import adapter as adapters
from offbook.models.storage import store_in_float32
from offbook.pipeline.adapter_source import resolve_character
from offbook.pipeline.character import Character
from offbook.pipeline.evaluating import BaseAndTuned, evaluate, evaluate_character
from offbook.pipeline.setup import TrainingSetup
from offbook.tracking.loss_plot import draw_loss
from offbook.training import fast_path
from offbook.training.checkpoint import CheckpointStore, verify
from offbook.training.heldout_monitor import SAMPLE_TOKENS, Samples


def write_adapter(run: RunDir, setup: TrainingSetup, reporter: Reporter) -> int:
    """Write the loss curve, the samples and then the adapter, whose folder appears whole, last of all.

    Returns:
        The step whose state became the adapter.
    """
    draw_loss(metrics_log.read(run.metrics), run.loss_picture, f"{setup.config.name}: {setup.config.model.source}")
    step = _take_best(run, setup, reporter)
    if setup.config.train.compute == "bfloat16" and setup.config.model.storage == "full":
        store_in_float32(setup.model)  # replies and verdict are those of the model that will be talked to
    reporter.stage("Asking base and tuned model the sample prompts")
    base, tuned = (sample_replies(setup, tuned=tuned, reporter=reporter) for tuned in (False, True))
    atomic_write_json(
        run.samples, [{"prompt": prompt, "base": base[prompt], "tuned": tuned[prompt]} for prompt in base]
    )
    with atomic_dir(run.adapter) as folder:
        adapters.save(setup.model, setup.base.tokenizer, folder)
        setup.persona.save(folder)
    return step


def write_verdict(run: RunDir, setup: TrainingSetup, reporter: Reporter, *, seconds: float) -> None:
    """Write eval.json and report.html, where the config asks for them.

    The run is finished by then: whatever fails here is a warning, and Ctrl-C leaves the verdict out.

    Args:
        run: the run folder, its adapter in place.
        setup: the run, its model trained.
        reporter: told that the character can be talked to.
        seconds: how long the verdict will take.
    """
    if not setup.config.evaluate.prompts or not setup.dataset.heldout_examples:
        return
    reporter.info(
        "The adapter is complete. Talk to it already: {chat}\n"
        "What follows is the verdict, about {time}; Ctrl-C skips it.",
        chat=offbook_command("chat", run.path),
        time=clock(seconds),
    )
    try:
        with fast_path.fast_path_disabled(setup.model):
            evaluate_character(run, _character(setup), setup.config, reporter=reporter)
    except KeyboardInterrupt:
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


def sample_replies(setup: TrainingSetup, *, tuned: bool = True, reporter: Reporter | None = None) -> Samples:
    """Replies of the model as it is now to the persona's sample prompts, drawn with the same seed every time."""
    reporter = reporter or NullReporter()
    character = _character(setup)
    short = setup.persona.generation.model_copy(update={"max_new_tokens": SAMPLE_TOKENS})
    character.persona = setup.persona.model_copy(update={"generation": short})
    prompts = [tuple(character.with_system([Turn("user", prompt)])) for prompt in setup.persona.sample_prompts]
    with fast_path.fast_path_disabled(setup.model):
        replies = BaseAndTuned(character, setup.config.data.max_length, reporter).reply(prompts, tuned=tuned)
    return {prompt: reply.text.strip() for prompt, reply in zip(setup.persona.sample_prompts, replies, strict=True)}


def _character(setup: TrainingSetup) -> Character:
    return Character(setup.model.eval(), setup.base.template, setup.persona)


def _take_best(run: RunDir, setup: TrainingSetup, reporter: Reporter) -> int:
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
