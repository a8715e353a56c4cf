"""offbook: give a small language model a part.

    import offbook
    run = offbook.train(offbook.load_config("run.yaml"))
    print(offbook.load(run.path).reply("Who are you?").text)

The names below are the public API; they are imported when first used, so that `import offbook` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offbook.core.config.loading import load as load_config
    from offbook.core.config.schema import RunConfig
    from offbook.core.errors import OffbookError
    from offbook.pipeline.character import Character, Reply
    from offbook.pipeline.character import load_character as load
    from offbook.pipeline.checking import check
    from offbook.pipeline.evaluating import evaluate
    from offbook.pipeline.exporting import export
    from offbook.pipeline.training import train

_HOMES = {
    "Character": ("offbook.pipeline.character", "Character"),
    "OffbookError": ("offbook.core.errors", "OffbookError"),
    "Reply": ("offbook.pipeline.character", "Reply"),
    "RunConfig": ("offbook.core.config.schema", "RunConfig"),
    "check": ("offbook.pipeline.checking", "check"),
    "evaluate": ("offbook.pipeline.evaluating", "evaluate"),
    "export": ("offbook.pipeline.exporting", "export"),
    "load": ("offbook.pipeline.character", "load_character"),
    "load_config": ("offbook.core.config.loading", "load"),
    "train": ("offbook.pipeline.training", "train"),
}

__all__ = [
    "Character",
    "OffbookError",
    "Reply",
    "RunConfig",
    "check",
    "evaluate",
    "export",
    "load",
    "load_config",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'offbook' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)
