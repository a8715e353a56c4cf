"""Whom the character talks to, and when: sentences that follow the system prompt, in training and in the chat alike."""

from __future__ import annotations

from datetime import datetime

from offbook.core.text import has_chinese

DAY_PARTS = ((5, "night", "深夜"), (12, "morning", "上午"), (18, "afternoon", "下午"), (23, "evening", "晚上"))
"""Until which hour the time of day is called what, in English and Chinese; after the last it is night again."""
WEEKDAYS_ZH = "一二三四五六日"
JOINT = "\n\n"
"""Between a system prompt and the situation, as the server joins a client's system prompt to the character's."""


def situation(partner: str, relation: str = "", when: datetime | None = None, *, chinese: bool = False) -> str:
    """`You are talking with Ann, your sister. It is Sunday evening.`, or the same in Chinese.

    Args:
        partner: whom the character talks to; "" leaves the first sentence out.
        relation: who that is to the character.
        when: the time; None leaves the second sentence out.
        chinese: write Chinese instead of English.
    """
    if chinese:
        talk = f"你在和{partner}（你的{relation}）聊天。" if relation else f"你在和{partner}聊天。"
        time = f"现在是星期{WEEKDAYS_ZH[when.weekday()]}{_part_of_day(when)[1]}。" if when else ""
        return (talk if partner else "") + time
    talk = f"You are talking with {partner}, your {relation}." if relation else f"You are talking with {partner}."
    time = f"It is {_weekday(when)} {_part_of_day(when)[0]}." if when else ""
    return " ".join(sentence for sentence in (talk if partner else "", time) if sentence)


def with_situation(
    system: str | None, partner: str, relation: str = "", when: datetime | None = None, *, text: str = ""
) -> str:
    """A system prompt followed by the situation; "" where there is neither.

    Args:
        system: the system prompt.
        partner: whom the character talks to; "" leaves it out.
        relation: who that is to the character.
        when: the time; None leaves it out.
        text: words of the conversation; where there are Chinese ones, or the prompt is, the situation is in Chinese.
    """
    chinese = has_chinese((system or "") + partner + relation + text)
    sentences = situation(partner, relation, when, chinese=chinese)
    return JOINT.join(part for part in (system, sentences) if part)


def _weekday(when: datetime) -> str:
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return names[when.weekday()]


def _part_of_day(when: datetime) -> tuple[str, str]:
    part = next((part for part in DAY_PARTS if when.hour < part[0]), DAY_PARTS[0])
    return part[1:]
