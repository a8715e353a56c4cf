"""The language of messages: gettext catalogues in `offbook/locales/LANGUAGE/LC_MESSAGES/offbook.mo`.

The source language is English. A third language is added by a folder with a catalogue in it: help, errors, tables,
verdict and pages then speak it.
"""

from __future__ import annotations

import gettext
import locale
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

DOMAIN = "offbook"
SOURCE_LANGUAGE = "en"
LOCALES = Path(str(files("offbook"))) / "locales"

_translations: gettext.NullTranslations = gettext.NullTranslations()
_language = SOURCE_LANGUAGE
_spoken: ContextVar[str | None] = ContextVar("language", default=None)
"""The language of the request under way, where a server answers people of several."""


def languages() -> list[str]:
    """The languages that messages can be shown in, English first."""
    others = sorted(path.name for path in LOCALES.iterdir() if path.is_dir()) if LOCALES.is_dir() else []
    return [SOURCE_LANGUAGE, *(name for name in others if name != SOURCE_LANGUAGE)]


def use_language(name: str) -> None:
    """Show messages in a language from now on, in this process.

    Args:
        name: one of `languages()`; another one is English.
    """
    global _translations, _language
    _language = name if name in languages() else SOURCE_LANGUAGE
    _translations = _catalogue(LOCALES, _language)


def language() -> str:
    """The language that messages are shown in."""
    return _spoken.get() or _language


@contextmanager
def in_language(name: str) -> Iterator[None]:
    """Context manager: show messages in another language than the process's, in this task or thread alone.

    Args:
        name: one of `languages()`; another one is English.
    """
    token = _spoken.set(name if name in languages() else SOURCE_LANGUAGE)
    try:
        yield
    finally:
        _spoken.reset(token)


def preferred_language() -> str:
    """The user's language: OFFBOOK_LANG, else the locale's, as far as there is a catalogue; else English."""
    variables = (os.environ.get(name) for name in ("OFFBOOK_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))
    value = next((value for value in variables if value), None) or locale.getlocale()[0] or ""
    return base_language(value)


def base_language(tag: str) -> str:
    """The language of a locale or a tag (`zh_CN.UTF-8`, `zh-Hans`) as far as there is a catalogue; else English."""
    name = tag.replace("-", "_").split("_")[0].split(".")[0].strip().lower()
    return name if name in languages() else SOURCE_LANGUAGE


def marked(text: str) -> str:
    """The text itself: marks a message for the catalogues that is translated where it is shown."""
    return text


def translate(text: str) -> str:
    """A message in the language of the process; the message itself where the catalogue has none."""
    spoken = _spoken.get()
    translations = _translations if spoken is None else _catalogue(LOCALES, spoken)
    return translations.gettext(text) if text else text


def translated(text: str, lang: str) -> str:
    """A message in a language other than that of the process; the message itself where the catalogue has none.

    Args:
        text: the message in English.
        lang: one of `languages()`.
    """
    return _catalogue(LOCALES, lang).gettext(text) if text else text


def translated_tree(tree: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """A tree of English messages, such as those of a page, in a language."""
    return {
        name: translated_tree(part, lang) if isinstance(part, Mapping) else translated(part, lang)
        for name, part in tree.items()
    }


@cache
def _catalogue(folder: Path, lang: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, str(folder), [lang], fallback=True)
