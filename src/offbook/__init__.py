"""offbook: give a small language model a part.

    import offbook

    run = offbook.train("hamlet/run.yaml")
    character = offbook.load(run)
    print(character.reply("Who are you?", temperature=0.5).text)

The names in `__all__` are the public API (docs/python.md). They are imported when first used, so that `import offbook`
is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offbook.core.config.loading import load as load_config
    from offbook.core.config.schema import GenerationConfig, RunConfig
    from offbook.core.errors import OffbookError
    from offbook.core.rundir import RunDir
    from offbook.pipeline.api import check, evaluate, export, extract, load, push, runs, train
    from offbook.pipeline.character import Character, Reply
    from offbook.pipeline.results import TrainResult
    from offbook.server.serving import serve

_HOMES = {
    "Character": ("offbook.pipeline.character", "Character"),
    "GenerationConfig": ("offbook.core.config.schema", "GenerationConfig"),
    "OffbookError": ("offbook.core.errors", "OffbookError"),
    "Reply": ("offbook.pipeline.character", "Reply"),
    "RunConfig": ("offbook.core.config.schema", "RunConfig"),
    "RunDir": ("offbook.core.rundir", "RunDir"),
    "TrainResult": ("offbook.pipeline.results", "TrainResult"),
    "check": ("offbook.pipeline.api", "check"),
    "evaluate": ("offbook.pipeline.api", "evaluate"),
    "export": ("offbook.pipeline.api", "export"),
    "extract": ("offbook.pipeline.api", "extract"),
    "load": ("offbook.pipeline.api", "load"),
    "load_config": ("offbook.core.config.loading", "load"),
    "push": ("offbook.pipeline.api", "push"),
    "runs": ("offbook.pipeline.api", "runs"),
    "serve": ("offbook.server.serving", "serve"),
    "train": ("offbook.pipeline.api", "train"),
}

__all__ = [
    "Character",
    "GenerationConfig",
    "OffbookError",
    "Reply",
    "RunConfig",
    "RunDir",
    "TrainResult",
    "check",
    "evaluate",
    "export",
    "extract",
    "load",
    "load_config",
    "push",
    "runs",
    "serve",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'offbook' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
