"""What offbook says of an evaluation: wording.json has the English sentences, the catalogues have the others."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from offbook.core.i18n import languages, translated_tree
from offbook.core.registry import lookup


def wording(lang: str) -> dict[str, Any]:
    """The sentences of a language: `verdict` (rule → text, advice, headline), `headline`, and `page` (label → text).

    Raises:
        UsageError: there are none in that language.
    """
    lookup(dict.fromkeys(languages()), lang, "language")
    return translated_tree(sentences(), lang)


@cache
def sentences() -> dict[str, Any]:
    """The English sentences."""
    return dict(json.loads(files("offbook.evaluation").joinpath("wording.json").read_text(encoding="utf-8")))
