"""The narrator's words within what is said, in European languages: told by their verb and by where they stand."""

import pytest

from offbook.data.extract.cue import SURE
from offbook.data.extract.novel import reader
from offbook.data.extract.script.headings import heading
from tests.data.extract.reading import cues, numbered

TAGS = {
    "Swedish epithets and verbs": (
        "– Är det du? frågade gamle Nils och reste sig.\n\n– Då går vi, bestämde Elsa.\n\n"
        "– Inte än, sa Nils. Det är på väg.",
        [("Nils", "Är det du?"), ("Elsa", "Då går vi."), ("Nils", "Inte än. Det är på väg.")],
    ),
    "Spanish dashes as they are typed": (
        "-¿Tú eres el nuevo? -me preguntó Dani.\n\n-Vale -resopló Vera-, pero no me lo manches.\n\n"
        "-¡Silencio! -ordenó la profesora-. El libro de ex-alumnos por la página doce.",
        [
            ("Dani", "¿Tú eres el nuevo?"),
            ("Vera", "Vale, pero no me lo manches."),
            ("la profesora", "¡Silencio! El libro de ex-alumnos por la página doce."),
        ],
    ),
    "French in the perfect": (
        "— Reste dîner, a dit Lucien.\n\n— Non merci, a répondu Berthe. On ne m'attend pas mais il est tard.",
        [("Lucien", "Reste dîner."), ("Berthe", "Non merci. On ne m'attend pas mais il est tard.")],
    ),
}


@pytest.mark.parametrize("kind", TAGS)
def test_a_tag_is_told_from_what_is_said(kind: str) -> None:
    book, expected = TAGS[kind]
    assert [(cue.speaker, cue.text) for cue in cues(reader.read, numbered(book)) if cue.confidence >= SURE] == expected


def test_any_verb_before_he_or_she_behind_a_dash_is_a_tag() -> None:
    book = "— Она ушла, — сказала Вера.\n\n— Как же так, — изрёк Глеб, — и не простилась?\n\n— Спасибо, — шмыгнула она."
    assert [cue.text for cue in cues(reader.read, numbered(book))][-1] == "Спасибо."


@pytest.mark.parametrize("line", ["Hoofdstuk 1", "Eerste hoofdstuk", "Deel drie", "Kapitel ett", "Första kapitlet"])
def test_chapters_in_dutch_and_swedish_are_headings(line: str) -> None:
    assert heading(line)
