"""What follows the last step: the state that becomes the adapter, samples, the picture, the verdict."""

from __future__ import annotations

from math import nan

from offbook.core import metrics_log
from offbook.core.atomic import atomic_dir, atomic_write_json
from offbook.core.metrics_log import best_step, points
from offbook.core.progress import Reporter
from offbook.core.rundir import RunDir
from offbook.core.types import Turn
from offbook.models import adapter as adapters
from offbook.pipeline.character import Character
from offbook.pipeline.evaluating import BaseAndTuned, evaluate_character
from offbook.pipeline.setup import TrainingSetup
from offbook.tracking.loss_plot import draw_loss
from offbook.training import checkpoint, fast_path
from offbook.training.heldout_monitor import SAMPLE_TOKENS, Samples


def write_end(run: RunDir, job: TrainingSetup, reporter: Reporter) -> int:
    """Samples and picture, then the adapter: its folder appears whole, as the last act. Returns the adapter's step."""
    draw_loss(metrics_log.read(run.metrics), run.loss_picture, f"{job.config.name}: {job.config.model.source}")
    step = _take_best(run, job, reporter)
    reporter.stage("Asking base and tuned model the sample prompts")
    base, tuned = ask(job, tuned=False), ask(job)
    atomic_write_json(
        run.samples, [{"prompt": prompt, "base": base[prompt], "tuned": tuned[prompt]} for prompt in base]
    )
    with atomic_dir(run.adapter) as folder:
        adapters.save(job.model, job.base.tokenizer, folder)
        job.persona.save(folder)
    return step


def write_verdict(run: RunDir, job: TrainingSetup, reporter: Reporter) -> None:
    """eval.json and report.html, where the config asks for them. The run is finished: whatever fails here is told."""
    if not job.config.evaluate.prompts or not job.dataset.heldout_examples:
        return
    try:
        with fast_path.fast_path_disabled(job.model):
            evaluate_character(run, _character(job), job.config, reporter=reporter)
    except Exception as error:
        reporter.warning(
            "no verdict ({error}). The adapter is complete; try again: offbook eval {run}", error=error, run=run.path
        )


def ask(job: TrainingSetup, *, tuned: bool = True) -> Samples:
    """What the model, as it is now, answers to the persona's sample_prompts; the same luck every time."""
    character = _character(job)
    short = job.persona.generation.model_copy(update={"max_new_tokens": SAMPLE_TOKENS})
    character.persona = job.persona.model_copy(update={"generation": short})
    prompts = [tuple(character.with_system([Turn("user", probe)])) for probe in job.persona.sample_prompts]
    with fast_path.fast_path_disabled(job.model):
        replies = BaseAndTuned(character, job.config.data.max_length).reply(prompts, tuned=tuned)
    return {probe: reply.text.strip() for probe, reply in zip(job.persona.sample_prompts, replies, strict=True)}


def _character(job: TrainingSetup) -> Character:
    return Character(job.model.eval(), job.base.template, job.persona)


def _take_best(run: RunDir, job: TrainingSetup, reporter: Reporter) -> int:
    """Give the model the state that the config wants kept; returns its step. A damaged checkpoint leaves the last."""
    lines = metrics_log.read(run.metrics)
    losses, last = dict(points(lines, "heldout_loss")), lines[-1]["step"]
    best = best_step(lines) if job.config.train.keep == "best" else None
    if best is None or best == last:
        return last
    folder = checkpoint.folder_of(run.checkpoints, best)
    try:
        checkpoint.verify(folder)
    except ValueError as fault:
        reporter.warning("checkpoint {fault}; the adapter is that of the last step.", fault=fault)
        return last
    adapters.restore(job.model, folder)
    reporter.info(
        "The held-out loss was lowest at step {step} ({lowest:.4f}; at the end {last:.4f}): "
        "that state becomes the adapter (train.keep).",
        step=best,
        lowest=losses[best],
        last=losses.get(last, nan),
    )
    return best
