"""How a long task tells whoever started it how far it is."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """The command line shows these; `NullReporter` is for callers from Python."""

    def say(self, text: str) -> None:
        """A sentence worth reading."""
        ...

    def step(self, step: int, total: int, loss: float, tokens_per_second: float) -> None:
        """An optimizer step is done."""
        ...

    def heldout(self, step: int, loss: float) -> None:
        """The held-out loss was taken."""
        ...


class NullReporter:
    """A reporter that says nothing."""

    def say(self, text: str) -> None: ...

    def step(self, step: int, total: int, loss: float, tokens_per_second: float) -> None: ...

    def heldout(self, step: int, loss: float) -> None: ...
