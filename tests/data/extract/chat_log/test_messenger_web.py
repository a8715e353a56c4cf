"""Conversations copied from Messenger's web page."""

from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract.chat_log.formats import messenger
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.cue import ParseError
from offbook.data.extract.formats import choose
from tests.data.extract.chat_log.chats import contents, parsed, times
from tests.data.extract.reading import numbered

COPIED = """\
12:03 PM
You sent
Is the lamp lit?
Enter
Tom Reed
Tom
Since four.
Enter
Tom
I lit it myself.
Tom Reed
Enter
You sent
And oil?
Not much, I think.
Enter
Mon 12:31 PM
Tom Reed
Tom
Half a can.
Enter
You sent
Keep it.
Enter
"""


def test_the_labels_tell_who_writes(tmp_path: Path) -> None:
    assert parsed(messenger.read, COPIED) == [
        ("You", "Is the lamp lit?"),
        ("Tom Reed", "Since four."),
        ("Tom Reed", "I lit it myself."),
        ("You", "And oil?\nNot much, I think."),
        ("Tom Reed", "Half a can."),
        ("You", "Keep it."),
    ]
    assert [time[-5:] for time in times(messenger.read, COPIED)] == ["12:03"] * 4 + ["12:31"] * 2
    path = tmp_path / "a.txt"
    path.write_text(COPIED, encoding="utf-8")
    assert choose(path, "auto") == "messenger"


def test_what_is_answered_is_not_said_again_and_a_text_may_name_its_sender() -> None:
    answered = "You replied to Tom\nOriginal message:\nI lit it myself.\nWell done.\nEnter\nTom\nTom is tired.\nEnter\n"
    unclear = "Tom replied to you\nWell done.\nIs it?\nEnter\nYou sent\nTom sent a photo.\nEnter\n"
    text = COPIED + answered + unclear
    assert parsed(messenger.read, text)[-2:] == [("You", "Well done."), ("Tom Reed", "Tom is tired.")]
    assert contents(messenger.read, text)[-2:] == [Content.MEDIA, Content.MEDIA]


def test_messages_without_names_are_refused() -> None:
    with pytest.raises(ParseError, match="no name above it") as error:
        list(messenger.read(numbered("You sent\nLit?\nEnter\nSince four.\nEnter\nYou sent\nOil?\nEnter\nHalf.\nEnter")))
    assert error.value.line == 4


def test_a_copy_without_labels_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Tom\nIs it lit?\nYou sent\nSince four.\nTom\nOil?\nYou sent\nHalf.\n", encoding="utf-8")
    with pytest.raises(UsageError, match="copied from Messenger's page without its labels"):
        choose(path, "auto")


@pytest.mark.parametrize(
    ("sent", "enter"),
    [
        ("Du hast gesendet", "Eingabe"),
        ("Vous avez envoyé", "Entrée"),
        ("Enviaste", "Intro"),
        ("Você enviou", "Enter"),
        ("你发送了", "输入"),
    ],
)
def test_the_labels_may_be_of_another_language(sent: str, enter: str, tmp_path: Path) -> None:
    text = COPIED.replace("You sent", sent).replace("Enter", enter)
    assert parsed(messenger.read, text) == parsed(messenger.read, COPIED)
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    assert choose(path, "auto") == "messenger"
    path.write_text(text.replace(f"{enter}\n", ""), encoding="utf-8")
    with pytest.raises(UsageError, match="copied from Messenger's page without its labels"):
        choose(path, "auto")


@pytest.mark.parametrize(
    ("mine", "his"),
    [
        ("Du hast Tom Reed geantwortet", "Tom Reed hat dir geantwortet"),
        ("Vous avez répondu à Tom Reed", "Tom Reed vous a répondu"),
        ("Respondiste a Tom Reed", "Tom Reed te respondió"),
        ("Bạn đã trả lời Tom Reed", "Tom Reed đã trả lời bạn"),
        ("你回复了Tom Reed", "Tom Reed回复了你"),
        ("Tom Reedに返信しました", "Tom Reedがあなたに返信しました"),
    ],
)
def test_the_label_of_an_answer_is_nobody_s_name(mine: str, his: str) -> None:
    answers = (
        f"{mine}\nOriginal:\nHalf a can.\nWell done.\nEnter\n{his}\nOriginal:\nKeep it.\nI do.\nEnter\n"
        f"{mine}\nOriginal:\nI do.\nGood.\nEnter\n{his}\nOriginal:\nGood.\nIs it?\nEnter\n"
    )
    assert parsed(messenger.read, COPIED + answers)[6:] == [
        ("You", "Well done."),
        ("Tom Reed", "I do."),
        ("You", "Good."),
        ("Tom Reed", "Is it?"),
    ]
