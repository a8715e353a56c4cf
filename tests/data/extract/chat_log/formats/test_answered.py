"""Who is answered, and what is no part of the answer: quotations above it, and what an app writes itself."""

from pathlib import Path

import pytest

from offbook.data.extract import extract, listing
from offbook.data.extract.chat_log.formats import CHAT_FORMATS
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.chat_log.quotations import Quotations
from tests.data.extract.reading import numbered

ELEMENT = """\
5/12/2021, 9:30:42 PM - Mara: Is the lamp in the tower lit by now, or not?
5/12/2021, 9:30:58 PM - Ine: Tea?
5/12/2021, 9:31:42 PM - Odd: <@mara:harbour.example "Is the lamp in the tower lit by ..."> Since four.
5/12/2021, 9:32:42 PM - Ine joined the room
5/12/2021, 9:33:42 PM - Mara sent an image. (Media omitted)
5/12/2021, 9:34:42 PM - Odd: Pretty.
5/12/2021, 9:35:42 PM - Ine: And the boat?
5/12/2021, 9:36:42 PM - Odd: > <@ine:harbour.example> And the boat?

Dry.
"""
SKYPE = """\
[12.05.2021 21:30:42] Mara Lie: Ist die Lampe an?
[12.05.2021 21:31:02] Odd: Seit vier.
[12.05.2021 21:32:02] *** Verpasster Anruf von Mara Lie. ***
[12.05.2021 21:33:02] Mara Lie: Und nun?
[12.05.2021 21:34:02 | Bearbeitet 21:34:40] Odd: Immer noch.
[12.05.2021 21:35:00] *** Anruf beendet, Dauer 05:12 ***
[12.05.2021 21:35:02] Odd: Gut, bis gleich.
[12.05.2021 21:36:00] Mara Lie: Bring Öl mit!
[12.05.2021 21:36:30] Mara Lie: Und Brot.
[12.05.2021 21:37:00] Odd: [21:36:00] Mara Lie: Bring Öl mit!

<<< Wie viel?
[12.05.2021 21:38:00] *** Odd hat die Datei lampe.jpg gesendet ***
"""
RISUAI = """\
--Odd
*He looks up.* Who is there?

--Mara
Me.
-- It is cold, is the lamp lit?

--Odd
Since four.
"""
ZOOM = """\
2024-05-01 21:30:42 From Mara Lie to Everyone:
	Is it lit?
2024-05-01 21:30:50 From Ine to Everyone:
	Tea?
2024-05-01 21:31:42 From Odd to Everyone:
	Replying to "Is it lit?"
	
	Since four.
"""
SIGNAL = """\
[2021-05-12, 21:30] Mara: Is it lit?
[2021-05-12, 21:30] Ine: Tea?
[2021-05-12, 21:35] Me:
> Is it lit?

Since four.
"""
IMESSAGE = """\
May 12, 2021  9:30:42 PM (Read by you after 5 seconds)
Mara
Is the lamp lit?
    May 12, 2021  9:40:00 PM
    Odd
    Since four.

May 12, 2021  9:34:00 PM
Mara
Bring oil.

May 12, 2021  9:40:00 PM
Odd
Since four.
This message responded to an earlier message.

"""


@pytest.mark.parametrize(
    ("text", "format", "role", "replies"),
    [
        (
            ELEMENT,
            "matrix",
            "Odd",
            [
                ("Ine: Tea?\nMara: Is the lamp in the tower lit by now, or not?", "Since four."),
                ("Ine: And the boat?", "Dry."),
            ],
        ),
        (
            SKYPE,
            "skype",
            "Odd",
            [
                ("Ist die Lampe an?", "Seit vier."),
                ("Und nun?", "Immer noch."),
                ("Bring Öl mit!\nUnd Brot.", "Wie viel?"),
            ],
        ),
        (ZOOM, "zoom", "Odd", [("Ine: Tea?\nMara Lie: Is it lit?", "Since four.")]),
        (SIGNAL, "signal", "Me", [("Ine: Tea?\nMara: Is it lit?", "Since four.")]),
        (IMESSAGE, "imessage", "Odd", [("Bring oil.\nIs the lamp lit?", "Since four.")]),
        (RISUAI, "risuai", "Odd", [("Me.\n-- It is cold, is the lamp lit?", "Since four.")]),
    ],
)
def test_a_reply_answers_what_it_quotes_and_does_not_hold_it(
    text: str, format: str, role: str, replies: list[tuple[str, str]], tmp_path: Path
) -> None:
    path = tmp_path / "chat.txt"
    path.write_text(text, encoding="utf-8")
    assert list(listing([path]).formats.values()) == [format]
    rows = extract([path], role).rows
    assert [tuple(message["content"] for message in row["messages"]) for row in rows] == replies


@pytest.mark.parametrize(
    ("note", "content"),
    [
        ("Missed call from Mara.", Content.CALL),
        ("Call ended, duration 05:12", Content.CALL),
        ("Appel terminé, durée 05:12", Content.CALL),
        ("Llamada perdida de Mara.", Content.CALL),
        ("Chamada não atendida de Mara.", Content.CALL),
        ("Chiamata persa", Content.CALL),
        ("Пропущенный звонок от Mara", Content.CALL),
        ("通话已结束，时长 05:12", Content.CALL),
        ("不在着信", Content.CALL),
        ("Mara sent file lamp.jpg", Content.MEDIA),
        ("Mara added Ine to this conversation", Content.NOTE),
    ],
)
@pytest.mark.parametrize("name", ["", "Odd: "])
def test_what_skype_writes_between_asterisks_is_nobody_s_text(note: str, content: Content, name: str) -> None:
    log = f"[21:30:42] Mara: Lit?\n[21:31:02] {name}*** {note} ***\n[21:32:00] Odd: Yes.\n"
    assert CHAT_FORMATS["skype"].looks_like(log.split("\n")) == 1
    messages = list(CHAT_FORMATS["skype"].read(numbered(log)))
    assert [message.content for message in messages] == [Content.TEXT, content, Content.TEXT]


def test_the_last_message_with_the_quoted_words_is_answered() -> None:
    earlier = Quotations()
    for identity, text in enumerate(["Is it lit?", "Is it lit? I mean the lamp.", "Is  it\nlit?", "Yes."]):
        earlier.remember(text, str(identity))
    quotations = {"is it lit?": "2", "Is it lit? I m...": "1", "Ye…": "3", "no": "", "": ""}
    assert {words: earlier.find(words) for words in quotations} == quotations


@pytest.mark.parametrize(
    ("text", "role", "replies"),
    [
        (
            "[21:30 01/05/2024] Mara: Lit?\n[21:31 01/05/2024] Odd: Since four.\n"
            "[21:34 01/05/2024] Mara: Cold?\n[21:35 01/05/2024] Odd: No.\n",
            "Odd",
            [("Lit?", "Since four."), ("Cold?", "No.")],
        ),
        (
            "Mara Lie\n  9:30 PM\nLit?\nOdd Berg\n  9:31 PM\nSince four.\n9:31\nAnd trimmed.\n"
            "Mara Lie\n  9:34 PM\nCold?\nOdd Berg\n  9:35 PM\nNo.\n",
            "Odd Berg",
            [("Lit?", "Since four.\nAnd trimmed."), ("Cold?", "No.")],
        ),
        (
            "mara — 05/01/2024 9:30 PM\nLit?\nodd — 05/01/2024 9:31 PM\nsince four (edited)\nand trimmed\n"
            "mara — 05/01/2024 9:34 PM\nCold?\nodd — 05/01/2024 9:35 PM\nno\n",
            "odd",
            [("Lit?", "since four\nand trimmed"), ("Cold?", "no")],
        ),
    ],
)
def test_what_people_copy_from_apps(text: str, role: str, replies: list[tuple[str, str]], tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_text(text, encoding="utf-8")
    rows = extract([path], role).rows
    assert [tuple(message["content"] for message in row["messages"]) for row in rows] == replies
