"""What each held-out loss leads to while a run is under way.

The character answers the fixed prompts, the best state so far is saved, and a run that gains nothing more ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from transformers import TrainerCallback

from offbook.core.config.schema import TrainConfig
from offbook.core.metrics_log import best_step, points, stalled
from offbook.core.progress import Reporter

SAMPLE_TOKENS = 64
"""Samples are cut at this length: enough to hear the voice."""

Samples = dict[str, str]
"""Prompt → reply."""


class HeldoutMonitor(TrainerCallback):
    """Follows the held-out loss.

    Args:
        known: lines of metrics.jsonl from before a resume.
        ask: the fixed prompts with the replies of the model as it is now.
        show: takes a step's samples, for the run folder and the trackers.
    """

    def __init__(
        self,
        settings: TrainConfig,
        known: Sequence[dict[str, Any]],
        ask: Callable[[], Samples],
        show: Callable[[int, Samples], None],
        reporter: Reporter,
    ) -> None:
        self.settings = settings
        self.losses = [{"step": step, "heldout_loss": loss} for step, loss in points(known, "heldout_loss")]
        self.ask = ask
        self.show = show
        self.reporter = reporter

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        step = state.global_step
        self.losses.append({"step": step, "heldout_loss": (metrics or {})["heldout_loss"]})
        self.show(step, self.ask())
        if step and step == self.best():
            control.should_save = True
        if self.ended():
            control.should_save = control.should_training_stop = True
            self.reporter.info(
                "The held-out loss has not fallen for {patience} evaluations: "
                "training ends at step {step} (train.patience).",
                patience=self.settings.patience,
                step=step,
            )

    def best(self) -> int | None:
        """The step whose checkpoint has to stay, because it may become the adapter; None where the last one will."""
        return best_step(self.losses) if self.settings.keep == "best" else None

    def ended(self) -> bool:
        """Whether the run is over before its last step."""
        return self.settings.patience is not None and stalled(self.losses, self.settings.patience)
