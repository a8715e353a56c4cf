"""Storyboards in tables."""

from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract import speakers
from offbook.data.extract.script import screenplay
from tests.data.extract.reading import left, numbered, texts

SHOTS = """
| 镜号 | 景别 | 画面 | 台词 |
|:---|---|---|---|
| 1 | 全景 | 老人推门（雨声） | 老人：有人吗？ |
| 2 | 近景 | 柜台 | |
| 3 | 近景 | 姑娘抬头 | 姑娘：有。<br>老人：还有房吗？ |
| 4 | 远景 | 街上 | 那年的雨很大。 |
| 5 | 近景 | 姑娘摇头 | 姑娘：没了。 |
"""


def test_a_storyboard_s_column_of_speeches_is_a_script() -> None:
    assert screenplay.looks_like(SHOTS.strip().splitlines()) > 0.5
    spoken = [("老人", "有人吗？"), ("姑娘", "有。"), ("老人", "还有房吗？"), ("姑娘", "没了。")]
    assert texts(screenplay.read, SHOTS) == spoken
    assert left(screenplay.read, numbered(SHOTS)) == {"stage direction": [3, 4, 5, 6, 7], "note or narration": [6]}


def test_who_speaks_may_have_a_column() -> None:
    text = "| Shot | Speaker | Dialogue |\n|---|---|---|\n| 1 | Ann | Late? |\n| 2 | Tom | No. |\n| 3 | Ann | Good. |\n"
    assert texts(screenplay.read, text) == [("Ann", "Late?"), ("Tom", "No."), ("Ann", "Good.")]


def test_a_table_of_two_columns_stays_as_it_is() -> None:
    text = "| 角色 | 台词 |\n|---|---|\n| 老人 | 有人吗？ |\n| 姑娘 | 有。 |\n| 老人 | 好。 |\n"
    assert texts(screenplay.read, text)[-3:] == [("老人", "有人吗？"), ("姑娘", "有。"), ("老人", "好。")]


def test_a_storyboard_that_names_nobody_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "shots.md"
    path.write_text("| 镜号 | 画面 | 台词 |\n|---|---|---|\n| 1 | 码头 | 灯亮了吗？ |\n| 2 | 火柴 | 好。 |\n", "utf-8")
    with pytest.raises(UsageError, match="storyboard") as error:
        speakers([path])
    assert "Speaker" in error.value.fix
