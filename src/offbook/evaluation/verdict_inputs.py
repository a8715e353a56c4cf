"""What the rules of the verdict read: a scorecard, and the curve of its run."""

from __future__ import annotations

from dataclasses import dataclass

from offbook.evaluation.copying import Copying
from offbook.evaluation.fidelity import Fidelity
from offbook.evaluation.heldout_loss import HeldoutLoss
from offbook.evaluation.learning_curve import LearningCurve
from offbook.evaluation.scorecard import Scorecard
from offbook.evaluation.stopping import Stopping

Numbers = dict[str, float]
"""What a sentence names → its number."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What only the run's held-out losses tell."""

    rise: float
    """Nats by which the loss where the adapter was taken lies above the best one."""
    best: int
    """Step of the best one."""
    last: int
    """Step where the adapter was taken."""


@dataclass(frozen=True, slots=True)
class VerdictInputs:
    """What the rules read."""

    card: Scorecard
    curve: Curve | None = None
    fewer_lines: LearningCurve | None = None
    """The losses after training on fewer of the lines, where that was tried."""

    @property
    def heldout(self) -> HeldoutLoss:
        """Section of the losses."""
        return self.card.section(HeldoutLoss)

    @property
    def fidelity(self) -> Fidelity:
        """Section of the voice."""
        return self.card.section(Fidelity)

    @property
    def copying(self) -> Copying:
        """Section of the copies."""
        return self.card.section(Copying)

    @property
    def stops(self) -> Stopping:
        """Section of the ends."""
        return self.card.section(Stopping)

    @property
    def lines(self) -> int:
        """Rows in all, trained on or held out."""
        return self.heldout.training_rows + self.heldout.rows
