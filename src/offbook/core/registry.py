"""A registry is a plain dict; this is the one guard in front of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from offbook.core.errors import UsageError
from offbook.core.i18n import translate

T = TypeVar("T")

LONGEST = 300
"""Letters of a name for which a near one is looked for."""


def nearest(name: str, names: Iterable[str]) -> str:
    """The phrase `, did you mean 'x'?` for the known name closest to `name`, or "" where none is close."""
    # Comparing takes the square of the length, and nobody mistypes a name of hundreds of letters.
    close = get_close_matches(name, list(names), n=1, cutoff=0.5) if len(name) <= LONGEST else []
    return translate(", did you mean '{name}'?").format(name=close[0]) if close else ""


def lookup(registry: Mapping[str, T], name: str, kind: str) -> T:
    """`registry[name]`.

    Raises:
        UsageError: the name is unknown; the message names the nearest one and lists all.
    """
    if name in registry:
        return registry[name]
    raise UsageError(
        "unknown {kind} '{name}'{hint}",
        "Known: {names}.",
        kind=translate(kind),
        name=name,
        hint=nearest(name, registry),
        names=", ".join(sorted(registry)),
    )
