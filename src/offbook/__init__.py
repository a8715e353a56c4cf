"""offbook: give a small language model a part.

    import offbook
    run = offbook.train(offbook.load_config("run.yaml"))
    print(offbook.load(run.path).reply("Who are you?").text)

The names below are the public API; they are imported when first used, so that `import offbook` is quick.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offbook.character import Character as Character
    from offbook.character import Reply as Reply
    from offbook.character import load as load
    from offbook.core.config import RunConfig as RunConfig
    from offbook.core.config import load as load_config  # noqa: F401
    from offbook.core.errors import OffbookError as OffbookError
    from offbook.pipeline import check as check

_HOMES = {
    "Character": ("offbook.character", "Character"),
    "OffbookError": ("offbook.core.errors", "OffbookError"),
    "Reply": ("offbook.character", "Reply"),
    "RunConfig": ("offbook.core.config", "RunConfig"),
    "check": ("offbook.pipeline", "check"),
    "load": ("offbook.character", "load"),
    "load_config": ("offbook.core.config", "load"),
}

__all__ = sorted([*_HOMES, "train"])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'offbook' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


class _Package(ModuleType):
    """`offbook.train` is the function, although a folder of that name lies in the package."""

    @property
    def train(self) -> Any:
        return importlib.import_module("offbook.pipeline").train

    @train.setter
    def train(self, folder: ModuleType) -> None:
        """Where Python puts the folder's module once it is imported; `from offbook.train import …` does not need it."""


sys.modules[__name__].__class__ = _Package
