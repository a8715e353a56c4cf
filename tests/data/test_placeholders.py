from typing import Any

import pytest

from offbook.core.types import Turn
from offbook.data.checks import CHECKS
from offbook.data.placeholders import fill, find
from tests.data.made import row_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I am {{char}}.", "{{char}}"),
        ("Hello {{ user }}!", "{{ user }}"),
        ("<USER> comes in.", "<USER>"),
        ("I am [Name].", "[Name]"),
        ("I am NAME, made by AUTHOR.", "NAME"),
        ("{bot} here", "{bot}"),
        ("I am [Your Name].", "[Your Name]"),
        ("{用户}来了。", "{用户}"),
        ("<SECOND>: At four.", "<SECOND>"),
        ("the [second] door", None),
        ("SAY MY NAME NOW!", None),
        ("My name is Ada. <b>bold</b> [1] {x}", None),
        ("the user's name", None),
    ],
)
def test_what_a_placeholder_is(text: str, expected: Any) -> None:
    assert find(text) == expected


def test_placeholders_are_filled_whatever_their_brackets() -> None:
    turns = [
        Turn("system", "Play {{char}}."),
        Turn("user", "<USER> asks NAME"),
        Turn("assistant", "{{ CHAR }}, {{age}}"),
    ]
    filled = fill(turns, {"char": "Ada", "user": "Ben", "name": "Cy"})
    assert [turn.text for turn in filled] == ["Play Ada.", "Ben asks Cy", "Ada, {{age}}"]
    assert fill(turns, {}) == tuple(turns)


def test_they_are_a_finding() -> None:
    result = CHECKS["placeholders"].find([row_of("Who are you?", "I am {{char}}."), row_of("And you?", "Ben.")])
    assert (result.count, result.examples[0].text) == (1, "I am {{char}}.")
