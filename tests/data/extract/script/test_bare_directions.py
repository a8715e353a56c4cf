"""Directions that stand between speeches without brackets or any other mark."""

import pytest

from offbook.data.extract.script import play
from tests.data.extract.reading import texts

GERMAN = """
HEINZ. Der Zug kommt nicht mehr.
LOTTE. Das sagst du jeden Abend.
HEINZ. Weil es jeden Abend stimmt.
Heinz ab.
LOTTE. Bleib doch hier.
Lotte geht zum Fenster.
Heinz kommt zurück.
HEINZ. Gute Nacht, Lotte.
Beide lachen.
Licht aus.
"""
FRENCH = """
JULIEN. — La lampe est éteinte.
MARTHE. — Encore ?
Julien sort.
MARTHE. — Il est parti.
JULIEN. — Encore.
Marthe se lève, fatiguée.
MARTHE. — Il reviendra.
Un silence.
"""
SPANISH = """
ANA.— ¿Y la barca?
PABLO.— Se hundió.
Ana se levanta.
PABLO.— Sí.
ANA.— Vete.
Pablo sale.
ANA.— Lo sabía.
Entra el VIEJO.
"""
RUSSIAN = """
АННА. Где лодка?
ПАВЕЛ. Утонула.
Анна встаёт.
АННА. А люди?
ПАВЕЛ (тихо). Не знаю.
Павел молчит.
Затемнение.
"""


@pytest.mark.parametrize(
    ("text", "speeches"),
    [
        (GERMAN, ["Der Zug kommt nicht mehr.", "Das sagst du jeden Abend.", "Weil es jeden Abend stimmt."]),
        (FRENCH, ["La lampe est éteinte.", "Encore ?", "Il est parti.", "Encore.", "Il reviendra."]),
        (SPANISH, ["¿Y la barca?", "Se hundió.", "Sí.", "Vete.", "Lo sabía."]),
        (RUSSIAN, ["Где лодка?", "Утонула.", "А люди?", "Не знаю."]),
    ],
)
def test_what_is_told_of_speakers_below_speeches_is_not_spoken(text: str, speeches: list[str]) -> None:
    assert [speech for _, speech in texts(play.read, text)][: len(speeches)] == speeches


def test_who_leaves_in_a_play_whose_speeches_have_several_lines_is_not_spoken() -> None:
    verse = """
HEINZ. Die Nacht ist kalt,
Und keiner kommt.
Wir warten hier.
Heinz ab.
LOTTE. Er geht dahin,
Und Heinz bleibt stumm.
Heinz war mein Freund.
HEINZ. Ich bin es noch.
Lotte, komm.
LOTTE. Ich komme.
"""
    assert texts(play.read, verse) == [
        ("HEINZ", "Die Nacht ist kalt,\nUnd keiner kommt.\nWir warten hier."),
        ("LOTTE", "Er geht dahin,\nUnd Heinz bleibt stumm.\nHeinz war mein Freund."),
        ("HEINZ", "Ich bin es noch.\nLotte, komm."),
        ("LOTTE", "Ich komme."),
    ]
