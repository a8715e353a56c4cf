"""English plays: the layouts they are printed in, and the real ones against their own labels."""

import re

import pytest

from offbook.data.encoding import open_text
from offbook.data.extract.script import play
from tests.assets import hamlet_path
from tests.data.extract.reading import cues, left, numbered, texts

SPEECHES = [
    ("HAMLET", "To be, or not to be, that is the question:\nWhether 'tis nobler in the mind to suffer"),
    ("OPHELIA", "Good my lord,\nHow does your honour for this many a day?"),
    ("HAMLET", "I humbly thank you; well, well, well."),
    ("OPHELIA", "My lord, I have remembrances of yours."),
]

LAYOUTS = {
    "bold": """
# Hamlet

## ACT III

### SCENE I. A room in the castle.

_Enter HAMLET_

**HAMLET**
To be, or not to be, that is the question:
Whether 'tis nobler in the mind to suffer

_Enter OPHELIA, with
a book_

**OPHELIA**
_\\[Aside]_
Good my lord,
How does your honour for this many a day?

**HAMLET**
I humbly thank you; well, well, well.

**OPHELIA**
My lord, I have remembrances of yours.

_Exeunt_
""",
    "capitals and a stop": """
ACT III.
SCENE I. A room in the castle.

Enter HAMLET.

HAMLET. To be, or not to be, that is the question:
Whether 'tis nobler in the mind to suffer

OPHELIA. [Aside] Good my lord,
How does your honour for this many a day?

HAMLET. I humbly thank you; well, well, well.

OPHELIA. My lord, I have remembrances of yours.

Exeunt.
""",
    "name above": """
HAMLET.
To be, or not to be, that is the question:
Whether 'tis nobler in the mind to suffer

[_Enter Ophelia._]

OPHELIA. (aside)
Good my lord,
How does your honour for this many a day?

HAMLET.
I humbly thank you; well, well, well.

OPHELIA.
My lord, I have remembrances of yours.
""",
    "indented name": """
                    HAMLET
     To be, or not to be, that is the question:
     Whether 'tis nobler in the mind to suffer

                    OPHELIA
               (aside)
     Good my lord,
     How does your honour for this many a day?

                    HAMLET
     I humbly thank you; well, well, well.

  Enter POLONIUS, who hides.

                    OPHELIA
     My lord, I have remembrances of yours.
""",
    "colon": """
SCENE I

HAMLET: To be, or not to be, that is the question:
Whether 'tis nobler in the mind to suffer

OPHELIA (aside): Good my lord,
How does your honour for this many a day?

HAMLET: I humbly thank you; well, well, well.

OPHELIA: My lord, I have remembrances of yours.
""",
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_the_same_scene_is_read_from_every_layout(text: str) -> None:
    assert texts(play.read, text) == SPEECHES


def test_abbreviated_names_stand_indented_and_words_like_them_do_not() -> None:
    text = """
   Ham. What hour now?
  Hor. I think it lackes of twelue

   Mar. No, it is strooke

   Hor. Indeed I heard it not: then it drawes neere the season,
Rome. Wherein the Spirit held his wont to walke
What does this meane my Lord?
   Ham. The King doth wake to night
Rome. And takes his rouse

   Mar. Is it a custome?
   Ham. I marry ist
"""
    text += "What may this meane?\n" * 20
    assert [speaker for speaker, _ in texts(play.read, text)] == ["Ham", "Hor", "Mar", "Hor", "Ham", "Mar", "Ham"]


def test_a_note_in_brackets_can_take_the_place_of_the_stop() -> None:
    text = """
HIGGINS [as he shuts the last drawer] Well, I think that's the whole show.

PICKERING. It's really amazing.

HIGGINS. Would you like to go over any of it again?

PICKERING [rising and coming to the fireplace, where he plants himself
with his back to the fire] No, thank you; not now.

MRS. PEARCE [hesitating, evidently perplexed] A young woman wants to see you, sir.

HIGGINS. A young woman! What does she want?

MRS. PEARCE. Well, sir, she says you'll be glad to see her.
"""
    assert texts(play.read, text) == [
        ("HIGGINS", "Well, I think that's the whole show."),
        ("PICKERING", "It's really amazing."),
        ("HIGGINS", "Would you like to go over any of it again?"),
        ("PICKERING", "No, thank you; not now."),
        ("MRS. PEARCE", "A young woman wants to see you, sir."),
        ("HIGGINS", "A young woman! What does she want?"),
        ("MRS. PEARCE", "Well, sir, she says you'll be glad to see her."),
    ]


def test_a_recorder_s_transcript_has_times_beside_the_names() -> None:
    text = "Ann Lee  00:01\nHello.\n\nBo 00:05\nHi.\nGood to be here.\n\nAnn Lee  00:09\nShall we?\n\nBo  00:11\nYes."
    assert texts(play.read, text) == [
        ("Ann Lee", "Hello."),
        ("Bo", "Hi.\nGood to be here."),
        ("Ann Lee", "Shall we?"),
        ("Bo", "Yes."),
    ]


def test_all_and_both_speak_and_two_may_share_a_speech() -> None:
    names = ["ROS", "GUIL", "ROS & GUIL", "Both", "GUIL", "ROS"]
    text = "\n\n".join(f"**{name}**\nMy lord!" for name in names)
    result = cues(play.read, numbered(text))
    assert [cue.speakers for cue in result[2:4]] == [("ROS", "GUIL"), ("Both",)]


def test_wrapped_prose_loses_its_line_ends_and_verse_keeps_them() -> None:
    verse = "**A**\nO what a rogue\nAnd peasant slave"
    prose = "**B**\nI have of late, but\nwherefore I know not,\nlost all my mirth"
    text = f"{verse}\n\n{prose}\n\n**A**\nOh.\n\n**B**\nYes."
    assert texts(play.read, text)[:2] == [
        ("A", "O what a rogue\nAnd peasant slave"),
        ("B", "I have of late, but wherefore I know not, lost all my mirth"),
    ]


def labels(lines: list[tuple[int, str]]) -> dict[int, tuple[str, str]]:
    """The play read from its markdown alone: line of the label → name, and the words below it without italics."""
    result: dict[int, tuple[str, list[str]]] = {}
    body: list[str] | None = None
    for number, line in lines:
        if label := re.fullmatch(r"\*\*(.+)\*\*", line.rstrip()):
            body = []
            result[number] = (label[1], body)
        elif line.startswith("#"):
            body = None
        elif body is not None:
            body.append(line)
    spoken = {}
    for number, (name, body) in result.items():
        text = re.sub(r"_{1,2}\\?\[[^\]]*\]?_|(?<!\w)_[^_]*_(?!\w)", " ", "\n".join(body))
        if any(char.isalnum() for char in text):
            spoken[number] = (name, " ".join(text.replace("\\", "").split()))
    return spoken


def test_hamlet_s_lines_are_those_that_the_play_labels() -> None:
    lines = list(open_text(hamlet_path()))
    gold = {number: words for number, (name, words) in labels(lines).items() if name == "HAMLET"}
    result = {cue.line: " ".join(cue.text.split()) for cue in cues(play.read, lines) if cue.speakers == ("HAMLET",)}
    assert len(gold) == 359
    assert result.keys() == gold.keys()
    same = sum(result[number] == gold[number] for number in gold)
    assert same / len(gold) >= 0.99


def test_a_short_line_may_stand_beside_its_name_where_others_stand_below() -> None:
    text = (
        "ADA\nIs the boat in?\n\nCARL\nNot yet, not yet.\n\nADA\nThen wait.\nCARL  Now?\nADA  Now.\nCARL\nAs you say.\n"
    )
    assert [(cue.speaker, cue.text) for cue in cues(play.read, numbered(text))][3:] == [
        ("CARL", "Now?"),
        ("ADA", "Now."),
        ("CARL", "As you say."),
    ]


def test_what_a_direction_leaves_behind_closes_up() -> None:
    text = "ADA. Look [she points]! I'm-- [He stops].\n\nCARL. Where?\n\nADA. There.\n\nCARL. I see.\n"
    assert cues(play.read, numbered(text))[0].text == "Look! I'm--"


def test_a_rule_below_a_heading_underlines_it() -> None:
    text = "ACT I\n=====\n\nADA. Look!\n\nCARL. Where?\n\nADA. There.\n\n=====\n\nCARL. I see.\n"
    assert [cue.scene for cue in cues(play.read, numbered(text))] == ["ACT I"] * 3 + ["ACT I (2)"]


def test_quotation_marks_round_a_speech_are_the_speaker_s_unless_all_have_them() -> None:
    sung = "АДА. Кто там?\n\nКАРЛ. «Не шуми ты, море...»\n\nАДА. Поёшь?\n\nКАРЛ. Пою.\n"
    assert texts(play.read, sung)[1] == ("КАРЛ", "«Не шуми ты, море...»")
    quoted = 'ADA. "Look!"\n\nCARL. "Where?"\n\nADA. "There."\n\nCARL. "I see."\n'
    assert texts(play.read, quoted) == [("ADA", "Look!"), ("CARL", "Where?"), ("ADA", "There."), ("CARL", "I see.")]


SPEECHES_IN_A_ROW = "\n\n".join(["ADA. Look!", "CARL. Where?", "ADA. There.", "CARL. I see."])


def test_who_played_whom_is_no_dialogue() -> None:
    played = "ADA: Miss Jane Hill.\nCARL: Mr. H. Stone.\nBEN: Master Tim Reed.\n\n"
    assert texts(play.read, f"{played}ACT I\n\n{SPEECHES_IN_A_ROW}\n")[0] == ("ADA", "Look!")
    assert left(play.read, numbered(f"{played}ACT I\n\n{SPEECHES_IN_A_ROW}\n"))["cast list"] == [1, 2, 3]
    questions = "ADA. Mr. Stone!\n\nCARL. Miss Hill!\n\n" + SPEECHES_IN_A_ROW
    assert texts(play.read, questions)[:2] == [("ADA", "Mr. Stone!"), ("CARL", "Miss Hill!")]


def test_a_title_may_speak_and_two_may_share_a_line() -> None:
    text = (
        "ADA\nIs the boat in?\n\nCARL\nNot yet.\n\nADA  When?\n\nCARL  Soon.\n\nLORD\nNow.\n\nADA/CARL  Look!\n\n"
        "LORD  The boat.\n\nADA\nAt last.\n\nCARL\nAt last.\n"
    )
    assert texts(play.read, text)[4:7] == [("LORD", "Now."), ("ADA & CARL", "Look!"), ("LORD", "The boat.")]


def test_a_paragraph_after_a_direction_at_the_end_of_a_speech_is_another_direction() -> None:
    text = SPEECHES_IN_A_ROW.replace("There.", "There. [She points.]\n\nThe boat comes in, with nobody aboard.")
    assert ("ADA", "There.") in texts(play.read, text)


@pytest.mark.parametrize(
    "text",
    [
        "ANA.- ¿Vino el barco?\n\nPEDRO.- No vino.\n\nANA, riendo.- ¡Míralo!\n\nPEDRO.- (Aparte.) Es otro.\n",
        "ANA.—¿Vino el barco?\nPEDRO.—No vino.\nANA, riendo.—¡Míralo!\nPEDRO.—(Aparte.) Es otro.\n",
        "ANA.\n¿Vino el barco?\n\nPEDRO.\nNo vino.\n\nANA, riendo.\n¡Míralo!\n\nPEDRO, aparte, a la luna.\nEs otro.\n",
        "Ana. — ¿Vino el barco?\n\nPedro. —No vino.\n\nAna. —(Riendo.) ¡Míralo!\n\nPedro. — Es otro.\n",
        "ANA — ¿Vino el barco?\n\nPEDRO — No vino.\n\nANA, riendo — ¡Míralo!\n\nPEDRO (aparte) — Es otro.\n",
        "ANA - ¿Vino el barco?\n\nPEDRO - No vino.\n\nANA - (Riendo) ¡Míralo!\n\nPEDRO - Es otro.\n",
    ],
    ids=["dot and hyphen", "dot and dash", "alone", "dot, space and dash", "dash", "hyphen"],
)
def test_romance_plays_set_a_dash_behind_the_name_and_tell_how_it_is_said(text: str) -> None:
    spoken = [("ANA", "¿Vino el barco?"), ("PEDRO", "No vino."), ("ANA", "¡Míralo!"), ("PEDRO", "Es otro.")]
    assert [(name.upper(), words) for name, words in texts(play.read, text)] == spoken


def test_a_dash_behind_few_of_the_names_is_a_pause_of_the_speaker_s() -> None:
    text = "KARL. Du?\n\nPAGE. — Ich.\n\nKARL. Wer noch?\n\nPAGE. Niemand.\n\nKARL. Gut.\n"
    assert [words for _, words in texts(play.read, text)] == ["Du?", "— Ich.", "Wer noch?", "Niemand.", "Gut."]


def test_somebody_who_is_called_in_verse_is_no_label() -> None:
    text = "ANA.\nThe boat,\nTOM, come here.\nIs it late?\n\nTOM.\nIt is.\n\nANA.\nSo.\n"
    assert [name for name, _ in texts(play.read, text)] == ["ANA", "TOM", "ANA"]


def test_names_in_boxes_alone_are_no_reason_to_fail() -> None:
    """The lines of a visual novel's script, which somebody has saved as plain text."""
    assert 0 <= play.looks_like(["【Ada】", "「Is it in?」[l][r]", "【Dick】", "「Not yet.」[p]"]) <= 1


def test_who_speaks_once_is_heard_where_names_and_speeches_are_paragraphs() -> None:
    text = "ACTE PREMIER\n\nCLÉMENCE.\n\nQui passe là ?\n\nRÉMY.\n\nUn bateau.\n\n"
    text += "CLÉMENCE.\n\nSi tard ?\n\nUN MARIN.\n\nBonsoir, la compagnie.\n\nRÉMY.\n\nEntrez.\n"
    assert [(cue.speaker, cue.text) for cue in cues(play.read, numbered(text))][3:] == [
        ("UN MARIN", "Bonsoir, la compagnie."),
        ("RÉMY", "Entrez."),
    ]


def test_a_dash_behind_what_is_done_goes_with_those_of_the_others() -> None:
    text = "ANA (bas). — Merci.\n\nLUC. — De rien.\n\nANA et LUC, ensemble. — Bonsoir !\n\nLUC. — Entrez.\n"
    assert texts(play.read, text) == [
        ("ANA", "Merci."),
        ("LUC", "De rien."),
        ("ANA & LUC", "Bonsoir !"),
        ("LUC", "Entrez."),
    ]


def test_a_list_of_who_is_there_in_small_letters_is_no_speech_where_names_are_in_capitals() -> None:
    text = "Erster Auftritt\nHeinz. Grete.\n\nHEINZ. Still!\nGRETE. Ja?\nHEINZ. Da.\n\n"
    text += "Zweiter Auftritt\nDer Bote. Die Vorigen.\n\nDER BOTE. Guten Tag.\nGRETE. Ja?\nDER BOTE. Nein.\n"
    assert texts(play.read, text)[0] == ("HEINZ", "Still!")
    assert [name for name, _ in texts(play.read, text)] == ["HEINZ", "GRETE", "HEINZ", "DER BOTE", "GRETE", "DER BOTE"]


@pytest.mark.parametrize("label", ["ANNA. ", "ANNA\n"], ids=["beside", "below"])
def test_a_title_and_what_stands_below_it_are_nobody_s(label: str) -> None:
    other = label.replace("ANNA", "HUGO")
    text = f"THE LAST LAMP\nA play in one act\n\nACT I\n\n{label}Late?\n\n{other}No.\n\n{label}So.\n\n{other}So.\n"
    assert [name for name, _ in texts(play.read, text)] == ["ANNA", "HUGO", "ANNA", "HUGO"]


def test_a_name_in_capitals_may_stand_right_before_its_speech() -> None:
    text = "SCENA PRIMA\nAnna, Hugo.\n\nANNA È tardi.\nHUGO (ridendo) No.\nANNA E adesso\nche facciamo?\nHUGO Niente.\n"
    assert play.looks_like(text.splitlines()) > 0.5
    assert texts(play.read, text) == [
        ("ANNA", "È tardi."),
        ("HUGO", "No."),
        ("ANNA", "E adesso che facciamo?"),
        ("HUGO", "Niente."),
    ]


def test_a_title_in_italics_may_be_a_name() -> None:
    text = "_Anna_. Who is there?\n\n_Capt_. A friend.\n\n_Anna_. Come in.\n\n_Capt_. Thanks.\n"
    assert [name for name, _ in texts(play.read, text)] == ["Anna", "Capt", "Anna", "Capt"]
