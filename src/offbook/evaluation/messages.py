"""What offbook says of an evaluation, in English and Chinese: one JSON file a language."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from offbook.core.registry import lookup

LANGUAGES = {"en": "English", "zh": "中文"}


@cache
def wording(lang: str) -> dict[str, Any]:
    """The sentences of a language: `verdict` (rule → text, advice, headline), `headline`, and `page` (label → text).

    Raises:
        UsageError: there are none in that language.
    """
    lookup(LANGUAGES, lang, "language")
    sentences = json.loads(files("offbook.evaluation").joinpath(f"wording.{lang}.json").read_text(encoding="utf-8"))
    return dict(sentences)
