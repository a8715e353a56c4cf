"""The folder of a new character: a recipe's settings, with its name and its own system prompt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from offbook.core.atomic import atomic_dir
from offbook.core.config import loading
from offbook.core.i18n import translate
from offbook.data.extract.novel.languages import language_of
from offbook.recipes import recipes

RECIPES = {"en": "smollm2"}
"""Language → the recipe that a character begins with; SmolLM2 knows English alone."""
MULTILINGUAL = "qwen"
"""The recipe of every other language. It is written for Chinese."""
CHINESE_ONLY = ("persona.sample_prompts", "evaluate.lang")
"""Its settings that are in Chinese."""

TINY = "builtin:tiny"
"""The base model of the two-minute character: it is made on the spot and knows nothing."""


def what_to_expect(base: str) -> str | None:
    """What not to expect of a character on a base model, said before it is trained; None where it is a real one."""
    if base != TINY:
        return None
    return translate(
        "It learns these lines by heart and knows nothing else: to any other question it answers with bits of them. "
        "A character that talks needs a model that can talk, and some hundred lines."
    )


@dataclass(frozen=True, slots=True)
class Persona:
    """How a new character is addressed; all of it can be changed."""

    name: str
    system: str
    recipe: str
    language: str

    @classmethod
    def of(cls, role: str, texts: Sequence[str] = ()) -> Persona:
        """That of a role: its prompt is Chinese where the texts are, else English.

        Scripts have names in capitals, which a model takes for an abbreviation: MARTA is called Marta.

        Args:
            role: the name that it has in its text.
            texts: some of what is said there, which tells the language; the name does where there is nothing.
        """
        role = " ".join(_written_out(word) for word in role.split(" ")) if role.isupper() else role
        spoken = language_of(texts if any(letter.isalpha() for text in texts for letter in text) else [role])
        system = f"现在你要扮演{role}。" if spoken == "zh" else f"You are {role}."
        return cls(role, system, RECIPES.get(spoken, MULTILINGUAL), spoken)


def _written_out(word: str) -> str:
    """A word of a name in capitals as it is written elsewhere; initials and numerals (J., TJ, IV) stay."""
    letters = re.sub(r"['’-]|\.$", "", word)
    if len(word) < 3 or not letters.isalpha() or set(letters) <= set("IVX"):
        return word
    return re.sub(r"(?<=['’])S$", "s", word.title())


def make_folder(folder: Path, persona: Persona, **changes: Any) -> str:
    """Write a new character's folder; it appears whole.

    Args:
        folder: where; it is not there yet.
        persona: its name and prompt, and the recipe that it begins with.
        changes: dotted settings with `__` for the dot, in place of the recipe's.

    Returns:
        The recipe's name.
    """
    tree = yaml.safe_load(recipes()[persona.recipe])
    if persona.recipe == MULTILINGUAL and persona.language != "zh":
        english = yaml.safe_load(recipes()[RECIPES["en"]])
        for dotted in CHINESE_ONLY:
            section, leaf = dotted.split(".")
            tree.setdefault(section, {}).pop(leaf, None)
            if leaf in english.get(section, {}):
                tree[section][leaf] = english[section][leaf]
    settings = {
        "name": folder.name,
        "persona.name": persona.name,
        "persona.system": persona.system,
        "data.source": "rows.jsonl",
        **{name.replace("__", "."): value for name, value in changes.items()},
    }
    for dotted, value in settings.items():
        loading.put(tree, dotted, value)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with atomic_dir(folder) as new:
        (new / "run.yaml").write_text(loading.dump_tree(tree), encoding="utf-8")
    return persona.recipe
