"""Where copied messages have their names and times."""

import pytest

from offbook.data.extract.chat_log.copied_arrangement import find_arrangement
from offbook.data.extract.chat_log.formats.copied import read
from tests.data.extract.chat_log.chats import parsed

SOCIETY = "Society for the Keeping of Lamps along the Harbour Wall"


@pytest.mark.parametrize("between", ["\n", " — 05/12/2021 ", "\n — \n05/12/2021 "])
def test_all_names_may_be_longer_than_most(between: str) -> None:
    talk = [("East", "Is it lit?"), ("West", "Since four"), ("East", "And oil?"), ("West", "Half a can")]
    text = "".join(f"{SOCIETY} {name}{between}9:3{at} PM\n{words}\n" for at, (name, words) in enumerate(talk))
    assert parsed(read, text) == [(f"{SOCIETY} {name}", words) for name, words in talk]


def test_texts_that_nobody_repeats_are_no_names() -> None:
    lines = ["?", "21:30", "So it is", "?", "21:31", "Is it?", "?", "21:32", "Half a can", "?", "21:33", "What?"]
    assert not find_arrangement(lines).recurs
