"""How a new character is addressed before anybody has said it."""

from __future__ import annotations

from pathlib import Path

import pytest

from offbook.core.config import loading
from offbook.core.i18n import in_language
from offbook.studio.new_character import Persona, make_folder


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("MARTA", "Marta"),
        ("MRS. O'NEIL", "Mrs. O'Neil"),
        ("MARY-ANN", "Mary-Ann"),
        ("THE KING'S GHOST", "The King's Ghost"),
        ("АННА", "Анна"),
        ("HENRY IV", "Henry IV"),
        ("TJ", "TJ"),
        ("C-3PO", "C-3PO"),
        ("Marta", "Marta"),
        ("摆渡婆", "摆渡婆"),
    ],
)
def test_a_name_in_capitals_is_no_abbreviation(role: str, name: str) -> None:
    assert Persona.of(role).name == name
    assert name in Persona.of(role).system


@pytest.mark.parametrize(
    ("role", "texts", "recipe", "system"),
    [
        ("小明", ["Where were you last night?", "I was at the harbour with the others."], "smollm2", "You are 小明."),
        ("Alice", ["你昨晚去哪儿了？", "我和他们在码头。"], "qwen", "现在你要扮演Alice。"),
        ("Marta", ["Wo warst du denn gestern Abend?", "Ich war mit den anderen am Hafen."], "qwen", "You are Marta."),
        ("さくら", ["昨日の夜はどこにいたの？", "みんなと港にいたよ。"], "qwen", "You are さくら."),
        ("小明", ["…", "?!"], "qwen", "现在你要扮演小明。"),
        ("Alice", [], "smollm2", "You are Alice."),
    ],
)
def test_the_text_tells_the_language_not_the_name_or_the_reader(
    role: str, texts: list[str], recipe: str, system: str
) -> None:
    for reader in ("en", "zh"):
        with in_language(reader):
            persona = Persona.of(role, texts)
            assert (persona.recipe, persona.system) == (recipe, system)


def test_a_character_of_a_third_language_is_asked_in_no_chinese(tmp_path: Path) -> None:
    make_folder(tmp_path / "Marta", Persona.of("Marta", ["Ich war mit den anderen am Hafen, und du nicht."]))
    config = loading.load(tmp_path / "Marta" / "run.yaml")
    assert config.model.source == "ms:Qwen/Qwen3-0.6B"
    assert config.persona.sample_prompts[0] == "Who are you?"
    assert config.evaluate.lang != "zh"
