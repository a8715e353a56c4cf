r"""RPG Maker's data (MV, MZ): Map001.json, CommonEvents.json, Troops.json.

In MV plugins set the name: `\\n<Mara>Is the lamp lit?`
Source: RPG Maker MZ's event commands: 101 Show Text (its fifth parameter is the speaker's name), 401 a line of text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from offbook.data.encoding import open_text
from offbook.data.extract.document.line import BrokenDocumentError, Line, Place, narration, speech

FILE_NAME = re.compile(r"(?:Map\d{3}|CommonEvents|Troops)\.json", re.IGNORECASE)
SHOW_TEXT, TEXT_LINE = 101, 401
NAME_PLACE = 4
VARIABLE = re.compile(r"\\V\[(\d+)\]", re.IGNORECASE)
"""\\V[3]: what the game counts, put in as it is shown."""
NAME_CODE = re.compile(r"^\\[nN][a-zA-Z]?<(?P<name>[^<>]+)>")
NAME_LINE = re.compile(
    r"^(?:\\[A-Za-z]+\[\d+\])*(?:【(?P<boxed>[^【】]{1,30})】|\[(?P<square>[^\[\]\\]{1,30})\]|<(?P<angled>[^<>\\]{1,30})>"
    r"|(?<=\])(?P<coloured>[^\\:：.!?。！？]{1,30})(?=\\[cC]))[:：]?(?:\\[cC](?:\[0\])?)?[:：]?\s*$"
)
"""【Mara】 or, in a colour, \\C[6]Mara\\C[0]: a name on a line of its own above the text."""
ACTOR = re.compile(r"\\[NP]\[(\d+)\]", re.IGNORECASE)
"""\\N[2]: the name of the second actor, which stands in Actors.json."""
ACTOR_LINE = re.compile(
    r"^(?:\\C\[\d+\])*(?P<actor>\\[NP]\[\d+\])(?:\\C(?:\[\d+\])?)*\s*(?:[:：]|(?=[「“\"])|$)(?:\\C(?:\[\d+\])?)*\s*",
    re.IGNORECASE,
)
"""\\N[2] on a line of its own above the text, or before a colon or quotation marks."""
CODE = re.compile(r"\\(?:[A-Za-z]+(?:\[[^\]]*\]|<[^<>]*>)?|[.|!^{}$><\\])")
"""Colours, pauses, icons."""


def read(path: Path) -> Iterator[Line]:
    """The lines of a game's data: a speech under its speaker's name, other texts in brackets, events as headings."""
    try:
        data = json.loads("\n".join(text for _, text in open_text(path)))
    except (ValueError, RecursionError):
        raise BrokenDocumentError("it is not valid JSON", "Copy it again from the game's data folder.") from None
    spoken, actors = 0, _actors(path.parent)
    for number, (event, commands) in enumerate(_lists(data), 1):
        place: Place = {"chapter": event, "paragraph": number}
        yield from (Line(f"# {event}", place), Line("", place))
        for name, texts in _speeches(commands, actors):
            spoken += bool(name)
            yield from speech(name, texts, place) if name else narration(" ".join(texts), place)
    if not spoken:
        raise BrokenDocumentError("nobody is named in this file of RPG Maker's", "Is the dialogue in another map?")


def _lists(data: Any) -> Iterator[tuple[str, list[Any]]]:
    """Each list of commands with the name of its event."""
    events = data.get("events") if isinstance(data, dict) else data
    for event in events if isinstance(events, list) else ():
        if not isinstance(event, dict):
            continue
        pages = event.get("pages", [event])
        for page in pages if isinstance(pages, list) else ():
            if isinstance(page, dict) and isinstance(page.get("list"), list):
                yield str(event.get("name") or event.get("id") or "event"), page["list"]


def _actors(folder: Path) -> dict[str, str]:
    """The number of each actor and its name, from the Actors.json beside the maps (nobody where there is none)."""
    path = next((each for each in folder.iterdir() if each.name.casefold() == "actors.json"), None)
    try:
        data = json.loads("\n".join(text for _, text in open_text(path))) if path else []
    except (ValueError, RecursionError):
        return {}
    entries = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    return {str(entry.get("id")): str(entry["name"]) for entry in entries if entry.get("name")}


def _speeches(commands: list[Any], actors: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Each shown text: who is named, and its lines."""
    name, texts = "", list[str]()
    for command in commands:
        code = command.get("code") if isinstance(command, dict) else None
        parameters = command.get("parameters") if isinstance(command, dict) else None
        values = [str(value) for value in parameters] if isinstance(parameters, list) else []
        if code == TEXT_LINE and values:
            if not texts and not name and (named := ACTOR_LINE.match(values[0])):
                name, values[0] = _clean(_with_actors(named["actor"], actors)), values[0][named.end() :]
            values[0] = _with_actors(values[0], actors)
            if not texts and (named := NAME_CODE.match(values[0])):
                name, values[0] = _clean(named["name"]), values[0][named.end() :]
            elif not texts and not name and (named := NAME_LINE.match(values[0])):
                name, values[0] = _clean("".join(filter(None, named.groups()))), ""
            texts.append(_clean(values[0]))
            continue
        if any(texts):
            yield name, [text for text in texts if text]
        name = (
            _clean(_with_actors(values[NAME_PLACE], actors)) if code == SHOW_TEXT and len(values) > NAME_PLACE else ""
        )
        texts = []
    if any(texts):
        yield name, [text for text in texts if text]


def _with_actors(text: str, actors: dict[str, str]) -> str:
    return ACTOR.sub(lambda code: actors.get(code[1], f"Actor {code[1]}"), text)


def _clean(text: str) -> str:
    return " ".join(CODE.sub("", VARIABLE.sub(r"{{variable_\1}}", text)).split())
