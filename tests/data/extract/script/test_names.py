"""Names as a script prints them."""

import pytest

from offbook.data.extract.script.names import clean_name


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("【甄　嬛】", "甄嬛"),
        ("**Ada**", "Ada"),
        ('[ "Ada Byron" ]', "Ada Byron"),
        ("[ ]", ""),
        ('"', '"'),
        ("[Ada", "[Ada"),
    ],
)
def test_a_name_has_no_markup_and_no_brackets_around_it(printed: str, name: str) -> None:
    assert clean_name(printed) == name


def test_brackets_without_end_around_a_name_are_taken_off_in_one_go() -> None:
    """Each pair read anew took an hour here."""
    assert clean_name('"' * 1_000_000 + "Ada" + '"' * 1_000_000) == "Ada"
