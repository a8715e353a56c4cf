"""The formats that lines are extracted from. A format is a module with `read` and `looks_like`, and an entry here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.registry import lookup
from offbook.data.encoding import open_text
from offbook.data.extract import subtitles
from offbook.data.extract.chat_log import discord, telegram, wechat, whatsapp
from offbook.data.extract.cue import Reader
from offbook.data.extract.novel import reader
from offbook.data.extract.script import fountain, play, screenplay
from offbook.data.formats import RowError, to_conversation
from offbook.data.sources import read_rows

SAMPLE_LINES = 3000
"""So many lines at the head of a file tell its format."""


@dataclass(frozen=True, slots=True)
class Extractor:
    """A format: what it is, how it is read, and how much a text looks like it (0 … 1)."""

    what: str
    read: Reader
    looks_like: Callable[[list[str]], float]
    suffixes: tuple[str, ...] = ()
    json: bool = False


EXTRACTORS = {
    "telegram": Extractor("Telegram's result.json", telegram.read, telegram.looks_like, json=True),
    "discord": Extractor("DiscordChatExporter's JSON", discord.read, discord.looks_like, json=True),
    "whatsapp": Extractor("WhatsApp's text export", whatsapp.read, whatsapp.looks_like),
    "wechat": Extractor("QQ's text export, WeChat's through MemoTrace", wechat.read, wechat.looks_like),
    "subtitles": Extractor(
        "subtitles that name who speaks (.srt, .ass)", subtitles.read, subtitles.looks_like, (".srt", ".ass", ".ssa")
    ),
    "fountain": Extractor("Fountain and film scripts", fountain.read, fountain.looks_like, (".fountain", ".spmd")),
    "play": Extractor("plays: HAMLET. or **HAMLET** above the lines", play.read, play.looks_like),
    "screenplay": Extractor("screenplays: 角色：台词, NAME: line", screenplay.read, screenplay.looks_like),
    "novel": Extractor("novels, Chinese and English: 黛玉笑道：“…”", reader.read, reader.looks_like),
}
"""Where two formats fit as well, the one that stands first is taken: the more particular one."""


class TextFile:
    """A file's numbered lines, readable again and again without holding them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return open_text(self.path)


def choose(path: Path, format: str) -> str:
    """The name of the format: the one given, or for "auto" the one that the file looks most like.

    Raises:
        UsageError: the name is unknown, or the file looks like none: it is empty, say, or holds rows already.
    """
    if format != "auto":
        lookup(EXTRACTORS, format, "format")
        return format
    sample = [text for _, text in islice(open_text(path), SAMPLE_LINES)]
    is_json = "".join(sample[:3]).lstrip("\ufeff \t").startswith(("{", "[{", "[ {"))
    scores = {
        name: 1.0 if path.suffix.casefold() in extractor.suffixes else extractor.looks_like(sample)
        for name, extractor in EXTRACTORS.items()
        if extractor.json == is_json
    }
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < 0.05 and not any(text.strip() for text in sample):
        raise UsageError(f"{path} is empty", "Is it the right file?")
    if scores[best] < 0.05 and _holds_rows(path):
        raise UsageError(
            f"{path} holds rows already, there is nothing to extract",
            f"Train on them as they are: write them into run.yaml as data.source, or --data.source {path}",
        )
    if scores[best] < 0.05:
        raise UsageError(
            f"{path}: nobody can be seen to speak in this text",
            f"If it is one of these, say so with --format: {', '.join(EXTRACTORS)}.",
        )
    return best


def _holds_rows(path: Path) -> bool:
    """Whether a file's first row is one that can be trained on."""
    try:
        return any(to_conversation(row, origin) for origin, row in islice(read_rows(path), 1))
    except (UsageError, RowError):
        return False
