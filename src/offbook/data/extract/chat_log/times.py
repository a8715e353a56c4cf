"""The times of chat logs. All that is asked of them is how far apart two messages are, so zones are left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files

from offbook.data.extract.word_lists import words

MILLISECONDS_FROM = 100_000_000_000
"""A number of seconds as large as this lies thousands of years ahead: it counts milliseconds."""
CENTURY = 100
MONTHS = 12
BUDDHIST_ERA = 543
BUDDHIST_FROM = 2443
"""Phones in Thailand count the years of the Buddhist era: 2566 is 2023."""
SOLAR_HIJRI = range(1300, 1500)
SOLAR_HIJRI_BEGINS = 226_895
"""Phones in Iran count the years since 622-03-21: 1403-01-01 is 2024-03-20. So many days lie before it."""
UNTOLD_YEAR = 2000
"""The year of days that are told without one."""
UNDATED = datetime(1, 1, 1)
"""The first day of a log that tells the clock and no day."""

AM = words(
    """
    am a.m. a.m 上午 凌晨 早上 清晨 오전 午前 πμ π.μ. öö ص ق.ظ. ق.ظ sa पूर्वाह्न pg de.
    לפנה״צ לפנה"צ ก่อนเที่ยง পূর্বাহ্ণ முற்பகல் ಪೂರ್ವಾಹ್ನ म.पू. قبل‌ازظهر ጥዋት
    """
)
PM = words(
    """
    pm p.m. p.m 下午 晚上 中午 오후 午後 μμ μ.μ. ös م ب.ظ. ب.ظ ch अपराह्न ptg du.
    אחה״צ אחה"צ หลังเที่ยง অপরাহ্ণ பிற்பகல் ಅಪರಾಹ್ನ म.उ. بعدازظهر ከሰዓት
    """
)
"""Words beside the time that mean before and after noon; Arabic, Greek, Turkish, Vietnamese … phones write them."""
SHORT_AM, SHORT_PM = words("fm f.h. ap. vm. dop. пр.об. дп"), words("em e.h. ip. nm. odp. pop. сл.об. пп")
"""The same in other languages, behind a time: elsewhere they may be other words or names."""


_UNPADDED = r"(?:[1-9]/[1-9]\d?|[1-9]\d/[1-9])/\d{2}(?:\d{2})?"
_HALF_DAY = r"\d{1,2}:\d{2}(?::\d{2})?\s?[AP]M\b"
AMERICAN = re.compile(rf"\W*(?:{_UNPADDED},? {_HALF_DAY}|{_HALF_DAY},? {_UNPADDED}(?!\d))")
"""How phones and browsers of the USA write a time, and hardly another's: 1/5/24, 9:03 PM. No number is filled up with
a zero, and the half of the day has capitals and no points."""


class DateOrder:
    """Which of the first two numbers of a file's dates is the month: the one that changes less often.

    Args:
        month_first: the answer where the dates do not tell.
    """

    def __init__(self, month_first: bool = False) -> None:
        self._default = month_first
        self._last: tuple[int, int] | None = None
        self._changes = [0, 0]
        self._decided: bool | None = None

    def add(self, first: str, second: str) -> None:
        """Take in the date of the next message."""
        date = int(first), int(second)
        if self._decided is None and max(date) > MONTHS:
            self._decided = date[1] > MONTHS
        if self._last is not None:
            for place in (0, 1):
                self._changes[place] += date[place] != self._last[place]
        self._last = date

    @property
    def month_first(self) -> bool:
        """Whether the month leads, as in the USA."""
        if self._decided is not None:
            return self._decided
        first, second = self._changes
        return self._default if first == second else first < second


def is_american(sample: Iterable[str]) -> bool:
    """Whether lines begin with the time as it is written in the USA, where the month leads."""
    return any(AMERICAN.match(line) for line in sample)


class RunningClock:
    """The times of a log whose lines tell the clock alone: where it goes back, another day has begun."""

    def __init__(self) -> None:
        self._day = UNDATED
        self._last: datetime | None = None

    def begin(self, day: datetime | None) -> None:
        """Take in the day that the next lines are of, where the log tells it."""
        if day is not None and day != self._day:
            self._day, self._last = day, None

    def begin_next(self) -> None:
        """Take in that the next lines are of a later day, where the log does not tell which."""
        self._day, self._last = self._day + timedelta(days=1), None

    def at(self, hour: str, minute: str, second: str | None = None) -> datetime | None:
        """The time of the next line; None where the clock has no such time."""
        time = at_clock(self._day, hour, minute, second)
        if time and self._last and self._last - time > timedelta(hours=1):
            self._day += timedelta(days=1)
            time = at_clock(self._day, hour, minute, second)
        self._last = time or self._last
        return time


def is_dated(time: datetime) -> bool:
    """Whether the day of a time is known."""
    return time.year > CENTURY


def iso_time(text: object) -> datetime | None:
    """The time in ISO 8601, without its zone; None where it is none."""
    try:
        return datetime.fromisoformat(str(text).strip()).replace(tzinfo=None)
    except ValueError:
        return None


def epoch_time(value: object) -> datetime | None:
    """The time in seconds or milliseconds since 1970, as a number or as digits; None where it is none."""
    try:
        seconds = float(str(value))
        if seconds >= MILLISECONDS_FROM:
            seconds /= 1000
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return None


def any_time(value: object, month_first: bool = True) -> datetime | None:
    """The time in any of the forms that tables of messages have it in; None where it is none."""
    text = str(value or "").strip()
    if not text:
        return None
    if re.fullmatch(r"\d{9,13}(?:\.\d+)?", text):
        return epoch_time(text)
    return iso_time(text) or spelled_time(text, month_first)


@cache
def _months() -> dict[str, int]:
    months = json.loads(files(__package__).joinpath("months.json").read_text(encoding="utf-8"))
    return {name: number for number, names in enumerate(months, 1) for name in names}


@lru_cache(maxsize=1024)
def _month(word: str) -> int | None:
    """The number of a month whose name, in one of two dozen languages, begins the word; červen is not červenec."""
    folded = word.casefold()
    return next((month for end in range(len(folded), 2, -1) if (month := _months().get(folded[:end]))), None)


CLOCK = re.compile(
    r"(?P<before>\D*?)\s*(?<!\d)(?P<hour>\d{1,2})[:.時时](?P<minute>\d{2})(?:[:.分](?P<second>\d{2}))?"
    r"(?!\d)(?:\.\d+)?\s*(?P<after>[apAP]\.\sm\.|[^\d\s,\]]{0,12}\.?)"
)
NUMERIC_DATE = re.compile(r"(\d{1,4})\D{1,3}(\d{1,2})\D{1,3}(\d{1,4})")
_MONTH = r"([^\W\d_]{3,12})"
MONTH_FIRST = re.compile(rf"{_MONTH}\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})")
DAY_FIRST = re.compile(rf"(\d{{1,2}})(?:[.\s-]+|\s+de\s+){_MONTH}\.?,?(?:[\s-]+|\s+de\s+)(\d{{2,4}})")
YEAR_FIRST = re.compile(rf"(\d{{4}})\.?[\s/-]+{_MONTH}\.?[\s/-]+(\d{{1,2}})(?!\d)")
"""2021. május 12., 2021-May-12"""
NUMBERED_MONTH = re.compile(r"(\d{1,2})\s+(?i:tháng|thg)\.?\s+(\d{1,2}),?\s+(?:năm\s+)?(\d{4})")
"""12 tháng 5, 2021"""
LEADING_CLOCK = re.compile(
    r"\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?!\d)\s*(?P<half>[^\d\s,]{0,6})"
)
DAY_WITHOUT_YEAR = re.compile(r"(\d{1,2})([-/])(\d{1,2})")
MONTH_AND_DAY = re.compile(rf"(?:{_MONTH}\.?\s+(\d{{1,2}})|(\d{{1,2}})\.?\s+{_MONTH}\.?)")
DAY_ALONE = re.compile(r"(\d{1,2})月(\d{1,2})[日号]")
"""A day without its year, as Chinese apps show this year's."""


def spelled_time(text: str, month_first: bool = True) -> datetime | None:
    """The time in `May 12, 2021 9:30:42 PM`, `5/12/2021 9:30 PM`, `12-May-21 09:30 PM`, `2021.5.12 오후 9:30`."""
    day, rest = spelled_date(text, month_first)
    if day is None:
        return None
    clock = CLOCK.search(rest)
    if clock is None:
        clock = LEADING_CLOCK.match(text)
        return at_clock(day, clock["hour"], clock["minute"], clock["second"], (clock["half"],)) if clock else day
    halves = (clock["before"].strip(" ,.T日일"), clock["after"])
    return at_clock(day, clock["hour"], clock["minute"], clock["second"], halves)


def spelled_date(text: str, month_first: bool = True) -> tuple[datetime | None, str]:
    """The date that a text begins with, and what follows it."""
    if match := NUMBERED_MONTH.search(text):
        return _date(match[3], int(match[2]), match[1]), text[match.end() :]
    if match := MONTH_FIRST.search(text):
        return _date(match[3], _month(match[1]), match[2]), text[match.end() :]
    if match := YEAR_FIRST.search(text):
        return _date(match[1], _month(match[2]), match[3]), text[match.end() :]
    if match := DAY_FIRST.search(text):
        return _date(match[3], _month(match[2]), match[1]), text[match.end() :]
    if match := DAY_WITHOUT_YEAR.fullmatch(text.strip()):
        return numeric_date(match[1], match[3], str(UNTOLD_YEAR), month_first or match[2] == "-"), ""
    if (match := MONTH_AND_DAY.fullmatch(text.strip(" ,"))) and (month := _month(match[1] or match[4])):
        return _date(UNTOLD_YEAR, month, match[2] or match[3]), ""
    if (match := DAY_ALONE.search(text)) and not re.search(r"\d\s*年", text):
        return _date(UNTOLD_YEAR, int(match[1]), match[2]), text[match.end() :]
    if match := NUMERIC_DATE.search(text):
        has_points = text[match.end(1) : match.start(2)].startswith(".")  # then the month never leads
        return numeric_date(match[1], match[2], match[3], month_first and not has_points), text[match.end() :]
    return None, text


@lru_cache(maxsize=1024)
def numeric_date(first: str, second: str, third: str, month_first: bool) -> datetime | None:
    """The date of three numbers: the year leads where it has four digits, else it is the last."""
    if len(first) > 2:
        return _date(first, int(second), third)
    month, day = (int(first), int(second)) if month_first else (int(second), int(first))
    if month > MONTHS:
        month, day = day, month
    return _date(third, month, day)


def at_clock(
    day: datetime, hour: str, minute: str, second: str | None = None, halves: tuple[str | None, ...] = ()
) -> datetime | None:
    """The day at a time of the clock.

    Args:
        day: midnight of the day.
        hour: 0 … 23, or 1 … 12 where `halves` tells the half of the day.
        minute: 0 … 59.
        second: 0 … 59.
        halves: words beside the time; those that mean before or after noon are heeded, in any language.
    """
    hours = int(hour)
    after_noon = _after_noon(halves)
    if after_noon and hours < 12:
        hours += 12
    elif after_noon is False and hours == 12:
        hours = 0
    try:
        return day.replace(hour=hours, minute=int(minute), second=int(second or 0))
    except ValueError:
        pass
    try:  # 24:00 is midnight
        return day + timedelta(hours=hours, minutes=int(minute), seconds=int(second or 0))
    except OverflowError:
        return None


@lru_cache(maxsize=64)
def _after_noon(halves: tuple[str | None, ...]) -> bool | None:
    """Whether words beside a time mean after noon, or before it (False); None where they mean neither."""
    beside = {"".join(word.split()).casefold() for word in halves if word}
    behind = "".join((halves[-1] or "").split()).casefold() if halves else ""
    is_after, is_before = beside & PM or behind in SHORT_PM, beside & AM or behind in SHORT_AM
    return True if is_after else False if is_before else None


def _solar_hijri_date(year: int, month: int, day: int) -> datetime:
    """The day of a calendar whose first six months have 31 days, the others 30; of 33 years eight have a day more.

    Raises:
        ValueError: it has no such day.
    """
    if not (1 <= month <= MONTHS and 1 <= day <= (31 if month < 7 else 30)):
        raise ValueError
    days = 365 * (year - 1) + (8 * year + 21) // 33 + 31 * (month - 1) - max(0, month - 7) + day - 1
    return datetime.fromordinal(SOLAR_HIJRI_BEGINS + days)


@lru_cache(maxsize=1024)
def _date(year: str | int, month: int | None, day: str | int) -> datetime | None:
    years = int(year)
    if years > BUDDHIST_FROM:
        years -= BUDDHIST_ERA
    try:
        if years in SOLAR_HIJRI:
            return _solar_hijri_date(years, month or 0, int(day))
        return datetime(years + 2000 if years < CENTURY else years, month or 0, int(day))
    except ValueError:
        return None
