"""Logs with a time, a name and a text on each line, in whatever form."""

from pathlib import Path

import pytest

from offbook.data.extract.chat_log.formats import CHAT_FORMATS
from offbook.data.extract.chat_log.formats.text_log import looks_like, read
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.formats import choose
from tests.data.extract.chat_log.chats import contents, parsed, times

TALK = [("Mara", "Is the buoy out?"), ("Odd", "Since noon: I saw it."), ("Mara", "Who rows?"), ("Odd", "You do.")]
FORMS = {
    "no dash, no comma": "13/05/2021 21:{m} {n}: {t}",
    "two digits of the year": "13.05.21, 21:{m} {n}: {t}",
    "ISO": "2021-05-13 21:{m}:42 {n}: {t}",
    "ISO with T and a zone": "2021-05-13T21:{m}:42.123+02:00 {n}: {t}",
    "bars": "2021-05-13 21:{m} | {n} | {t}",
    "tabs": "2021-05-13 21:{m}\t{n}\t{t}",
    "date and clock in two columns": "13/05/2021\t21:{m}\t{n}\t{t}",
    "angle brackets": "2021-05-13 21:{m} <{n}> {t}",
    "Chinese brackets": "[2021-05-13 21:{m}:42] 【{n}】 {t}",
    "the clock of noon and midnight": "(2021-05-13 9:{m}:42 PM) {n}: {t}",
    "a month, a clock with its half and no brackets": "May 13, 2021 9:{m}:42 PM - {n}: {t}",
    "a weekday and a month": "Thu, May 13, 2021, 9:{m} PM - {n}: {t}",
    "a German month": "13. Mai 2021 21:{m} {n}: {t}",
    "a Russian month": "13 мая 2021 г. 21:{m} {n}: {t}",
    "a Ukrainian month": "[13 травня 2021 р., 21:{m}] {n}: {t}",
    "a Vietnamese month": "13 tháng 5, 2021 21:{m} - {n}: {t}",
    "a Hungarian month": "2021. május 13. 21:{m} {n}: {t}",
    "the clock before an Indonesian day": "21:{m}, 13 Mei 2021 - {n}: {t}",
    "the clock before an American day": "9:{m} PM, May 13, 2021 {n}: {t}",
    "Chinese": "2021年5月13日 下午9:{m} {n}：{t}",
    "the name before a time in brackets": "{n} [2021-05-13 21:{m}]: {t}",
    "the name behind a dash": "{n} - 2021-05-13 21:{m}: {t}",
    "French": "2021-05-13 21h{m} {n} : {t}",
    "Japanese": "2021年5月13日 21時{m}分 {n}：{t}",
    "a zone of three letters": "05/13/2021 9:{m}:42 PM EST - {n}: {t}",
    "a channel": "[2021-05-13 21:{m}:42] [Global] {n}: {t}",
    "a name in brackets": "[2021-05-13 21:{m}:42] [{n}] {t}",
    "Telegram's copy": "{n}, [13 May 2021 at 21:{m}:42]:\n{t}\n",
    "a stretch of time": "[2021-05-13 21:{m}:01.000 --> 21:{m}:04.000] {n}: {t}",
}


def written(form: str) -> str:
    return "\n".join(form.format(n=name, t=text, m=30 + at) for at, (name, text) in enumerate(TALK))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_time_name_and_text_are_told_apart(tmp_path: Path, form: str) -> None:
    text = written(form)
    assert parsed(read, text) == TALK
    assert times(read, text)[::3] == ["2021-05-13 21:30", "2021-05-13 21:33"]
    path = tmp_path / "log.txt"
    path.write_text(text, encoding="utf-8")
    assert parsed(CHAT_FORMATS[choose(path, "auto")].read, text) == TALK


def test_a_message_goes_on_over_lines_and_a_clock_alone_begins_days_anew() -> None:
    text = "[11:58 PM] Mara: Is the buoy out?\nAnd lit?\n[11:59 PM] Odd: Yes.\n[12:01 AM] Mara: Good.\n"
    assert parsed(read, text)[0] == ("Mara", "Is the buoy out?\nAnd lit?")
    assert [time[-5:] for time in times(read, text)] == ["23:58", "23:59", "00:01"]
    assert times(read, text)[2][:10] > times(read, text)[1][:10]


@pytest.mark.parametrize(
    "text",
    [
        "2021-05-13 21:30:01 INFO: begun\n2021-05-13 21:30:02 ERROR: lost\n2021-05-13 21:30:03 INFO: ended",
        "MARA: Is it lit?\nODD: Since noon.\nMARA: Good.",
        "9:30 Breakfast: eggs\n10:30 School: sums\n12:30 Lunch: soup\n15:00 Home: rest",
    ],
    ids=["a program's log", "a script", "a timetable"],
)
def test_other_texts_are_no_logs(text: str) -> None:
    assert looks_like(text.splitlines()) == 0


def test_skype_s_accounts_and_edited_messages() -> None:
    text = (
        "[5/13/2021 9:14:05 PM] Mara Lie: Is it out?\n[5/13/2021 9:15:05 PM] live:odd.berg: Since noon.\n"
        "[5/13/2021 9:16:05 PM | Edited 9:18:05 PM] Mara Lie: Who rows?\n[5/13/2021 9:17:05 PM] live:odd.berg: You."
    )
    expected = [("Mara Lie", "Is it out?"), ("live:odd.berg", "Since noon."), ("Mara Lie", "Who rows?")]
    assert parsed(read, text) == [*expected, ("live:odd.berg", "You.")]


@pytest.mark.parametrize(
    "text",
    [
        "21:30 Mara: Is it out?\n21:30 Nils joined\n21:31 Odd: Since noon.\n21:33 Nils left\n21:34 Mara: Good.",
        "[21:30] Mara: Is it out?\n[21:30] * Nils waves\n[21:31] Odd: Since noon.\n"
        "[22:33] Nils left\n[23:34] Mara: Good.",
        "23:58 Mara: Is it out?\n23:59 Nils joined\n0:01 Odd: Since noon.\n0:02 Mara: Good.\n0:03 Nils left",
        "2024-05-13 21:30 Mara: Is it out?\n2024-05-13 21:30 --- Nils joined ---\n2024-05-13 21:31 Odd: Since noon.\n"
        "2024-05-13 21:31 * Nils waves\n2024-05-13 21:32 Mara: Good.\n2024-05-13 21:33 Mara changed the topic",
    ],
    ids=["a clock alone", "brackets", "midnight", "a date"],
)
def test_lines_with_a_time_and_no_name_are_notes_of_the_program(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.txt"
    path.write_text(text, encoding="utf-8")
    assert parsed(CHAT_FORMATS[choose(path, "auto")].read, text) == [
        ("Mara", "Is it out?"),
        ("Odd", "Since noon."),
        ("Mara", "Good."),
    ]


def test_a_clock_that_somebody_writes_belongs_to_the_message() -> None:
    text = "21:30 Mara: The plan:\n9:30 breakfast\n10:00 the pier\n21:31 Odd: Good.\n21:32 Mara: So be it."
    assert parsed(read, text)[0] == ("Mara", "The plan:\n9:30 breakfast\n10:00 the pier")


def test_in_a_recording_a_time_parts_what_is_spoken_and_brackets_hold_what_is_heard() -> None:
    text = (
        "[00:00:01] Mara: Welcome back.\n[00:00:05] We have a guest.\n[00:00:10] Odd: Thanks.\n[00:00:41] [music]\n"
        "[00:00:50] Mara: How is the sea?\n[00:00:59] Odd: Wet."
    )
    expected = [("Mara", "Welcome back.\nWe have a guest."), ("Odd", "Thanks."), ("Mara", "How is the sea?")]
    assert parsed(read, text) == [*expected, ("Odd", "Wet.")]


def test_a_name_may_be_a_number_or_begin_with_one() -> None:
    text = "2024-05-13 21:30 007: Is it out?\n2024-05-13 21:31 1号: Yes.\n2024-05-13 21:32 007: Good."
    assert parsed(read, text) == [("007", "Is it out?"), ("1号", "Yes."), ("007", "Good.")]


def test_what_apps_write_in_the_place_of_a_picture_is_no_text_in_a_log() -> None:
    text = "2024-05-13 21:30 小林: 在吗\n2024-05-13 21:31 阿澈: [图片]\n2024-05-13 21:32 小林: <Media omitted>\n"
    assert parsed(read, text) == [("小林", "在吗")]
    assert contents(read, text)[1:] == [Content.MEDIA, Content.MEDIA]


def test_a_channel_s_own_line_is_a_note() -> None:
    text = (
        "[21:30] [Sea] Mara: Is it out?\n[21:31] [Sea] Odd: Yes.\n[21:32] [System] Restart\n[21:33] [Sea] Mara: Good."
    )
    assert parsed(read, text) == [("Mara", "Is it out?"), ("Odd", "Yes."), ("Mara", "Good.")]


def test_what_is_tagged_as_a_roll_or_as_the_program_s_is_nobody_s_speech() -> None:
    log = (
        "[21:30] [IC] Ann: I light the lamp.\n[21:30] [ROLL] Initiative: 17\n[21:31] [IC] Tom: Stay.\n"
        "[21:31] [System] Tom: disconnected\n[21:32] [OOC] Ann: brb\n"
    )
    assert parsed(read, log) == [("Ann", "I light the lamp."), ("Tom", "Stay."), ("Ann", "brb")]


@pytest.mark.parametrize("form", ["1/5/2024, 9:30 PM", "9:30 PM, 1/5/2024", "[1/5/2024 9:30:10 PM]"])
def test_the_month_stands_first_where_the_time_is_american(form: str) -> None:
    assert times(read, f"{form} Ann: Is it lit?\n{form} Tom: Since four.") == ["2024-01-05 21:30"] * 2


def test_when_chatterino_began_to_log_is_the_day(tmp_path: Path) -> None:
    session = "# Start logging at {day} 21:00:00 CEST\n[21:30:11]  ann: Lit?\n[21:30:12]  Tom: Since four.\n"
    session += "# Stop logging at {day} 22:00:00 CEST\n\n"
    text = session.format(day="2021-05-12") + session.format(day="2021-05-13")
    path = tmp_path / "a.log"
    path.write_text(text, encoding="utf-8")
    assert choose(path, "auto") == "text_log"
    assert parsed(read, text) == [("ann", "Lit?"), ("Tom", "Since four.")] * 2
    assert times(read, text)[2:] == ["2021-05-13 21:30"] * 2


def test_where_most_lines_have_a_time_and_a_name_one_name_that_recurs_is_enough() -> None:
    text = "(09:30:11 PM) Ann: Lit?\n(09:31:12 PM) Tom: Since four.\n"
    text += "(09:32:13 PM) Ann: Oil?\n(09:33:14 PM) Tom/Home: Half.\n"
    assert looks_like(text.splitlines()) > 0.5
    assert looks_like(["21:30 Lamp: lit", "21:31 Oil: half a can", "21:32 Wind: up", "21:33 Sea: rough"]) == 0


@pytest.mark.parametrize(
    "form", ["2021-05-13 21:3{m} | {n} | {t}", "{n} [2021-05-13 21:3{m}]: {t}", "**{n}** 21:3{m}: {t}"]
)
def test_a_very_long_name_that_comes_back_is_a_name_and_a_sentence_is_none(form: str) -> None:
    name = "Mara of the lighthouse who minds all the lamps 🌊🕯️ and never answers before noon"
    talk = [("Odd", "Is it lit?"), (name, "Since four."), ("Odd", "Who rows?"), (name, "You do.")]
    text = "\n".join(form.format(m=at, n=sender, t=line) for at, (sender, line) in enumerate(talk))
    assert parsed(read, text) == talk
    once = "\n".join(text.splitlines()[:3])
    assert {sender for sender, _ in parsed(read, once)} == {"Odd"}


def test_a_day_between_the_lines_of_a_clock_begins_that_day() -> None:
    log = "9:38 PM - Ann: Good\nWednesday, May 12, 2021\n9:39 PM - Tom: Bye\n9:40 PM - Ann: Bye, Tom\n"
    assert parsed(read, log) == [("Ann", "Good"), ("Tom", "Bye"), ("Ann", "Bye, Tom")]
    assert times(read, log)[1] == "2021-05-12 21:39"


def test_steam_s_notes_without_a_time_are_no_part_of_the_message_above() -> None:
    log = "9:30 PM - Ann: Is it lit?\n9:31 PM - Tom: Since four.\nTom is now Offline.\n9:32 PM - Ann: Good.\n"
    assert parsed(read, log) == [("Ann", "Is it lit?"), ("Tom", "Since four."), ("Ann", "Good.")]
