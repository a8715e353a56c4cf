"""Books with several kinds of quotation marks: each opens and closes as what stands beside it tells."""

import pytest

from offbook.data.extract.cue import SURE
from offbook.data.extract.novel import reader
from offbook.data.extract.novel.languages import language_of
from offbook.data.extract.novel.mixed_marks import quotations
from tests.data.extract.reading import cues, numbered


def quoted(text: str) -> list[str]:
    return [text[each.first : each.end].strip() for each in quotations(text)]


def sure(text: str) -> list[tuple[str, str]]:
    return [(cue.speaker, cue.text) for cue in cues(reader.read, numbered(text)) if cue.confidence >= SURE]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('„Ja“, sagte er, »nein«, sagte sie, "doch", sagte er.', ["Ja", "nein", "doch"]),
        ('„Wer denn?", fragte Paul. „Der Bauer?"', ["Wer denn?", "Der Bauer?"]),
        (",,Ach so'', sagte Paul. ,,Seit wann?\"", ["Ach so", "Seit wann?"]),
        ("»Sie schrieb „Komm“, und ich kam«, sagte er.", ["Sie schrieb „Komm“, und ich kam"]),
        ("„Ja, und der »Ochse« ist zu“, sagte sie.", ["Ja, und der »Ochse« ist zu"]),
        ('"Die Mutter wartet. „Pünktlich“ ist ihr Wort."', ["Die Mutter wartet. „Pünktlich“ ist ihr Wort."]),
        ('„Der "Ochse ist zu“, sagte Anna. „Ja.“', ['Der "Ochse ist zu', "Ja."]),
        ("‚Ich hab’s‘, sagte sie. ›Was?‹, fragte er.", ["Ich hab’s", "Was?"]),
        ("«Mach zu», sagte Paul. «Es zieht.»", ["Mach zu", "Es zieht."]),
        ("« Oui », dit Paul. « Il a dit « non » hier. »", ["Oui", "Il a dit « non » hier."]),
        ("<<Je sais>>, dit Jeanne. “C'est « tout »”", ["Je sais", "C'est « tout »"]),
        ("„Idę” – powiedziała. „On rzekł «nigdy» tam”.", ["Idę", "On rzekł «nigdy» tam"]),
        ("”Du är sen”, sa Pelle. »Ja», sa Anna. ”Nu.”", ["Du är sen", "Ja", "Nu."]),
        ("``Shall we?'' he said. \"She says “no” often.\"", ["Shall we?", "She says “no” often."]),
        ('“Mother rang,” said Paul. “She hung up."', ["Mother rang,", "She hung up."]),
        ("»›Komm am Montag‹, schreibt er. ›Bald.‹« Sie nickte.", ["›Komm am Montag‹, schreibt er. ›Bald.‹"]),
        ("“I know,“ said Anna. “Do you?“", ["I know,", "Do you?"]),
        ("他说：“你叫『好』吗？”又道：「走。」", ["你叫『好』吗？", "走。"]),
        ('Das Brett war 6" lang und 2" breit.', []),
    ],
)
def test_the_outermost_quotations_are_found(text: str, expected: list[str]) -> None:
    assert quoted(text) == expected


def test_what_is_not_closed_runs_to_the_end() -> None:
    (only,) = quotations("„Er sagte »Komm« und ging")
    assert only.open
    assert only.end == len("„Er sagte »Komm« und ging")


GERMAN = """
Der Regen schlug gegen die Scheiben, und Paul las die Zeitung.

„Du bist spät“, sagte Paul, ohne aufzusehen.

»Der Zug stand in Hanau«, antwortete Anna. »Ich konnte nichts machen.«

"Willst du streiten?", fragte Paul. "Dann sag es gleich."

„Mutter sagte: ‚Komm am Sonntag‘, und legte auf", rief Anna.

,,Seit wann?'', fragte Paul. ,,Sag es."

Anna sagte: »Sie fragt nie ›Wie geht es dir?‹ wie andere Leute.«

– Und nun?, fragte Paul.

“Komm”, sagte Anna. “Gleich.”
"""


def test_a_german_book_of_many_kinds_is_read_whole() -> None:
    assert sure(GERMAN) == [
        ("Paul", "Du bist spät."),
        ("Anna", "Der Zug stand in Hanau. Ich konnte nichts machen."),
        ("Paul", "Willst du streiten? Dann sag es gleich."),
        ("Anna", "Mutter sagte: ‚Komm am Sonntag‘, und legte auf."),
        ("Paul", "Seit wann? Sag es."),
        ("Anna", "Sie fragt nie ›Wie geht es dir?‹ wie andere Leute."),
        ("Paul", "Und nun?"),
        ("Anna", "Komm. Gleich."),
    ]


def test_french_dashes_are_read_where_most_of_the_book_is_in_guillemets() -> None:
    text = "« Tu es en retard », dit Paul. « Il est tard. »\n\n« Le train, dit Jeanne. »\n\n“Encore”, dit Paul.\n\n"
    text += "— On y va ? demanda Jeanne.\n\n— Ce fut tout pour ce jour-là."
    assert sure(text) == [
        ("Paul", "Tu es en retard. Il est tard."),
        ("Jeanne", "Le train."),
        ("Paul", "Encore."),
        ("Jeanne", "On y va ?"),
    ]


def test_spanish_of_dashes_and_marks_keeps_what_is_quoted_within() -> None:
    text = "—Llegas tarde —dijo Pablo.\n\n—El tren —dijo Ana—. Nada más.\n\n«Siempre “el tren”», dijo Pablo.\n\n"
    text += '"Nunca pregunta “¿cómo estás?” a nadie", dijo Ana.'
    assert [line for _, line in sure(text)] == [
        "Llegas tarde.",
        "El tren. Nada más.",
        "Siempre “el tren”.",
        "Nunca pregunta “¿cómo estás?” a nadie.",
    ]


def test_a_full_stop_behind_a_russian_quotation_ends_what_is_said() -> None:
    text = "Анна сказала: «Я знаю».\n\n„Он сказал «никогда»“, — сказал Павел.\n\n— Идём, — сказала Анна."
    assert [line for _, line in sure(text)] == ["Я знаю.", "Он сказал «никогда».", "Идём."]


def test_an_english_paragraph_in_single_marks_is_said_in_a_book_of_double_ones() -> None:
    text = "“You are late,” said Paul. “Too late.” He sat. “So.”\n\n'Do you want to quarrel?' asked Anna. 'Say so.'\n\n"
    text += "'Twas the boys' boat.\n\n«We shall,» said Paul. ‘Yes,’ he had read in the ‘Times’."
    assert sure(text) == [
        ("Paul", "You are late. Too late. So."),
        ("Anna", "Do you want to quarrel? Say so."),
        ("Paul", "We shall."),
    ]


SINGLE_BOOK = """
{0}You are late,{1} said Martin. {0}I{1}ve been waiting.{1}

{0}The tram broke down,{1} said Clara. {0}She{1}d say "I told you so" and go.{1}

{0}You could have telephoned,{1} said Martin.

Clara laughed. “With what?” she asked. “The wire{1}s down.”

“You never came back,” said Martin.

"In the tower," said Clara, "with your {0}friends{1} and your bottles."

{0}Sit down,{1} said Martin.
"""


@pytest.mark.parametrize(("open_mark", "close_mark"), ["‘’", "''"])
def test_a_chapter_in_double_marks_is_said_in_a_book_of_single_ones(open_mark: str, close_mark: str) -> None:
    assert sure(SINGLE_BOOK.format(open_mark, close_mark)) == [
        ("Martin", f"You are late. I{close_mark}ve been waiting."),
        ("Clara", f'The tram broke down. She{close_mark}d say "I told you so" and go.'),
        ("Martin", "You could have telephoned."),
        ("Clara", f"With what? The wire{close_mark}s down."),
        ("Martin", "You never came back."),
        ("Clara", f"In the tower, with your {open_mark}friends{close_mark} and your bottles."),
        ("Martin", "Sit down."),
    ]


def test_a_chapter_in_single_marks_is_said_in_a_book_of_double_ones() -> None:
    text = "“You are late,” said Paul. “Too late.”\n\n“I am,” said Anna. “I know.”\n\n“So,” said Paul.\n\n"
    text += "Paul sat. ‘Do you want to quarrel?’ asked Paul.\n\nAnna said, ‘I don’t.’\n\nThe ‘quarrel’ was old."
    assert sure(text)[3:] == [("Paul", "Do you want to quarrel?"), ("Anna", "I don’t.")]


def test_a_verse_in_single_marks_is_no_line_of_its_own() -> None:
    text = "“You are late,” said Paul.\n\n“Am I?” asked Anna.\n\n'And waste its fragrance on the desert air.'"
    assert [cue.text for cue in cues(reader.read, numbered(text))] == ["You are late.", "Am I?"]


LINES = {
    "it": "«Sei in ritardo» disse Paolo. | “Il treno era fermo”, rispose la Anna. | – È lei – disse Anna.",
    "pt": "— Estás atrasada — disse Paulo. | “O comboio parou”, disse a Ana. | — Vamos — disse Ana —, mas não isso.",
    "pl": "— Już nie — powiedział Paweł. | „Pociąg stał” — powiedziała Anna. | — Nic — rzekła Anna. — To się stało.",
    "cs": '„Jdeš pozdě,“ řekl Pavel. | »Vlak stál,« řekla Anna. | "Jdeme?" zeptala se Anna. "Řekni to, když je čas."',
    "sv": "”Du är sen”, sa Pelle. | »Tåget stod», svarade Anna. | – Vill du bråka? frågade morfar. Säg det nu.",
    "nl": "‘Je bent te laat,’ zei Pieter. | “De trein stond stil”, zei oom Karel. | 'Ja,' zei Anna. 'Het is niet ver.'",
}
SAID = {
    "it": [("Paolo", "Sei in ritardo."), ("Anna", "Il treno era fermo."), ("Anna", "È lei.")],
    "pt": [("Paulo", "Estás atrasada."), ("Ana", "O comboio parou."), ("Ana", "Vamos, mas não isso.")],
    "pl": [("Paweł", "Już nie."), ("Anna", "Pociąg stał."), ("Anna", "Nic. To się stało.")],
    "cs": [("Pavel", "Jdeš pozdě."), ("Anna", "Vlak stál."), ("Anna", "Jdeme? Řekni to, když je čas.")],
    "sv": [("Pelle", "Du är sen."), ("Anna", "Tåget stod."), ("morfar", "Vill du bråka? Säg det nu.")],
    "nl": [("Pieter", "Je bent te laat."), ("oom Karel", "De trein stond stil."), ("Anna", "Ja. Het is niet ver.")],
}


@pytest.mark.parametrize("language", LINES)
def test_further_languages_with_dashes_and_marks_are_told_and_read(language: str) -> None:
    text = LINES[language].replace(" | ", "\n\n")
    assert language_of(text.splitlines()) == language
    assert sure(text) == SAID[language]
