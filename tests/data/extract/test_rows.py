"""Cues into rows."""

from typing import Any

import pytest

from offbook.data.extract.cue import Cue, Skipped
from offbook.data.extract.rows import RowOptions, to_rows

SCENE: list[Cue | Skipped] = [
    Skipped("heading", "第一场", 1),
    Skipped("stage direction", "（夜）", 2),
    Cue(("甲",), "谁？", 3, "第一场"),
    Cue(("乙",), "我。", 4, "第一场", 1.0, "（推门）我。"),
    Cue(("乙",), "开门。", 5, "第一场"),
    Cue(("丙",), "他来了。", 6, "第一场"),
    Cue(("甲",), "让他进来。", 7, "第一场"),
    Skipped("heading", "第二场", 8),
    Cue(("甲",), "坐。", 9, "第二场"),
    Cue((), "有人敲门。", 10, "第二场", 0.0),
    Cue(("甲", "乙"), "谁？", 11, "第二场", 0.7),
]


def rows(names: Any, **options: Any) -> Any:
    items = to_rows(SCENE, frozenset(names), "a.txt", RowOptions(**options))
    return [item for item in items if not isinstance(item, Skipped)]


def contents(row: Any) -> Any:
    return [(message["role"], message["content"]) for message in row["messages"]]


def test_what_stands_before_a_cue_is_its_prompt_whoever_said_it() -> None:
    first, second = rows({"乙"})
    assert contents(first) == [("user", "谁？"), ("assistant", "我。")]
    assert contents(second) == [("user", "我。"), ("assistant", "开门。")]


def test_a_row_says_where_it_comes_from() -> None:
    assert rows({"乙"})[0]["source"] == {"file": "a.txt", "line": 4, "scene": "第一场"}
    assert rows({"乙"})[0]["confidence"] == 1.0


def test_who_opens_a_scene_answers_the_direction_or_heading_before_it() -> None:
    first, reply, next_scene = rows({"甲"})
    assert contents(first)[0] == ("user", "（夜）")
    assert contents(reply)[0] == ("user", "他来了。")
    assert contents(next_scene) == [("user", "（第二场）"), ("assistant", "坐。")]


@pytest.mark.parametrize(
    ("note", "prompt"), [("旁白：雪停了。", "（雪停了。）"), ("Narrator: Snow.", "(Snow.)"), ("时间：夜", None)]
)
def test_a_narrator_may_stand_before_the_first_cue_and_other_notes_do_not(note: str, prompt: str | None) -> None:
    items: list[Cue | Skipped] = [Skipped("note or narration", note, 1), Cue(("甲",), "进来。", 2)]
    made = [row for row in to_rows(items, frozenset("甲"), "a.txt", RowOptions()) if not isinstance(row, Skipped)]
    assert [contents(row)[0][1] for row in made] == ([prompt] if prompt else [])


def test_what_is_told_amid_a_cue_is_no_setting_of_it() -> None:
    """A reader hands out the cue at its end, after the direction that stands in its midst."""
    scene: list[Cue | Skipped] = [
        Skipped("heading", "第一场", 1),
        Skipped("stage direction", "（乙下）", 3),
        Cue(("甲",), "走吧。\n走。", 2, "第一场"),
    ]
    *_, row = to_rows(scene, frozenset({"甲"}), "a.txt", RowOptions())
    assert contents(row)[0] == ("user", "（第一场）")


def test_who_opens_a_conversation_without_a_setting_is_left() -> None:
    chat = [Cue(("甲",), "在吗", 1, "2021"), Cue(("乙",), "在", 2, "2021")]
    items = list(to_rows(chat, frozenset({"甲"}), "a.txt", RowOptions()))
    assert items == [Skipped("opens a conversation, answers nobody", "在吗", 1)]


def test_context_names_the_speakers_and_stays_in_the_scene() -> None:
    *_, last = [row for row in rows({"甲"}, context=2) if row["source"]["scene"] == "第一场"]
    assert contents(last) == [("user", "乙：我。\n乙：开门。\n丙：他来了。"), ("assistant", "让他进来。")]


def test_the_character_s_own_earlier_lines_are_read_and_not_learned() -> None:
    *_, last = [row for row in rows({"乙"}, context=2) if row["source"]["scene"] == "第一场"]
    assert last["messages"] == [
        {"role": "user", "content": "甲：谁？\n乙：我。"},
        {"role": "assistant", "content": "开门。"},
    ]
    third = rows({"丙"}, context=3)[0]
    assert contents(third)[0][1].startswith("甲：谁？")
    mixed = next(row for row in rows({"甲"}, context=9) if row["source"]["line"] == 7)
    assert mixed["messages"] == [
        {"role": "user", "content": "乙：我。\n乙：开门。\n丙：他来了。"},
        {"role": "assistant", "content": "让他进来。"},
    ]


def test_an_earlier_line_of_the_character_amid_the_context_has_no_weight() -> None:
    talk = [
        Cue((name,), text, line, "s")
        for line, (name, text) in enumerate([("B", "1"), ("A", "2"), ("B", "3"), ("A", "4")])
    ]
    *_, row = to_rows(talk, frozenset({"A"}), "a.txt", RowOptions(context=2))
    assert not isinstance(row, Skipped)
    assert row["messages"] == [
        {"role": "user", "content": "B: 1"},
        {"role": "assistant", "content": "2", "weight": 0},
        {"role": "user", "content": "B: 3"},
        {"role": "assistant", "content": "4"},
    ]


def test_actions_are_kept_on_demand() -> None:
    assert contents(rows({"乙"}, keep_actions=True)[0])[-1] == ("assistant", "（推门）我。")


@pytest.mark.parametrize(("bound", "lines"), [(0.8, [4, 5]), (0.7, [4, 5, 11])])
def test_only_lines_of_a_sure_speaker_are_taken(bound: Any, lines: Any) -> None:
    assert [row["source"]["line"] for row in rows({"乙"}, min_confidence=bound)] == lines


def test_everything_left_is_passed_on_in_order() -> None:
    items = to_rows(SCENE, frozenset({"乙"}), "a.txt", RowOptions())
    reasons = [item.reason for item in items if isinstance(item, Skipped)]
    assert reasons == ["heading", "stage direction", "heading", "not sure who speaks"]
