"""Logs of game servers and their clients: what players say stands among what the program notes.

[10:17:01] [Server thread/INFO]: <ann> Is the lamp lit?         [10:17:01 INFO]: <ann> Is the lamp lit?
[10:17:01] [Render thread/INFO]: [CHAT] <ann> Is the lamp lit?   2021-05-12 10:17:01 [INFO] <ann> Is the lamp lit?
[12May2021 10:17:01.123] [Server thread/INFO] [net.minecraft.server.MinecraftServer/]: <ann> Is the lamp lit?

Those of the Source engine (Counter-Strike, Team Fortress 2, Garry's Mod):
L 05/12/2021 - 10:17:01: "ann<2><STEAM_0:1:123><CT>" say "Is the lamp lit?"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from offbook.data.extract.chat_log.lines import head, share
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import RunningClock, spelled_date
from offbook.data.extract.cue import Lines

LEVEL = r"(?i:debug|info|notice|warn|warning|error|err|critical|severe|fatal|trace)"
LINE = re.compile(
    r"^\ufeff?\[?(?:(?P<date>\d{4}-\d{2}-\d{2}|\d{1,2}[A-Z][a-z]{2}\d{4}) )?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:[.:,]\d{1,6})?\]?"
    rf"(?: ?\[(?:[^\[\]\n]{{1,60}}/)?| - [^\[\]:\n]{{1,30}}: ?| ){LEVEL}\]?(?: ?\[[^\[\]\n]{{0,80}}\])?:? (?P<rest>.*)$"
)
"""A time, what part of the program writes (perhaps), and how grave it is."""
TAGS = r"(?:\[[^\[\]\n]{1,30}\] ?)*+"
"""What a server sets before a name: [CHAT], [Not Secure], [Admin]."""
SAID = re.compile(rf"^{TAGS}<{TAGS}(?P<name>[^<>\s][^<>\n]{{0,120}})> (?P<text>.*)$")
SAID_BARE = re.compile(rf"^{TAGS}(?P<name>\w{{2,32}}) ?[:»>] (?P<text>.*)$")
"""What servers with programs of their own for chats write: [Admin] ann: Is the lamp lit?"""
PLAYER = re.compile(
    rf"^{TAGS}(?P<name>\w{{2,32}})(?:\[/[^\]\n]*\] logged in| joined the game| left the game| issued server command)"
)
SOURCE_LINE = re.compile(
    r"^\ufeff?(?:L )?(?P<date>\d{2}/\d{2}/\d{4}) - (?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:\.\d{3})?"
    r"(?:: | - )(?P<rest>.*)$"
)
SOURCE_SAID = re.compile(
    r'^"(?P<name>.{1,128}?)<\d+><(?!Console>)[^<>]*>(?:<[^<>]*>)?" say(?:_team)? "(?P<text>.*)"(?: \([^()"]*\))?$'
)
"""The account behind the name is a number or BOT; what the server's console says is no player's."""
COMMAND = re.compile(r"[!/][a-z]\w*", re.IGNORECASE)
"""What is typed for a plugin: !rank."""
FEWEST, USUAL = 2, 0.6
"""So many things said, and this share of lines with a time and a level, tell such a log."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a server's log; all that is no player's words is a note."""
    if _is_of_source(head(lines)):
        yield from _from_source(lines)
        return
    players = _players(text for _, text in lines)
    clock = RunningClock()
    for number, text in lines:
        line = LINE.match(text)
        if line and line["date"]:
            clock.begin(spelled_date(re.sub(r"([A-Z][a-z]+)", r" \1 ", line["date"]))[0])
        sent_at = clock.at(line["hour"], line["minute"], line["second"]) if line else None
        if speech := _speech(line, players):
            yield Message(speech["name"], speech["text"].strip(), number, sent_at)
        elif text.strip():
            yield Message("", text.strip(), number, sent_at, Content.NOTE)


def _is_of_source(sample: Sequence[str]) -> bool:
    return share(sample, SOURCE_LINE) >= USUAL


def _from_source(lines: Lines) -> Iterator[Message]:
    clock = RunningClock()
    for number, text in lines:
        line = SOURCE_LINE.match(text)
        if line is None:
            if text.strip():
                yield Message("", text.strip(), number, None, Content.NOTE)
            continue
        clock.begin(spelled_date(line["date"], month_first=True)[0])
        sent_at = clock.at(line["hour"], line["minute"], line["second"])
        speech = SOURCE_SAID.match(line["rest"])
        if speech and not COMMAND.match(speech["text"]):
            yield Message(speech["name"], speech["text"].strip(), number, sent_at)
        else:
            yield Message("", text.strip(), number, sent_at, Content.NOTE)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a log: 1, or 0 where names stand that are no player's: a bot may write so."""
    if _is_of_source(sample):
        return 1.0
    if share(sample, LINE) < USUAL:
        return 0.0
    players = _players(sample)
    lines = [line for text in sample if (line := LINE.match(text))]
    bare = sum(SAID_BARE.match(line["rest"]) is not None for line in lines)
    return float(sum(_speech(line, players) is not None for line in lines) >= FEWEST or 2 * bare < len(lines))


def _players(texts: Iterable[str]) -> frozenset[str]:
    """Those who are seen to come, to go or to give commands."""
    lines = (line["rest"] for text in texts if (line := LINE.match(text)))
    return frozenset(player["name"] for rest in lines if (player := PLAYER.match(rest)))


def _speech(line: re.Match[str] | None, players: frozenset[str]) -> re.Match[str] | None:
    """What a line has a player say."""
    if line is None:
        return None
    bare = SAID_BARE.match(line["rest"])
    return SAID.match(line["rest"]) or (bare if bare and bare["name"] in players else None)


FORMAT = ChatFormat("game_server", "logs of game servers (Minecraft, Source engine)", read, looks_like)
