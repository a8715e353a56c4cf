"""RPG Maker's data: who is named above a text, or in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract import extract, speakers


def commands(*shown: tuple[list[Any], list[str]]) -> list[Any]:
    each = [
        [{"code": 101, "parameters": head}, *({"code": 401, "parameters": [text]} for text in lines)]
        for head, lines in shown
    ]
    return [*(command for part in each for command in part), {"code": 0, "parameters": []}]


MZ = commands(
    (["Actor1", 0, 0, 2, "Ada"], ["Is it", "in?"]),
    (["", 0, 0, 2, "Dick"], ["Not \\C[2]yet\\C[0].\\!"]),
    (["", 0, 0, 2, ""], ["Fog."]),
    (["", 0, 0, 2, "\\N[1]"], ["Hm."]),
    (["", 0, 0, 2, "Ada"], ["There!"]),
)
MV = commands(
    (["Actor1", 0, 0, 2], ["\\n<Ada>Is it", "in?"]),
    (["", 0, 0, 2], ["\\N<Dick>Not yet."]),
    (["", 0, 0, 2], ["Fog."]),
    (["", 0, 0, 2], ["\\n<Actor 1>Hm."]),
    (["", 0, 0, 2], ["\\n<Ada>There!"]),
)


@pytest.mark.parametrize("listed", [MZ, MV], ids=["MZ", "MV"])
@pytest.mark.parametrize("name", ["Map007.json", "CommonEvents.json", "Troops.json"])
def test_a_speech_has_its_name_above_it_or_within(tmp_path: Path, name: str, listed: list[Any]) -> None:
    event = {"id": 3, "name": "Pier", "pages": [{"list": listed}]}
    data = {"events": [None, event]} if name.startswith("Map") else [None, {"id": 3, "name": "Pier", "list": listed}]
    path = tmp_path / name
    path.write_text(json.dumps(data), encoding="utf-8")
    assert {speaker.name: speaker.lines for speaker in speakers([path])} == {"Ada": 2, "Dick": 1, "Actor 1": 1}
    rows = extract([path], "Dick").rows
    assert [turn["content"] for turn in rows[0]["messages"]] == ["Is it in?", "Not yet."]
    assert rows[0]["source"]["chapter"] == "Pier"


@pytest.mark.parametrize("text", ["{", "[]", '{"events": [null, 4, {"pages": [{"list": [{"code": 401}]}]}]}', "7"])
def test_what_names_nobody_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "Map001.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"JSON|nobody"):
        speakers([path])


def test_a_name_may_stand_on_a_line_of_its_own_in_brackets_or_in_a_colour(tmp_path: Path) -> None:
    head = ["Actor1", 0, 0, 2]
    listed = commands(
        (head, ["【Ada】", "Is it in?"]),
        (head, ["\\C[6]Dick\\C[0]", "Not \\C[2]yet\\C[0]."]),
        (head, ["\\C[2]The fog\\C[0] comes in.", "It is cold."]),
        (head, ["【Ada】", "There!"]),
        (head, ["[Dick]", "Where?"]),
    )
    path = tmp_path / "Map004.json"
    path.write_text(json.dumps({"events": [None, {"id": 1, "pages": [{"list": listed}]}]}), encoding="utf-8")
    assert {speaker.name: speaker.lines for speaker in speakers([path])} == {"Ada": 2, "Dick": 2}
    assert [row["messages"][-1]["content"] for row in extract([path], "Dick").rows] == ["Not yet.", "Where?"]


def test_a_code_stands_for_the_name_of_an_actor(tmp_path: Path) -> None:
    shown = commands(
        (["", 0, 0, 2, "\\N[2]"], ["Is \\N[1] in?"]),
        (["", 0, 0, 2], ["\\N[1]", "Not yet."]),
        (["", 0, 0, 2], ["\\C[6]\\n[1]\\C[0]: Soon."]),
        (["", 0, 0, 2], ["\\n<\\N[2]>So."]),
        (["", 0, 0, 2], ["\\N[2] waits at the pier."]),
    )
    path = tmp_path / "CommonEvents.json"
    path.write_text(json.dumps([None, {"id": 1, "name": "Pier", "list": shown}]), encoding="utf-8")
    assert {speaker.name: speaker.lines for speaker in speakers([path])} == {"Actor 1": 2, "Actor 2": 2}
    actors = [None, {"id": 1, "name": "Ada"}, {"id": 2, "name": "Dick"}]
    game = tmp_path / "data"
    game.mkdir()
    path = path.rename(game / path.name)
    (game / "Actors.json").write_text(json.dumps(actors), encoding="utf-8")
    assert {speaker.name: speaker.lines for speaker in speakers([path])} == {"Ada": 2, "Dick": 2}
    assert [row["messages"][-1]["content"] for row in extract([path], "Ada").rows] == ["Not yet.", "Soon."]


def test_what_the_game_counts_is_a_placeholder(tmp_path: Path) -> None:
    shown = commands((["", 0, 0, 2, "Ada"], ["It leaves at \\V[3]."]), (["", 0, 0, 2, "Dick"], ["At \\v[3]?"]))
    path = tmp_path / "CommonEvents.json"
    path.write_text(json.dumps([None, {"id": 1, "name": "Pier", "list": shown}]), encoding="utf-8")
    assert [row["messages"][-1]["content"] for row in extract([path], "Dick").rows] == ["At {{variable_3}}?"]
