"""What to do about an error on the page: no option of a terminal is named where the page has a control."""

import pytest

from offbook.core.i18n import in_language, translate
from offbook.studio.advice import ANSWERS, BUTTONS, CONTROLS, page_fix, page_settings


@pytest.mark.parametrize(
    ("fix", "text"),
    [
        ("If somebody does, say so: --format novel", "Choose below what it is"),
        ("Name the format: play, novel.", "Choose below what it is"),
        ("A table of messages: --columns sender=…,text=…", "Say below which column"),
        ("Rename them, or --data.columns prompt=COLUMN,reply=COLUMN", "under 1, Text"),
        ("Who speaks: --list", "choose there who is to speak"),
        ("Say whose are learned with --persona.name.", "under 3"),
        ("Unpack it, and name what is in it.", "bring what is in it"),
        ("Undo the change, or accept other final weights with --allow-inexact.", "the button below"),
        ("Choose another --out.", "free space on the disk"),
        ("Is it the right file?", "Is it the right file?"),
    ],
)
def test_the_page_s_control_is_named_in_place_of_an_option(fix: str, text: str) -> None:
    assert text in page_fix(fix)
    assert "--" not in page_fix(fix)


def test_settings_are_named_as_the_form_has_them() -> None:
    assert page_settings("Raise it (--data.max_length 2048), or --data.on_error skip.") == (
        "Raise it (data.max_length = 2048), or data.on_error = skip."
    )
    assert page_fix("Raise --data.max_length.").splitlines() == [
        "Raise data.max_length.",
        "Settings stand under 4, Rehearse, at Details.",
    ]
    advice = page_fix(
        "--train.max_tokens_per_micro_batch 512; with --resume also --allow-inexact, since rounding changes."
    )
    assert "train.max_tokens_per_micro_batch = 512; with “Go on” also “Go on with the changes”" in advice
    assert page_settings("an --unheard.of thing") == "an --unheard.of thing"


def test_advice_is_in_the_reader_s_language() -> None:
    with in_language("zh"):
        assert page_fix(translate("Unpack it, and name what is in it.")) == translate(
            "Unpack it, and bring what is in it."
        )
        for text in [*CONTROLS.values(), *ANSWERS.values(), *BUTTONS.values()]:
            assert translate(text) != text
