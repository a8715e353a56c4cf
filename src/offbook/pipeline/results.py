"""What came of a training run, as `offbook.train` returns it."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from offbook.core import metrics_log
from offbook.core.rundir import RunDir


class TrainResult(RunDir):
    """The folder of a finished run (`path`, `adapter`, `report` …) with its figures, read from its records."""

    @cached_property
    def best_step(self) -> int:
        """The optimizer step whose weights became the adapter."""
        return int(self._environment["adapter_step"])

    @cached_property
    def heldout_loss(self) -> float | None:
        """Held-out loss of the adapter, in nats per label token; None where nothing was held out."""
        return self._heldout_losses.get(self.best_step)

    @cached_property
    def base_heldout_loss(self) -> float | None:
        """Held-out loss of the base model, before training; None where nothing was held out."""
        return self._heldout_losses.get(0)

    @cached_property
    def train_loss(self) -> float:
        """Mean loss per label token that was logged last in training, in nats."""
        return metrics_log.points(metrics_log.read(self.metrics), "loss")[-1][1]

    @cached_property
    def seconds(self) -> float:
        """What training took (its last start, where it was resumed), without loading and verdict."""
        return float(self._environment["estimate"]["measured"]["seconds"])

    @cached_property
    def _heldout_losses(self) -> dict[int, float]:
        return dict(metrics_log.points(metrics_log.read(self.metrics), "heldout_loss"))

    @cached_property
    def _environment(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.environment.read_text(encoding="utf-8"))
        return content
