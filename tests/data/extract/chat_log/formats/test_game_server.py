"""Logs of game servers."""

import pytest

from offbook.data.extract.chat_log.formats import text_log, whatsapp
from offbook.data.extract.chat_log.formats.game_server import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times

LINES = {
    "server": ("[21:29:00] [Server thread/INFO]: {}", "[21:30:10] [Async Chat Thread - #0/INFO]: {}"),
    "client": ("[21:29:00] [Render thread/INFO]: {}", "[21:30:10] [Render thread/INFO]: [CHAT] {}"),
    "forge": ("[12May2021 21:29:00.123] [Server thread/INFO] [net.minecraft.server.Server/]: {}",) * 2,
    "console": ("[21:29:00 INFO]: {}", "[21:30:10 INFO]: [Not Secure] {}"),
    "older": ("2021-05-12 21:29:00 [INFO] {}",) * 2,
    "terraria": ("2021-05-12 21:29:00 - TShock: INFO: {}",) * 2,
}
SAID = [("ann", "Is the lamp lit?"), ("tom", "Since four: look.")]


@pytest.mark.parametrize("program", LINES)
def test_players_speak_and_not_the_parts_of_the_program(program: str) -> None:
    note, chat = LINES[program]
    lines = [note.format("Preparing level: world"), note.format("ann joined the game")]
    lines += [chat.format(f"<{name}> {text}") for name, text in SAID] + [note.format("[Server] Restart in 5 minutes")]
    log = "\n".join(lines)
    assert parsed(read, log) == SAID
    assert contents(read, log).count(Content.NOTE) == 3
    assert looks_like(lines) == 1
    assert max(text_log.looks_like(lines), whatsapp.looks_like(lines)) < 1


def test_names_without_marks_are_those_of_players_who_were_seen_to_come() -> None:
    log = (
        "[21:29:00] [Server thread/INFO]: ann joined the game\n"
        "[21:29:05] [Server thread/INFO]: tom[/127.0.0.1:52111] logged in with entity id 231 at (12.5, 64.0, 8.2)\n"
        "[21:30:10] [Server thread/INFO]: [Admin] ann: Is the lamp lit?\n"
        "[21:30:15] [Server thread/INFO]: Saving: world\n"
        "[21:31:05] [Server thread/INFO]: tom » Since four.\n"
    )
    assert parsed(read, log) == [("ann", "Is the lamp lit?"), ("tom", "Since four.")]


def test_the_day_is_told_or_begins_where_the_clock_goes_back() -> None:
    forge = "[12May2021 21:29:00.123] [Server thread/INFO] [net.Server/]: <ann> Is the lamp lit?"
    assert times(read, forge) == ["2021-05-12 21:29"]
    night = "[23:59:00 INFO]: <ann> Still lit?\n[00:01:00 INFO]: <tom> Still."
    first, second = (message.sent_at for message in read(list(enumerate(night.split("\n"), 1))))
    assert first is not None
    assert second is not None
    assert (second - first).seconds == 120


def test_a_log_in_which_nobody_speaks_has_no_speakers() -> None:
    lines = [
        f"[21:29:0{second}] [Server thread/{level}]: Done" for second, level in enumerate(["INFO", "WARN", "INFO"])
    ]
    assert looks_like(lines) == 1
    assert text_log.looks_like(lines) == 0
    assert parsed(read, "\n".join(lines)) == []


def test_what_a_bot_notes_of_a_chat_is_a_log_of_texts() -> None:
    lines = [f"2021-05-12 21:3{minute}:00 [INFO] {name}: Lit." for minute, name in enumerate(["ann", "tom"] * 2)]
    assert looks_like(lines) == 0
    assert text_log.looks_like(lines) > 0


SOURCE = """\
L 05/12/2021 - 21:29:00: Log file started (file "logs/L0512000.log") (game "/srv/game") (version "6123")
L 05/12/2021 - 21:29:05: "ann <3<2><STEAM_0:1:123><>" entered the game
L 05/12/2021 - 21:30:11: "ann <3<2><STEAM_0:1:123><CT>" say "Is the lamp lit?"
L 05/12/2021 - 21:30:15: "tom<3><[U:1:4567]><TERRORIST>" say_team "Since "four"." (dead)
L 05/12/2021 - 21:30:16: "tom<3><[U:1:4567]><TERRORIST>" say "!rank"
L 05/12/2021 - 21:30:16: "tom<3><[U:1:4567]><TERRORIST>" killed "ann <3<2><STEAM_0:1:123><CT>" with "knife"
L 05/12/2021 - 21:30:20: "Console<0><Console><Console>" say "Last round"
L 05/12/2021 - 21:30:25: World triggered "Round_End"
"""


@pytest.mark.parametrize("form", ["L {}: {}", "{}.123 - {}"])
def test_of_the_source_engine_s_logs_only_what_players_say_is_said(form: str) -> None:
    log = "\n".join(form.format(line[2:23], line[25:]) for line in SOURCE.splitlines())
    assert parsed(read, log) == [("ann <3", "Is the lamp lit?"), ("tom", 'Since "four".')]
    assert contents(read, log).count(Content.NOTE) == 6
    assert times(read, log)[2] == "2021-05-12 21:30"
    assert looks_like(log.splitlines()) == 1
    assert max(text_log.looks_like(log.splitlines()), whatsapp.looks_like(log.splitlines())) < 1
