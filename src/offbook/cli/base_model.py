"""The base model of a bare adapter: where it is, and pulled from a hub once the user has agreed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from offbook.core.progress import fill


def base_model_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--base-model` and `--yes`."""
    function = click.option("-y", "--yes", is_flag=True, help="Pull the base model that an adapter names.")(function)
    return click.option(
        "--base-model", metavar="SOURCE", help="The base of a bare adapter folder (as in model.source)."
    )(function)


def pull_named_base(run: str, base_model: str | None, *, yes: bool) -> None:
    """Pull the base model that an adapter of another program names by its name on a hub, if the user agrees.

    Args:
        run: the character.
        base_model: the base model that the user named: it goes before the adapter's.
        yes: agreed already. Where nobody can be asked, nothing is pulled.
    """
    from offbook.cli.progress_bar import reporting
    from offbook.hub.pull import pull
    from offbook.hub.snapshot import is_pulled
    from offbook.pipeline.adapter_source import resolve_character

    character = resolve_character(run, base_model=base_model)
    name, revision = character.base_on_a_hub, character.base_revision
    if name is None or any(is_pulled(hub, name, revision) for hub in ("hf", "ms")):
        return
    source = f"hf:{name}"
    question = fill("The base model that the adapter names is not here. Pull {source}?", {"source": source})
    if yes or (sys.stdin.isatty() and click.confirm(question, default=True, err=True)):
        with reporting() as reporter:
            pull(source, revision=revision, reporter=reporter)
