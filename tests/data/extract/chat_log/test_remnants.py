"""What apps show about a message and copy along with it."""

import pytest

from offbook.data.extract.chat_log.formats import copied, discord, wechat
from offbook.data.extract.chat_log.remnants import without_remnants
from tests.data.extract.chat_log.chats import parsed


@pytest.mark.parametrize(
    "below",
    [
        "\n like 1",
        "\n like 1\n heart 2",
        "\n1 Like reaction.\n1",
        "\nEdited",
        "\n(edited)",
        "（已编辑）",
        "\n已读",
        "\n3人未读",
    ],
)
def test_what_stands_below_a_message_is_no_part_of_it(below: str) -> None:
    assert without_remnants(f"Half a can.{below}") == "Half a can."


@pytest.mark.parametrize("text", ["已读", "Edited", "like 1", "I edited it (twice)", "He was\nedited by hand"])
def test_the_same_words_may_be_what_is_said(text: str) -> None:
    assert without_remnants(text) == text


def test_reactions_go_where_a_name_has_a_comma() -> None:
    text = (
        "[Yesterday 9:30 PM] Hale, Ann\nIs it lit?\n like 1\n[Yesterday 9:31 PM] Reed, Tom\nSince four.\n heart 2\n\n"
    )
    assert parsed(discord.read, text) == [("Hale, Ann", "Is it lit?"), ("Reed, Tom", "Since four.")]


def test_who_writes_once_is_told_by_the_preview_above() -> None:
    text = (
        "Is it lit? by Ann Hale\nAnn Hale\nYesterday 9:30 PM\nIs it lit?\n\nSince four. by Tom Reed\nTom Reed\n"
        "Yesterday 9:31 PM\nSince four.\n\nAnd oil? by Ann Hale\nAnn Hale\nYesterday 9:32 PM\nAnd oil?\nEdited\n"
    )
    assert parsed(copied.read, text) == [
        ("Ann Hale", "Is it lit?"),
        ("Tom Reed", "Since four."),
        ("Ann Hale", "And oil?"),
    ]


@pytest.mark.parametrize("day", ["5/12", "2021/5/12"])
def test_what_wecom_quotes_above_an_answer_is_not_said_again(day: str) -> None:
    quoted = '这是一条引用/回复消息：\n"汤姆：\n四点就点了。"\n------\n'
    text = (
        f"安娜 {day} 21:30:11\n灯点了吗？\n\n汤姆 {day} 21:31:12\n四点就点了。\n\n安娜 {day} 21:32:13\n{quoted}油呢？\n"
    )
    read = wechat.read if len(day) > 5 else copied.read
    assert parsed(read, text) == [("安娜", "灯点了吗？"), ("汤姆", "四点就点了。"), ("安娜", "油呢？")]


@pytest.mark.parametrize(
    "above",
    ["回复 安娜：灯点了吗？\n", "回复 安娜：\n灯点了吗？\n", "Reply to Anna: 灯点了吗？\n", "安娜 is now Offline.\n"],
)
def test_what_lark_and_steam_set_above_the_words_is_not_said(above: str) -> None:
    assert without_remnants(f"{above}四点就点了。") == "四点就点了。"


@pytest.mark.parametrize(
    "text", ["回复 安娜：好的", "Reply to Anna: half a can", "Tom is now offline", "Who is now Away?"]
)
def test_an_answer_on_one_line_and_lower_case_are_said(text: str) -> None:
    assert without_remnants(text) == text


def test_wechat_s_copies_have_no_remnants_either() -> None:
    text = "安娜 2021-05-12 21:33\n灯点了吗？\n\n汤姆 2021-05-12 21:34\n回复 安娜：灯点了吗？\n四点就点了。\n已读\n"
    assert parsed(wechat.read, text) == [("安娜", "灯点了吗？"), ("汤姆", "四点就点了。")]
