"""Subtitles as TTML (.ttml, .dfxp), turned into the lines of WebVTT, which the reader of subtitles takes.

Source: Timed Text Markup Language 2, W3C: times as clocks or as offsets (12.5s, 250t); `ttm:agent` says who speaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from xml.etree.ElementTree import Element

from offbook.core.i18n import translate
from offbook.data.encoding import open_text
from offbook.data.extract.document.line import Line, attribute, local, parse_xml, spaced

CLOCK = re.compile(r"(?P<hours>\d+):(?P<minutes>\d{2}):(?P<seconds>\d{2}(?:\.\d+)?)(?::(?P<frames>\d+))?")
OFFSET = re.compile(r"(?P<count>\d+(?:\.\d+)?)(?P<unit>h|m|s|ms|f|t)")
DECLARATION = re.compile(r"^\ufeff?\s*<\?xml[^>]*\?>")
"""It names the encoding of a file that is decoded by now."""


def read(path: Path) -> Iterator[Line]:
    """The subtitles, each with its time and, where the file tells it, its speaker."""
    page = " ".join(text for _, text in open_text(path))
    root = parse_xml(DECLARATION.sub("", page).encode(), translate("it"))
    names = {attribute(agent, "id"): _name(agent) for agent in root.iter() if local(agent) == "agent"}
    rates = {"t": _rate(root, "tickRate", 1), "f": _rate(root, "frameRate", 30)}
    for element in root.iter():
        element.text = "\n" if local(element) == "br" else element.text
    for body in (element for element in root.iter() if local(element) == "body"):
        yield from _subtitles(body, names, rates)


def _rate(root: Element, name: str, usual: float) -> float:
    value = attribute(root, name)
    return float(value) if value.isdecimal() and int(value) else usual


def _subtitles(body: Element, names: dict[str, str], rates: dict[str, float]) -> Iterator[Line]:
    seconds = 0.0
    for number, paragraph in enumerate((each for each in body.iter() if local(each) == "p"), 1):
        begin = next((begin for each in paragraph.iter() if (begin := attribute(each, "begin"))), "")
        seconds = _seconds(begin, rates) if begin else seconds
        clock = f"{int(seconds // 3600):02}:{int(seconds // 60) % 60:02}:{seconds % 60:06.3f}"
        for voice, texts in _voices(paragraph, names):
            for text in (f"{clock} --> {clock}", (f"<v {voice}>" if voice else "") + texts[0], *texts[1:], ""):
                yield Line(text, {"paragraph": number})


def _voices(paragraph: Element, names: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """The lines of a subtitle, by who speaks them: "" where nobody is named."""
    pieces: list[tuple[str, str]] = []
    for voice, piece in _pieces(paragraph, names, ""):
        is_blank = not piece.strip()  # it belongs to whoever spoke before it
        pieces.append((pieces[-1][0] if is_blank and pieces else voice, piece))
    for voice, spoken in groupby(pieces, itemgetter(0)):
        if texts := [text for line in "".join(piece for _, piece in spoken).split("\n") if (text := spaced(line))]:
            yield voice, texts


def _pieces(element: Element, names: dict[str, str], voice: str) -> Iterator[tuple[str, str]]:
    """The pieces of a text, each with who speaks it."""
    agents = attribute(element, "agent").split()
    voice = names.get(agents[0], "") if agents else voice
    yield voice, element.text or ""
    for child in element:
        yield from _pieces(child, names, voice)
        yield voice, child.tail or ""


def _name(agent: Element) -> str:
    """A speaker's name: that of the character before that of the actor."""
    names = [(attribute(each, "type"), spaced(each.text or "")) for each in agent.iter() if local(each) == "name"]
    return next((name for kind, name in names if kind == "alias"), names[0][1] if names else attribute(agent, "id"))


def _seconds(begin: str, rates: dict[str, float]) -> float:
    if clock := CLOCK.fullmatch(begin.strip()):
        minutes = 60 * int(clock["hours"]) + int(clock["minutes"])
        return 60 * minutes + float(clock["seconds"]) + int(clock["frames"] or 0) / rates["f"]
    if offset := OFFSET.fullmatch(begin.strip()):
        units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "f": 1 / rates["f"], "t": 1 / rates["t"]}
        return float(offset["count"]) * units[offset["unit"]]
    return 0.0
