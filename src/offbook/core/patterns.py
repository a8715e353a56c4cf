"""Regular expressions that are compiled when they are first asked for something.

A long pattern takes Python up to 15 ms to compile. A reader of one format has a dozen of them, and most files are of
another.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Pattern:
    """Stands for a pattern until it is used; then its methods are those of the compiled one."""

    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Called once, for the first method or field that is asked for."""
        compiled = re.compile(self._text, self._flags)
        for method in dir(re.Pattern):
            if not method.startswith("_"):
                setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def lazy_pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """A regular expression as `re.compile` gives, compiled at its first use; an error in it is raised there.

    A match of it has the compiled one as its `re`, so that `match.re is NAME` is never true.

    Args:
        text: the expression.
        flags: as `re.compile` takes them.
    """
    return cast("re.Pattern[str]", _Pattern(text, flags))
