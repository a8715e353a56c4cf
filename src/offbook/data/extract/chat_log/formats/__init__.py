"""The chat formats. Each module declares its own as `FORMAT`; a new one is a new module and touches no other file."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from offbook.data.extract.chat_log.message import ChatFormat


def _declared() -> dict[str, ChatFormat]:
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    formats = [module.FORMAT for module in modules]
    return {format.name: format for format in sorted(formats, key=lambda format: (format.name == GENERAL, format.name))}


GENERAL = "table"
"""The format that others are particular cases of: it stands last, where two fit as well."""
CHAT_FORMATS = _declared()
"""Name → format."""
