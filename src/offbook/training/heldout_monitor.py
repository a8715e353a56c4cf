"""What each held-out loss leads to while a run trains.

The character answers the sample prompts, the best state so far is saved, and a run that gains nothing more ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transformers import TrainerCallback

from offbook.core.config.schema import TrainConfig
from offbook.core.metrics_log import best_step, points, stalled
from offbook.core.progress import Reporter

SAMPLE_TOKENS = 64
"""The longest sample reply, in tokens: enough to hear the voice."""

Samples = dict[str, str]
"""Sample prompt → reply."""


class HeldoutMonitor(TrainerCallback):
    """Follows the held-out loss: records samples, saves the best state, ends the run when patience runs out.

    Args:
        settings: the run's `train` section.
        history: lines of metrics.jsonl from before a resume.
        generate_samples: returns the replies of the model as it is now to the sample prompts.
        record_samples: takes the step and its samples.
        reporter: told when the run ends early.
    """

    def __init__(
        self,
        settings: TrainConfig,
        history: Sequence[Mapping[str, Any]],
        generate_samples: Callable[[], Samples],
        record_samples: Callable[[int, Samples], None],
        reporter: Reporter,
    ) -> None:
        self.settings = settings
        self.losses = [{"step": step, "heldout_loss": loss} for step, loss in points(history, "heldout_loss")]
        self.generate_samples = generate_samples
        self.record_samples = record_samples
        self.reporter = reporter

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        step = state.global_step
        self.losses.append({"step": step, "heldout_loss": (metrics or {})["heldout_loss"]})
        self.record_samples(step, self.generate_samples())
        if step and step == self.best():
            control.should_save = True
        if self.stopped_early():
            control.should_save = control.should_training_stop = True
            self.reporter.info(
                "The held-out loss has not fallen for {patience} evaluations: training ends at step {step} "
                "(train.patience).",
                patience=self.settings.patience,
                step=step,
            )

    def best(self) -> int | None:
        """The step whose checkpoint may become the adapter and has to stay; None where the last one will."""
        return best_step(self.losses) if self.settings.keep == "best" else None

    def stopped_early(self) -> bool:
        """Whether the run is over before its last step."""
        return self.settings.patience is not None and stalled(self.losses, self.settings.patience)
