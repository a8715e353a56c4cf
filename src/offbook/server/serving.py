"""`serve` as a function: what a person may have got wrong is looked at first, and torch is imported after that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from offbook.core.errors import UsageError
from offbook.core.notebook import starting_reporter
from offbook.core.progress import Reporter
from offbook.core.rundir import RunDir
from offbook.pipeline.adapter_source import resolve_character
from offbook.pipeline.preflight import refuse_unknown_template
from offbook.server.backends import check_engine, check_means
from offbook.server.listening import bind, check_access, key_of_environment
from offbook.server.run_folders import is_folder_of_runs

if TYPE_CHECKING:
    from offbook.server.conversation import SystemPolicy

Run = str | Path | RunDir
"""A run, its folder or its name, a bare PEFT adapter folder, or a folder of runs."""


def serve(
    runs: Run | Sequence[Run] = (),
    *,
    everything: bool = False,
    host: str = "127.0.0.1",
    port: int = 8000,
    engine: str = "auto",
    system: SystemPolicy = "append",
    allow_host: Sequence[str] = (),
    allow_origin: Sequence[str] = (),
    base_model: str | None = None,
    template: str | None = None,
    upstream: str | None = None,
    idle: float | None = None,
    reporter: Reporter | None = None,
) -> None:
    """Serve one character or several until SIGINT or SIGTERM.

    Args:
        runs: a run, its folder or its name, a bare PEFT adapter folder, or a folder of runs, which is watched; or
            several of them.
        everything: whether all runs of the usual place are served, and watched, too.
        host: the address to listen on; others than this computer's own need a key in OFFBOOK_API_KEY.
        port: 0 takes a free one.
        engine: transformers, llama.cpp, vllm, openai, or auto.
        system: what a client's system prompt does.
        allow_host: further host names by which clients may reach the server.
        allow_origin: origins whose pages may use it from a browser.
        base_model: source of the base model, as for `offbook.load`.
        template: a built-in chat template by name, as for `offbook.load`.
        upstream: address of the server that runs the models, for the engine `openai`.
        idle: minutes without a request for a reply after which it ends by itself; None: never.
        reporter: is told the address; default: drawn in a notebook, else dropped.

    Raises:
        UsageError: the port is taken, a key is missing, or runs and engine are at fault.
        Stopped: SIGTERM came.
    """
    several = [runs] if isinstance(runs, str | Path | RunDir) else runs
    names = [str(run.path if isinstance(run, RunDir) else run) for run in several]
    if not names and not everything:
        raise UsageError("no character is named", "Name a run: offbook serve runs/NAME, or serve all of them: --all")
    check_engine(engine)
    check_access(host, key_of_environment(), allow_origin)
    refuse_unknown_template(template)
    named = [resolve_character(name, base_model=base_model) for name in names if not is_folder_of_runs(name)]
    check_means(engine, upstream, named)
    bind(host, port).close()
    reporter = starting_reporter(reporter)
    from offbook.server.http_server import serve_cast

    serve_cast(
        names,
        everything=everything,
        host=host,
        port=port,
        engine=engine,
        system=system,
        allow_host=allow_host,
        allow_origin=allow_origin,
        base_model=base_model,
        template=template,
        upstream=upstream,
        idle=idle,
        reporter=reporter,
    )
