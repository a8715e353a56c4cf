"""A registry is a plain dict; this is the one guard in front of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from offbook.core.errors import UsageError

T = TypeVar("T")


def nearest(name: str, known: Iterable[str]) -> str:
    """The phrase `, did you mean 'x'?` for the known name closest to `name`, or "" where none is close."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", did you mean '{close[0]}'?" if close else ""


def lookup(registry: Mapping[str, T], name: str, kind: str) -> T:
    """`registry[name]`.

    Raises:
        UsageError: the name is unknown; the message names the nearest one and lists all.
    """
    if name in registry:
        return registry[name]
    raise UsageError(f"unknown {kind} '{name}'{nearest(name, registry)}", f"Known: {', '.join(sorted(registry))}.")
