"""The time beside a message in any of the forms that logs and copies write it in, as a piece of a pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from offbook.data.extract.chat_log.times import (
    AM,
    PM,
    UNDATED,
    DateOrder,
    RunningClock,
    at_clock,
    is_american,
    spelled_date,
)
from offbook.data.extract.word_lists import one_of

_WEEKDAY_NAME = (
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Mo|Di|Mi|Do|Fr|Sa|So|lun|mar|mer|mié|jeu|jue|gio|ven|vie|sam|sáb|sab|dim|dom"
    r"|seg|ter|qua|qui|sex|ma|ti|ke|to|pe|la|su|wo|vr|za|zo|man|mån|tir|tis|ons|tor|fre|lør|lör|søn|sön"
    r"|пн|вт|ср|чт|пт|сб|вс)[a-z]{0,6}"
)
_WEEKDAY = rf"(?:{_WEEKDAY_NAME}[.,]{{0,2}}\s)?"
WEEKDAY = rf"(?:(?P<weekday>{_WEEKDAY_NAME}|(?:星期|周|週)[一二三四五六日天])\.?,?\s{{0,2}}(?=\D{{0,4}}\d))?"
"""The day of a time of the last week, as apps show it: Wed 9:30 PM"""
_WEEKDAY_BEHIND = (
    r"(?:\s?[(（]?(?:(?:星期|周|週)[一二三四五六日天]|[月火水木金土日]曜?日?(?=[)）])|[월화수목금토일]요일)[)）]?)?"
)
_MONTH = r"[^\W\d_]{3,12}"
_NUMBERS = (
    r"(?<!\d)(?:\d{4}[-/.]\s?\d{1,2}[-/.]\s?\d{1,2}\.?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    r"|\d{1,2}[-/]\d{1,2}(?=\s\d)|(?:\d{2,4}年)?\d{1,2}月\d{1,2}[日号])"
)
_MONTH_NAME = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)(?:[a-z]{1,6})?\.?"
"""Where no year stands behind the day, any other word may be a name: Speaker 1, 21:30."""
_SPELLED = (
    rf"(?:{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
    rf"|\d{{1,2}}\.?(?: de)? {_MONTH}\.?,?(?: de)? \d{{4}}(?:\s?[гр]\.?)?"
    rf"|(?:{_MONTH_NAME} \d{{1,2}}|(?<!\d)\d{{1,2}} {_MONTH_NAME})(?=,? (?:at )?\d{{1,2}}:\d\d)"
    rf"|\d{{4}}\. {_MONTH}\.? \d{{1,2}}\.|\d{{1,2}} (?i:tháng|thg\.?) \d{{1,2}},? \d{{4}})"
)
_SAID_DAY = "Today|today|Yesterday|yesterday|heute|gestern|aujourd[’']hui|hier|сегодня|вчера|今天|昨天|今日|昨日"
DATE = rf"(?:{_WEEKDAY}(?:{_NUMBERS}|{_SPELLED}){_WEEKDAY_BEHIND}|{_SAID_DAY})"
"""2021-05-12, 12/05/2021, Wed, May 12, 2021, 12. Mai 2021, 12 мая 2021 г., 12 tháng 5, 2021, 2021年5月12日, Today"""
HALF = rf"(?i:{one_of(AM | PM)}|[ap]\.\sm\.)(?!\w)"
"""AM, p.m., p. m., 下午"""
_ZONE = r"(?:\s?(?:Z|UTC|GMT|[A-Z]{2,4}T|[+-]\d{2}:?\d{2})(?![\w]))?"
_POINT = "|".join(rf"(?<={word} {digits})\." for word in ("klo", "kl", r"kl\.", "pukul") for digits in (r"\d", r"\d\d"))
"""Behind these words a point parts hours and minutes: klo 21.30."""
CLOCK = (
    rf"(?:(?P<before>(?i:{one_of(AM | PM)}))\s?)?(?P<hour>\d{{1,2}})(?:[:h時时点]|{_POINT})(?P<minute>\d{{2}})分?"
    rf"(?::(?P<second>\d{{2}})(?:[.,]\d{{1,9}})?)?(?!\d|:\d)(?:\s?(?P<after>{HALF}))?{_ZONE}"
)
"""21:30, 21:30:42.123, 9:30 PM, 下午 9:30, 21:30:42 UTC, 21h30, 21時30分"""
HAS_CLOCK = re.compile(r"\d[:h時时点]\d{2}|\b(?:klo|kl\.?|pukul) \d{1,2}\.\d{2}")
"""What every clock has: a text without it is soon seen to have no times."""
_BETWEEN = r"(?:,?\s?(?:at|um|à|в|às|alle|a las|om|kl\.?|klo|pukul|の|[-–—|])?\s{0,2}|T)"
STAMP = (
    rf"(?:(?P<date>{DATE}){_BETWEEN})?{CLOCK}(?:\s*(?:-->|[-–—~])\s*\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?:[.,]\d{{1,9}})?)?"
    rf"(?(date)|(?:,?\s(?:on\s)?(?P<date_behind>{_WEEKDAY}(?:{_NUMBERS}|{_SPELLED})))?)"
)
"""A clock, perhaps with a date before or behind it, or with the end of a stretch of time: 00:01 --> 00:04."""
BREAK = re.compile(
    rf"^\s*(?:(?:[-*_=–—]\s?){{3,}}|(?:#{{1,6}}\s+|[-*_=–—]{{2,}}\s*)(?:(?:Start|Stop) logging at )?(?P<date>{DATE})"
    r"(?: [\d:]{5,8}(?: [A-Z]{2,5})?)?\s*[-*_=–—]*)\s*$"
)
"""A line that parts the days of a log: a rule, or a date as a heading."""
_FULL_DAY = r"(?:January|February|March|April|May|June|July|August|September|October|November|December) \d{1,2}, \d{4}"
DAY_LINE = re.compile(
    rf"^\s*(?P<date>{_WEEKDAY_NAME}[.,]{{0,2}}\s(?:{_NUMBERS}|{_SPELLED}|{_MONTH_NAME} \d{{1,2}}(?:st|nd|rd|th)?)"
    rf"|{_FULL_DAY}|(?=.*(?:[星周週曜]|요일))(?:{_NUMBERS}|{_SPELLED}){_WEEKDAY_BEHIND})\s*$"
)
"""A day as apps set it above its messages: with its weekday, or May 12, 2021."""
_YEARLESS = re.compile(r"\d{1,2}/\d{1,2}")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_FIRST_NUMBERS = re.compile(r"(\d{1,2})[-/.](\d{1,2})(?:[-/.]\d{2,4})?$")


LAST_HOUR = 24
"""Midnight may be 24:00."""
MINUTE = 60
NUMBERED_SPEAKER = re.compile(
    r"\s*(?:unknown )?(?:speaker|sprecher(?:in)?|locuteur|intervenant|hablante|falante|orador|parlante|спикер"
    r"|说话人|說話人|发言人|發言人|講者|话者|話者|発言者|화자|참석자)[\s_]*\d{0,3}\s*",
    re.IGNORECASE,
)
"""How programs name those whom they hear in a recording."""
FEWEST_TIMES, MOST_AT_ONCE = 3, 0.05
SLOWEST, AT_ZERO, SLOWEST_AT_ZERO = 3, 2, 1
"""People speak some thirteen bytes a second, and pause; names and times are counted, too. Where the first time is below
two seconds, few chats begin, and less is enough."""


def date_beside(match: re.Match[str]) -> str:
    """The date in a match of `STAMP`; "" where it tells the clock alone."""
    return match["date"] or match["date_behind"] or ""


def count_minutes(stamps: Sequence[re.Match[str]], size: int = 0) -> bool:
    """Whether times are minutes and seconds of a recording: they only rise, beyond any clock's hours (04:40 … 31:07).

    Those of a short recording stay below 24. It begins in the first minute, and what stands between two times fills the
    seconds between them when it is spoken, where it would be far too little for so many minutes.

    Args:
        stamps: the times.
        size: the bytes of the text that they stand in, or 0 where that is not known.
    """
    if len(stamps) > 1 and date_beside(stamps[0]):  # when the recording was made
        stamps = stamps[1:]
    if not stamps or any(date_beside(stamp) or stamp["before"] or stamp["after"] for stamp in stamps):
        return False
    two = [stamp for stamp in stamps if stamp["second"] is None]
    seconds = [
        60 * int(stamp["hour"]) + int(stamp["minute"])
        if stamp["second"] is None
        else 3600 * int(stamp["hour"]) + 60 * int(stamp["minute"]) + int(stamp["second"])
        for stamp in stamps
    ]
    if any(earlier > later for earlier, later in pairwise(seconds)):
        return False
    if any(int(stamp["hour"]) > LAST_HOUR for stamp in two):
        return True
    names = [stamp.groupdict().get("name") or "" for stamp in stamps]
    is_numbered = all(map(NUMBERED_SPEAKER.fullmatch, names))
    return len(two) == len(stamps) and seconds[0] < MINUTE and (is_numbered or _is_spoken(seconds, size))


def _is_spoken(seconds: Sequence[int], size: int) -> bool:
    """Whether so much text fills these seconds, and is not written by many people in bursts."""
    at_once = sum(earlier == later for earlier, later in pairwise(seconds))
    slowest = SLOWEST_AT_ZERO if seconds[0] < AT_ZERO else SLOWEST
    return (
        len(seconds) >= FEWEST_TIMES
        and size >= slowest * (seconds[-1] - seconds[0])
        and at_once <= MOST_AT_ONCE * len(seconds)
    )


def _is_day(lines: Sequence[str], goes_on: bool) -> bool:
    """Whether the last line is the day of what comes next."""
    return DAY_LINE.match(lines[-1]) is not None and (goes_on or any(map(str.strip, lines[:-1])))


def _start(match: re.Match[str]) -> int:
    """Where a time begins: at its date or at its clock."""
    return min(match.start(part) for part in ("date", "hour") if match[part])


class StampReader:
    """The times of a log, from matches of patterns that hold `STAMP`.

    Args:
        matches: those at the head of the log; they tell whether the month stands before the day.
        size: the bytes of that head, or 0; they tell a recording from a chat.
        month_first: the order of month and day where the dates do not tell.
    """

    def __init__(self, matches: Iterable[re.Match[str]], size: int = 0, *, month_first: bool = False) -> None:
        stamps = list(matches)
        self.counts_minutes = count_minutes(stamps, size)
        """Whether a time of two numbers tells the minute and second of a recording."""
        dated = [(match, date) for match in stamps if (date := date_beside(match))]
        is_east_asian = any(_YEARLESS.fullmatch(date) and _EAST_ASIAN.search(match.string) for match, date in dated)
        from_usa = is_american(match.string[_start(match) :] for match, _ in dated)
        order = DateOrder(month_first or is_east_asian or from_usa)
        for _, date in dated:
            if numbers := _FIRST_NUMBERS.search(date):
                order.add(numbers[1], numbers[2])
        self._month_first = order.month_first
        self._clock = RunningClock()
        self._weekday = ""
        self._hour: int | None = None
        """The hour of the last time that tells the half of the day."""

    def time(self, match: re.Match[str]) -> datetime | None:
        """The time of the next message; where no day is told, the clock's, with a new day where it goes back."""
        if self.counts_minutes and match["second"] is None and not date_beside(match):
            return self._clock.at("0", match["hour"], match["minute"])
        halves = (match["before"], match["after"])
        date = date_beside(match)
        day = spelled_date(date, self._month_first)[0] if date else None
        if day is not None:
            self._clock.begin(day)
            return at_clock(day, match["hour"], match["minute"], match["second"], halves)
        weekday = date or match.groupdict().get("weekday") or ""  # or Today
        if weekday and self._weekday and weekday != self._weekday:
            self._clock.begin_next()
        self._weekday = weekday or self._weekday
        noon = at_clock(UNDATED, match["hour"], "0", halves=halves)
        hour = noon.hour if noon else int(match["hour"])
        if any(halves):
            self._hour = hour
        elif self._hour is not None and hour <= 12:  # Slack leaves the half of the day out at a further message
            before = self._hour
            hour = min((hour % 12, hour % 12 + 12), key=lambda each: (each - before) % 24)
        return self._clock.at(str(hour), match["minute"], match["second"])

    def without_break(self, body: Sequence[str], *, goes_on: bool = False) -> list[str]:
        """A message's lines without what parts it from the next day's; a date in it begins that day.

        Args:
            body: the lines.
            goes_on: whether more of the message stands above; where nothing does a bare day may be what is said.
        """
        lines, dates = list(body), list[str]()
        while lines and (not lines[-1].strip() or BREAK.match(lines[-1]) or _is_day(lines, goes_on)):
            last = lines.pop()
            heading = BREAK.match(last) or DAY_LINE.match(last)
            dates += [heading["date"]] if heading and heading["date"] else []
        if dates:  # the last, which stands right above the next message
            self._clock.begin(spelled_date(dates[0], self._month_first)[0])
        return lines
