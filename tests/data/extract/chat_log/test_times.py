"""Times in all the forms that exports have them in."""

from datetime import datetime
from typing import Any

import pytest

from offbook.data.extract.chat_log.times import DateOrder, any_time, at_clock, epoch_time, spelled_time


@pytest.mark.parametrize(
    "text",
    [
        "2021-05-12T21:30:00",
        "2021-05-12 21:30:00+02:00",
        "2021-05-12T21:30:00.000Z",
        "May 12, 2021 9:30:00 PM",
        "May 12, 2021  9:30 PM",
        "May 12, 2021 9:30pm",
        "12-May-21 09:30 PM",
        "5/12/2021 9:30 PM",
        "2021. 5. 12. 오후 9:30",
        "2021年5月12日 下午9:30",
        "2021/5/12 21:30",
        "Wed, 12 May 2021 21:30:00 +0200",
        "2021. május 12. 21:30",
        "21:30, 12 tháng 5, 2021",
        "9:30 PM, May 12, 2021",
        "12 may 2021 9:30\u202fp.\xa0m.",
        "12 maj 2021 9:30 em",
        "12 мая 2021 9:30 пп",
        "2021-05-12 9:30 หลังเที่ยง",
        "12.05.2021 21:30",
        "1620855000",
        1620855000000,
    ],
)
def test_any_usual_form_is_read(text: str) -> None:
    assert f"{any_time(text):%Y-%m-%d %H:%M}" == "2021-05-12 21:30"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("17 Agustus 2021", "08-17"),
        ("24 Desember 2021", "12-24"),
        ("1. června 2021", "06-01"),
        ("1. července 2021", "07-01"),
        ("17. lokakuuta 2021", "10-17"),
        ("1. marraskuuta 2021", "11-01"),
        ("1. maaliskuuta 2021", "03-01"),
        ("2021. október 17.", "10-17"),
        ("17 ноември 2021", "11-17"),
        ("17 أكتوبر 2021", "10-17"),
        ("17 thg 8, 2021", "08-17"),
        ("5. december 2021", "12-05"),
    ],
)
def test_months_have_names_in_many_languages(text: str, day: str) -> None:
    assert f"{spelled_time(text):%m-%d}" == day


@pytest.mark.parametrize("text", ["", None, "soon", "12:30", "99/99/9999 1:00", "nan", "1e400", "0000-00-00"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert any_time(text) is None


@pytest.mark.parametrize(
    ("word", "hour", "at"),
    [
        ("AM", 12, 0),
        ("p. m.", 9, 21),
        ("PM", 12, 12),
        ("上午", 9, 9),
        ("晚上", 9, 21),
        ("ص", 12, 0),
        ("م", 9, 21),
        ("", 9, 9),
    ],
)
def test_the_word_beside_the_time_tells_its_half_of_the_day(word: str, hour: int, at: int) -> None:
    day = spelled_time("2021-05-12")
    assert day
    time = at_clock(day, str(hour), "30", halves=(word,))
    assert time
    assert time.hour == at


def test_milliseconds_are_told_from_seconds() -> None:
    assert epoch_time(1620855000) == epoch_time("1620855000000")
    assert epoch_time(10**30) is None


@pytest.mark.parametrize(
    ("dates", "month_first"),
    [
        ([("5", "12"), ("5", "13")], True),
        ([("12", "5"), ("13", "5")], False),
        ([("5", "6"), ("5", "7"), ("5", "8")], True),
        ([("6", "5"), ("7", "5"), ("8", "5")], False),
        ([], False),
    ],
)
def test_the_day_is_the_number_that_changes(dates: Any, month_first: bool) -> None:
    order = DateOrder()
    for first, second in dates:
        order.add(first, second)
    assert order.month_first is month_first


@pytest.mark.parametrize(
    ("iranian", "day"),
    [
        ("1403/1/1", "2024-03-20"),
        ("1399/12/30", "2021-03-20"),
        ("1402/2/31", "2023-05-21"),
        ("1402/8/15", "2023-11-06"),
    ],
)
def test_phones_in_iran_have_a_calendar_of_their_own(iranian: str, day: str) -> None:
    assert spelled_time(f"{iranian} 21:30") == datetime.fromisoformat(f"{day}T21:30")
