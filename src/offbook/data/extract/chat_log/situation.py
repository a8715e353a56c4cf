"""Whom the character talks to, and when: sentences for the system prompt, in training as in the chat afterwards."""

from __future__ import annotations

from datetime import datetime

from offbook.data.extract.script.names import HAS_CJK

HOURS = ((5, "night", "深夜"), (12, "morning", "上午"), (18, "afternoon", "下午"), (23, "evening", "晚上"))
"""Until which hour the day is called what."""
DAYS_ZH = "一二三四五六日"


def situation(partner: str, relation: str = "", when: datetime | None = None, language: str = "en") -> str:
    """`You are talking with Ann, your sister. It is Sunday evening.`, or the same in Chinese.

    Args:
        partner: whose turn the character answers; "" leaves the first sentence out.
        relation: who that is to the character.
        when: the time; None leaves the second sentence out.
        language: zh, or anything else for English.
    """
    if language == "zh":
        talk = f"你在和{partner}（你的{relation}）聊天。" if relation else f"你在和{partner}聊天。"
        time = f"现在是星期{DAYS_ZH[when.weekday()]}{_time_of_day(when)[1]}。" if when else ""
        return (talk if partner else "") + time
    talk = f"You are talking with {partner}, your {relation}." if relation else f"You are talking with {partner}."
    time = f"It is {when:%A} {_time_of_day(when)[0]}." if when else ""
    return " ".join(sentence for sentence in (talk if partner else "", time) if sentence)


def language_of(text: str) -> str:
    """The language that a text's situation is described in: zh where it holds Chinese characters, else en."""
    return "zh" if HAS_CJK.search(text) else "en"


def _time_of_day(when: datetime) -> tuple[str, str]:
    return next(((english, chinese) for until, english, chinese in HOURS if when.hour < until), HOURS[0][1:])
