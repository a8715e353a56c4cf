"""How a new character is addressed before anybody has said it."""

from __future__ import annotations

import pytest

from offbook.studio.new_character import Persona


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
