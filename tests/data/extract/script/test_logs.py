"""Records of programs are no scripts, however many names stand in them."""

import pytest

from offbook.data.extract.formats import EXTRACTORS
from offbook.data.extract.script.logs import is_log

LOGS = [
    "[21:30] [IC] Ann: I light the lamp.\n[21:30] [ROLL] Initiative: 17\n[21:31] [IC] Tom: Stay.",
    "12:03 PM\nYou sent\nIs the lamp lit?\nTom\nSince four.\nTom\nI lit it myself.",
    "id,text,file\nline:01,Ann: Is it lit?,Lamp.yarn\nline:02,Tom: Since four.,Lamp.yarn",
]


@pytest.mark.parametrize("log", LOGS)
def test_times_and_columns_tell_a_record_from_a_script(log: str) -> None:
    lines = log.split("\n")
    assert is_log(lines)
    assert {name for name in ("play", "screenplay") if EXTRACTORS[name].looks_like(lines)} == set()


@pytest.mark.parametrize("script", ["ANN: Is it lit?\nTOM: Since four.\nANN: At 21:30?", "", "Ann,\nTom,\nMara"])
def test_a_script_may_speak_of_times_and_have_commas(script: str) -> None:
    assert not is_log(script.split("\n"))
