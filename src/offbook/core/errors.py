"""Errors that a person can act on, in two lines: what happened, and how to fix it.

OffbookError          exit 1   the run failed
├── UsageError        exit 2   a mistake in the command, the config or the data
├── GateMissed        exit 3   the work was done, a stated bound was missed
└── Stopped           exit 130 / 143   interrupted after saving
"""

from __future__ import annotations

from offbook.core.progress import fill


class OffbookError(Exception):
    """A failure that a person can act on; the command line prints it without a traceback.

    Args:
        what: what happened; a template if there are fields.
        fix: how to fix it, likewise.
        fields: fill the `{placeholders}` of both.
    """

    exit_code = 1

    def __init__(self, what: str, fix: str = "", **fields: object) -> None:
        self.what = fill(what, fields)
        self.fix = fill(fix, fields)
        super().__init__(self.what)

    def __str__(self) -> str:
        return f"{self.what}\n{self.fix}" if self.fix else self.what


class UsageError(OffbookError):
    """The command, the config, the data or a file given by the user is at fault."""

    exit_code = 2


class GateMissed(OffbookError):
    """A quality bound was missed: a verdict, not an accident."""

    exit_code = 3


class Stopped(OffbookError):
    """A signal ended the run after its state was saved."""

    def __init__(self, what: str, fix: str = "", *, exit_code: int = 130, **fields: object) -> None:
        super().__init__(what, fix, **fields)
        self.exit_code = exit_code


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, as Python, torch, oneDNN or the system report it."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error)
    return any(sign in text for sign in _OUT_OF_MEMORY) or text.endswith("could not create a primitive")


_OUT_OF_MEMORY = ("allocate memory", "out of memory", "bad_alloc", "os error 12)")
