"""Whom the character talks to, and when."""

from datetime import datetime

import pytest

from offbook.core.situation import situation, with_situation

SUNDAY = datetime(2021, 5, 16, 21, 30)


def test_the_partner_and_the_time_are_optional() -> None:
    assert situation("Ann", "sister", SUNDAY) == "You are talking with Ann, your sister. It is Sunday evening."
    assert situation("Ann") == "You are talking with Ann."
    assert situation("", when=SUNDAY) == "It is Sunday evening."
    assert situation("") == ""


def test_in_chinese() -> None:
    assert situation("阿澈", "妹妹", SUNDAY, chinese=True) == "你在和阿澈（你的妹妹）聊天。现在是星期日晚上。"


@pytest.mark.parametrize(
    ("hour", "part"), [(2, "night"), (8, "morning"), (13, "afternoon"), (20, "evening"), (23, "night")]
)
def test_parts_of_the_day(hour: int, part: str) -> None:
    assert situation("", when=SUNDAY.replace(hour=hour)) == f"It is Sunday {part}."


def test_it_follows_the_system_prompt_in_its_language() -> None:
    assert with_situation("You are Tom.", "Ann") == "You are Tom.\n\nYou are talking with Ann."
    assert with_situation("你是老汤。", "Ann", "妹妹") == "你是老汤。\n\n你在和Ann（你的妹妹）聊天。"
    assert with_situation(None, "Ann", text="在吗") == "你在和Ann聊天。"
    assert with_situation(None, "") == ""
