"""Subtitles that name who speaks: .ass with its Name column, .srt with `甄嬛：…`, `[ANN] …` or `ANN: …`.

Dialogue: 0,0:00:01.00,0:00:03.50,Default,甄嬛,0,0,0,,臣妾{\\i1}不敢{\\i0}\\N皇上恕罪
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from offbook.data.extract.cue import Cue, Lines, Scenes, Skipped
from offbook.data.extract.script.line_kinds import Row
from offbook.data.extract.script.speaker_labels import Labels, learn
from offbook.data.extract.script.speech import clean, join

PAUSE = 30.0
"""Seconds without a subtitle after which another scene begins."""

TIMES = re.compile(r"^(\d{1,2}):(\d{2}):(\d{2})[,.](\d{1,3})\s*-->")
ASS_TIME = re.compile(r"(\d+):(\d{2}):(\d{2})[.:](\d{2})")
OVERRIDE = re.compile(r"\{[^{}]*\}|<[^<>]{1,40}>")
DASH = re.compile(r"^[-–—‐]\s*(?=\S)")
LAYOUTS = ("colon", "bracket")


@dataclass(frozen=True, slots=True)
class Title:
    """One subtitle: when it begins, who is named as its speaker, its lines."""

    line: int
    start: float
    name: str
    parts: tuple[str, ...]


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The cues of subtitles. Goes through `lines` twice: once for the names, once to read."""
    labels = learn((row for title in _titles(lines) for row in _rows(title)), LAYOUTS)
    scenes, last = Scenes(), None
    for title in _titles(lines):
        if last is None or title.start - last > PAUSE:
            scenes.enter(f"{int(title.start // 3600)}:{int(title.start // 60) % 60:02}:{int(title.start) % 60:02}")
        last = title.start
        yield from _cues(title, labels, scenes.current)


def looks_like(sample: list[str]) -> float:
    """How much a text looks like subtitles: 0 or 1."""
    return float(
        sum(bool(TIMES.match(line.strip())) for line in sample) >= 2
        or any(line.startswith("[Events]") for line in sample)
        or sum(line.startswith("Dialogue:") for line in sample) >= 2
    )


def _titles(lines: Lines) -> Iterator[Title]:
    fields = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
    held: tuple[int, float, list[str]] | None = None
    for number, raw in lines:
        line = raw.strip().lstrip("\ufeff")
        if times := TIMES.match(line):
            held = number, _seconds(times, 1000), []
        elif line.startswith("Format:") and "Text" in line:
            fields = [field.strip().casefold() for field in line.removeprefix("Format:").split(",")]
        elif line.startswith("Dialogue:") and (title := _dialogue(number, line, fields)):
            yield title
        elif held and line:
            held[2].append(OVERRIDE.sub("", line).strip())
        elif held:
            yield Title(held[0], held[1], "", tuple(held[2]))
            held = None
    if held:
        yield Title(held[0], held[1], "", tuple(held[2]))


def _dialogue(number: int, line: str, fields: list[str]) -> Title | None:
    values = line.removeprefix("Dialogue:").split(",", len(fields) - 1)
    event = dict(zip(fields, values, strict=False))
    times = ASS_TIME.search(event.get("start", ""))
    if not times or "text" not in event:
        return None
    text = OVERRIDE.sub("", event["text"]).replace("\\h", " ")
    parts = tuple(part.strip() for part in re.split(r"\\[Nn]", text) if part.strip())
    return Title(number, _seconds(times, 100), event.get("name", event.get("actor", "")).strip(), parts)


def _rows(title: Title) -> Iterator[Row]:
    for part in title.parts:
        yield Row(title.line, "text", DASH.sub("", part), True)


def _cues(title: Title, labels: Labels, scene: str | None) -> Iterator[Cue | Skipped]:
    """A title is one cue, or several where its lines have names or dashes of their own."""
    speakers: tuple[str, ...] = (title.name,) if title.name else ()
    said: list[str] = []
    drafts = [(speakers, said)]
    for part in title.parts:
        text = DASH.sub("", part)
        label = labels.find(text, after_blank=True) if labels.support else None
        if label:
            speakers, said = labels.who(label)[0], [label.rest]
            drafts.append((speakers, said))
        elif text != part and said:
            speakers, said = (title.name,) if title.name else (), [text]
            drafts.append((speakers, said))
        else:
            said.append(text)
    for speakers, said in drafts:
        words, acted = clean(join(said))
        if any(char.isalnum() for char in words):
            yield Cue(speakers, words, title.line, scene, 1.0 if speakers else 0.0, acted)
        elif acted or words:
            yield Skipped("nothing said", acted or words, title.line)


def _seconds(found: re.Match[str], fraction: int) -> float:
    hours, minutes, seconds, rest = (int(group) for group in found.groups())
    return 3600 * hours + 60 * minutes + seconds + rest / fraction
