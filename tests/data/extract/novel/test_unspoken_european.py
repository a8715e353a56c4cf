"""Novels in French, German, Spanish and Russian: what is written or thought, and who is no name."""

import pytest

from offbook.data.extract.cue import Cue, Skipped
from offbook.data.extract.novel import reader
from tests.data.extract.reading import numbered

BEFORE = {
    "es": "—Hola —dijo Elvira—. ¿Qué tal?|—Bien —dijo Tomás.|",
    "de": "»Hallo«, sagte Anna.|»Guten Tag«, sagte Paul.|",
    "ru": "— Да, — сказал Иван.|— Нет, — сказала Вера.|",
    "fr": "— Oui, dit Paul.|— Non, dit Claire.|",
}


def last(language: str, paragraph: str) -> str:
    """Why the last paragraph's words are not spoken, else who says them."""
    read = reader.read(numbered((BEFORE[language] + paragraph).replace("|", "\n\n")))
    pieces = {each.line: each for each in read if not isinstance(each, Skipped) or each.reason != "narration"}
    piece = pieces[max(pieces)]
    return "/".join(piece.speakers) if isinstance(piece, Cue) else piece.reason


@pytest.mark.parametrize(
    ("language", "paragraph"),
    [
        ("es", "Había una nota pegada que decía: «No tocar el flan»."),
        ("es", "El cartel de la puerta rezaba: «Cerrado»."),
        ("de", "Auf dem Schild neben der Tür stand: »Vorsicht, bissiger Hund.«"),
        ("ru", "На конверте было написано: «Лично в руки»."),
        ("fr", "Sur la porte, un panneau indiquait : « Fermé le lundi. »"),
        ("fr", "Je reçus un message de Claire qui disait : « Viens. »"),
    ],
)
def test_what_is_written_on_something_is_nobodys_speech(language: str, paragraph: str) -> None:
    assert last(language, paragraph) == "something written"


@pytest.mark.parametrize(
    ("language", "paragraph", "speaker"),
    [
        ("es", "Tomás leyó la nota y dijo: «No tocar el flan».", "Tomás"),
        ("de", "Anna stand auf und sagte: »Vorsicht, bissiger Hund.«", "Anna"),
        ("de", "»Nein«, sagte Anna. »Natürlich nicht.« Sie dachte an ihn.", "Anna"),
        ("de", "»Unsinn«, denke ich. Es regnet.", "a thought"),
        ("fr", "« C'est fini », pensai-je.", "a thought"),
        ("fr", "Ma mère disait toujours : « Il ne faut pas courir. »", "ma mère"),
        ("ru", "Моя бабушка говорила: «Не верь никому».", "моя бабушка"),
    ],
)
def test_who_speaks_beside_a_verb_of_reading_or_thinking(language: str, paragraph: str, speaker: str) -> None:
    assert last(language, paragraph) == speaker
