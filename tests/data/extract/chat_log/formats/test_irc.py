"""Logs of IRC clients."""

import pytest

from offbook.data.extract.chat_log.formats.irc import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times

LOGS = {
    "irssi": """\
--- Log opened Wed May 12 21:20:01 2021
21:29 -!- tom [~tom@pier.example] has joined #pier
21:30 <@ann> Is the lamp lit?
21:31 < tom> Since four.
21:32  * ann nods
--- Day changed Thu May 13 2021
08:01 < tom> Morning.""",
    "weechat": """\
2021-05-12 21:29:00\t-->\ttom (~tom@pier.example) has joined #pier
2021-05-12 21:30:10\t@ann\tIs the lamp lit?
2021-05-12 21:31:05\ttom\tSince four.
2021-05-12 21:32:00\t *\tann nods
2021-05-13 08:01:00\ttom\tMorning.""",
    "mirc": """\
Session Start: Wed May 12 21:20:01 2021
Session Ident: #pier
[21:29] * tom has joined #pier
[21:30] <@ann> Is the lamp lit?
[21:31] <+tom> Since four.
[21:32] * ann nods
[08:01] <+tom> Morning.""",
    "hexchat": """\
**** BEGIN LOGGING AT Wed May 12 21:20:01 2021

May 12 21:29:00 *\ttom has joined
May 12 21:30:10 <ann>\tIs the lamp lit?
May 12 21:31:05 <tom>\tSince four.
May 12 21:32:00 *\tann nods
May 13 08:01:00 <tom>\tMorning.""",
}


@pytest.mark.parametrize("client", LOGS)
def test_names_lose_their_signs_and_what_the_client_writes_is_a_note(client: str) -> None:
    log = LOGS[client]
    assert parsed(read, log) == [("ann", "Is the lamp lit?"), ("tom", "Since four."), ("tom", "Morning.")]
    assert set(contents(read, log)) == {Content.TEXT, Content.NOTE}
    assert looks_like(log.splitlines()) == 1


@pytest.mark.parametrize("client", ["irssi", "weechat", "mirc"])
def test_the_day_is_that_of_the_heading_and_goes_on_after_midnight(client: str) -> None:
    written = [time for time in times(read, LOGS[client]) if time]
    assert written[-1] == "2021-05-13 08:01"
    assert "2021-05-12 21:30" in written


def test_a_log_without_a_day_still_has_its_nights() -> None:
    log = "[21:30:10] <ann> Is the lamp lit?\n[21:31:05] <tom> Since four.\n[08:01:00] <tom> Morning."
    first, second, third = (message.sent_at for message in read(list(enumerate(log.split("\n"), 1))))
    assert first
    assert second
    assert third
    assert (second - first).seconds == 55
    assert (third - second).total_seconds() > 10 * 3600


def test_prose_and_plays_are_no_logs() -> None:
    assert looks_like(["It was a dark night.", "21:30 was the hour.", "Ann lit the lamp."]) == 0
    assert looks_like(["ANN: Is it lit?", "TOM: Since four."]) == 0
    assert looks_like(["21:30\tAnn\tIs it lit?", "21:31\tTom\tSince four."]) == 0  # LINE's


def test_hexchat_tells_the_year_at_the_top_and_the_day_in_each_line() -> None:
    text = (
        "**** BEGIN LOGGING AT Wed May  1 21:30:00 2024\n\nMay 01 21:30:15 <ann>\tIs it lit?\n"
        "May 01 21:30:20 <tom>\tYes.\nMay 02 22:30:25 <ann>\tAnd now?\n"
    )
    assert times(read, text)[1:] == ["2024-05-01 21:30", "2024-05-01 21:30", "2024-05-02 22:30"]


def test_the_time_may_have_a_zone() -> None:
    text = "[2024-05-01T21:30:15+0000] <ann> Is it lit?\n[2024-05-01T21:30:20+0000] <tom> Yes.\n"
    assert looks_like(text.splitlines()) == 1
    assert parsed(read, text) == [("ann", "Is it lit?"), ("tom", "Yes.")]


def test_a_log_without_times_is_told_from_a_script_by_what_the_client_notes() -> None:
    text = "<ann> Is it lit?\n<@tom> Yes.\n* tom nods\n*** ida has joined\n<ann> Good.\n<tom> So: what now?\n"
    assert looks_like(text.splitlines()) == 1
    assert parsed(read, text) == [("ann", "Is it lit?"), ("tom", "Yes."), ("ann", "Good."), ("tom", "So: what now?")]
    assert looks_like(["<ANN> Is it lit?", "<TOM> Yes.", "<ANN> Good."]) == 0


def test_colours_are_no_text() -> None:
    text = (
        "[21:30] <\x0304ann\x03> \x02Lit\x02?\n[21:31] <tom> \x0304,01Since\x0f four.\n[21:32] <ann> \x02And oil?\x02"
    )
    assert looks_like(text.splitlines()) == 1
    assert parsed(read, text) == [("ann", "Lit?"), ("tom", "Since four."), ("ann", "And oil?")]
