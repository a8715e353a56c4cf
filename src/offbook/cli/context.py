"""What one call of the command line was asked for beside its own options: kept in click's context."""

from __future__ import annotations

from dataclasses import dataclass

import click


@dataclass
class Invocation:
    """The options that hold for every command."""

    debug: bool = False
    as_json: bool = False


def invocation() -> Invocation:
    """The options of the call under way; defaults outside of one."""
    context = click.get_current_context(silent=True)
    return Invocation() if context is None else context.ensure_object(Invocation)
