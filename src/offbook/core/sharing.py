"""Work that several processes may share: a number of tasks, each of which gives a value that JSON can hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Share = Callable[[int, Callable[[int], Any]], list[Any]]
"""(number of tasks, computes the value of a task) → the values of all tasks.

All processes call it alike and get the same values, whoever computed them: a task gives the same value on each.
"""


def alone(count: int, compute: Callable[[int], Any]) -> list[Any]:
    """The `Share` of one process: it does all tasks itself."""
    return [compute(task) for task in range(count)]
