"""Word lists that tell things by words: JSON files, one for each language, beside the readers that use them.

A file is an object; each key names a list, each value holds rows of words with spaces between (an underscore stands
for a space within a word). To teach a reader a language, add the file of its lists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files


def words(text: str) -> frozenset[str]:
    """The words of a list; an underscore stands for a space within one."""
    return frozenset(word.replace("_", " ") for word in text.split())


def one_of(choices: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first; it matches nothing where there are none."""
    longest_first = sorted(set(choices), key=lambda word: (-len(word), word))
    return "(?:" + "|".join(map(re.escape, longest_first)) + ")" if longest_first else "(?!)"


@cache
def load(reader: str, language: str) -> dict[str, frozenset[str]]:
    """The lists of one language for one reader.

    Args:
        reader: the package that uses them, "novel" or "script".
        language: the file's name without its suffix, such as "en".

    Returns:
        List name → its words.
    """
    text = files(__package__).joinpath(reader, "words", f"{language}.json").read_text(encoding="utf-8")
    return {name: words(" ".join(rows)) for name, rows in json.loads(text).items()}


@cache
def load_all(reader: str) -> dict[str, frozenset[str]]:
    """The lists of every language for one reader, those of one name put together."""
    joined: dict[str, frozenset[str]] = {}
    for path in files(__package__).joinpath(reader, "words").iterdir():
        if path.name.endswith(".json"):
            for name, entries in load(reader, path.name.removesuffix(".json")).items():
                joined[name] = joined.get(name, frozenset()) | entries
    return joined
