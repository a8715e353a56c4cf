"""Tables that name their texts and not their senders."""

from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract.chat_log.formats.table import looks_like, read
from offbook.data.extract.cue import ParseError
from offbook.data.extract.formats import choose
from tests.data.extract.chat_log.chats import parsed
from tests.data.extract.reading import numbered

YARN = """\
id,text,file,node,lineNumber
line:01,Ann: Is the lamp lit?,Lamp.yarn,Cellar,12
line:02,Tom: Since four.,Lamp.yarn,Cellar,13
line:03,The wind is up.,Lamp.yarn,Stairs,14
line:04,"Ann: And oil: is there any, Tom?",Lamp.yarn,Stairs,15
line:05,Tom: Half a can.,Lamp.yarn,Stairs,16
"""
SPOKEN = [
    ("Ann", "Is the lamp lit?"),
    ("Tom", "Since four."),
    ("Ann", "And oil: is there any, Tom?"),
    ("Tom", "Half a can."),
]


@pytest.mark.parametrize("language", ["", "en"])
def test_texts_that_begin_with_names_tell_who_speaks(language: str, tmp_path: Path) -> None:
    header, *rows = YARN.splitlines()
    text = "\n".join([f"language,{header}", *(f"{language},{row}" for row in rows)]) if language else YARN
    assert parsed(read, text) == SPOKEN
    assert [message.chat for message in read(numbered(text))][1:4] == ["Cellar", "Stairs", "Stairs"]
    path = tmp_path / "lines.csv"
    path.write_text(text, encoding="utf-8")
    assert choose(path, "auto") == "table"


def test_a_script_below_a_heading_is_no_table() -> None:
    assert looks_like(["Dialogue", "Ann: Is it lit?", "Tom: Since four.", "Ann: Oil?", "Tom: Half a can."]) < 1


def test_a_column_of_unknown_name_may_hold_the_senders_and_one_that_tells_of_rows_does_not() -> None:
    rows = ["Ann,Is the lamp lit?", "Tom,Since four o'clock.", "Ann,And what about oil?", "Tom,Half a can of it."]
    assert parsed(read, "\n".join(["keeper,text", *rows]))[:2] == [
        ("Ann", "Is the lamp lit?"),
        ("Tom", "Since four o'clock."),
    ]
    with pytest.raises(ParseError, match="no column 'sender' among file, text"):
        parsed(read, "\n".join(["file,text", *rows]))


def test_a_table_in_which_nobody_is_seen_to_speak_is_no_script(tmp_path: Path) -> None:
    path = tmp_path / "strings.csv"
    rows = [f"{number},tip:{number},Mind the step: {number} of them,menu\n" for number in range(1, 9)]
    path.write_text("id,key,english,place\n" + "".join(rows), encoding="utf-8")
    with pytest.raises(UsageError, match="no column is seen to hold who speaks") as refusal:
        choose(path, "auto")
    assert "--columns" in refusal.value.fix


def test_words_before_a_colon_that_do_not_recur_are_nobody() -> None:
    rows = ["1,No idea: really,bad", "2,It is fine,good", "3,Lamp: lit,good", "4,Bad,bad"]
    with pytest.raises(ParseError, match="no column 'sender'"):
        parsed(read, "\n".join(["id,text,label", *rows]))
