"""Conversations between people who have names: `dialogue`, a transcript, or a reply that is a whole scene.

    dialogue({"dialogue": ["Ben: Lit?", "Mara: Since four."], "character": "Mara"})

They are read from the side of the character, whose lines are the replies.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import takewhile
from typing import Any

from offbook.core.i18n import marked
from offbook.core.text import normalize
from offbook.core.types import Turn
from offbook.data.rendered_text import NO_MARKS, rendered_turns
from offbook.data.row_values import (
    PAIRS,
    ROLES,
    TEXTS,
    ColumnsError,
    LeftOut,
    RowError,
    content_of,
    list_of,
    text_of,
)
from offbook.data.sources import Row
from offbook.data.turn_lists import alternating, dialogue_turns, of_questions, speaker_of, turns_of

SPEECH = re.compile(
    r"\s*(?P<name>[^\s:：(（][^:：(（\n]{0,40}?)\s*(?:[(（](?P<manner>[^()（）\n]{1,40})[)）])?\s*[:：]\s*(?P<text>.*)",
    re.DOTALL,
)
"""A speech under its speaker's name: `Mara (thinking): He asks again.`"""
TURN_END = re.compile(r"<\|[^|<>\s]{1,40}\|>|</s>")
OF_OTHERS = marked("rows are of other characters")
SPOKEN = "speaking"
"""The manner that need not be told."""


def dialogue(row: Row) -> list[Turn]:
    """dialogue: a list of {role, text} whose roles are names (ChatHaruhi); `character` says which one is learned.

    Or a list of texts, with their speakers' names in `speakers` (SODA) or at their heads, or by two who take turns;
    or lines of `NAME: text`.
    """
    value = row.get("dialogue")
    if isinstance(value, str) and not value.lstrip().startswith(("[", "{")):
        return _lines(value, "dialogue", row.get("character"))
    listed = list_of(value, "dialogue")
    if listed and all(isinstance(line, str) for line in listed):
        return _texts(listed, row)
    if listed and all(isinstance(line, dict) and any(pair[1] in line for pair in PAIRS) for line in listed):
        return list(turns_of(listed, "dialogue"))
    return _objects(listed, row.get("character"))


def _objects(listed: list[Any], character: str | None) -> list[Turn]:
    """The turns in a list of objects that name their speakers."""
    lines = []
    listed = of_questions(listed)
    for number, line in enumerate(listed, 1):
        if not isinstance(line, dict):
            raise RowError("line {number} of its dialogue is not an object", number=number)
        content = next((line[key] for key in TEXTS if key in line), None)
        text = content_of(content, marked("the text of line {number}"), number=number)
        quoted = re.fullmatch(r"\s*「([^「」]*)」\s*", text)
        speaker = text_of(speaker_of(line), marked("the role of line {number}"), number=number)
        manner = line.get("action")
        lines.append((speaker, with_manner(quoted[1] if quoted else text, manner if isinstance(manner, str) else None)))
    if all(speaker.lower() in ROLES for speaker, _ in lines):
        heard = [{**line, "role": role, "content": text} for line, (role, text) in zip(listed, lines, strict=True)]
        return list(turns_of(heard, "dialogue", character))
    return list(dialogue_turns(lines, character))


def _texts(texts: list[str], row: Row) -> list[Turn]:
    """The turns of a dialogue whose lines are bare texts."""
    speakers = row.get("speakers")
    named = [SPEECH.fullmatch(text) for text in texts]
    if isinstance(speakers, list) and len(speakers) == len(texts) and all(isinstance(name, str) for name in speakers):
        headed = zip(speakers, texts, strict=True)
        lines = [(name, text.removeprefix(f"{name}:").strip()) for name, text in headed]
    elif all(named):
        lines = [(match["name"], with_manner(match["text"], match["manner"])) for match in named if match]
    else:
        return list(alternating([text.strip() for text in texts]))
    return list(dialogue_turns(lines, row.get("character")))


def transcript(row: Row) -> list[Turn]:
    """context: lines of `NAME：text`, or a list of {role, content}; and role, the character's name (CharacterEval)."""
    value = row.get("input")
    if isinstance(value, list) or (isinstance(value, str) and value.lstrip().startswith("[{")):
        return _objects(list_of(value, "context"), row.get("character"))
    return _lines(text_of(value, "context"), "context", row.get("character"))


def _lines(text: str, column: str, character: str | None) -> list[Turn]:
    """The turns in lines of `NAME: text`, or in a text with some format's marks."""
    if turns := rendered_turns(text):
        return turns
    if lines := _named_lines(text):
        return list(dialogue_turns(lines, character))
    raise ColumnsError(NO_MARKS, column=column)


def scene_lines(text: str, character: str | None) -> list[tuple[str, str]]:
    """Who says what in a reply that is a whole scene (Character-LLM); none where it is one person's.

    It is one where each of its turns has a name and an end mark (`Ben (speaking): Lit?<|eot|>`), or each of its lines a
    name, and the character's among them behind another's.

    Args:
        text: the reply.
        character: the character's name, if it is known.
    """
    is_marked = TURN_END.search(text) is not None
    parts = [part for part in (TURN_END.split(text) if is_marked else text.splitlines()) if part.strip()]
    speeches = [speech for part in parts if (speech := SPEECH.fullmatch(part))]
    if len(speeches) < len(parts) or len(parts) < 2:
        return []
    names = [normalize(speech["name"]) for speech in speeches]
    if not is_marked and (character is None or normalize(character) not in names[1:] or len(set(names)) < 2):
        return []
    return [(speech["name"], with_manner(speech["text"].rstrip(), speech["manner"])) for speech in speeches]


def labelled_turns(prompt: str, reply: str, character: str | None) -> list[Turn]:
    """The turns of a prompt in lines of `NAME: text` and of the reply to it, which bear their speakers' names.

    Args:
        prompt: its last line may be the bare name of who answers; then the system prompt may stand above the lines.
        reply: what is answered; after the answerer's name, unless that stands at the prompt's end.
        character: the character's name, if it is known.

    Returns:
        None of them where the prompt is no such text: a colon alone does not make a name of what stands before it.

    Raises:
        LeftOut: somebody else answers the character.
    """
    above = "\n".join(takewhile(lambda line: not SPEECH.fullmatch(line), prompt.splitlines()))
    *lines, last = _named_lines(prompt.removeprefix(above)) or [("", "")]
    labelled = SPEECH.fullmatch(reply)
    is_open = bool(last[0]) and not last[1].strip()
    lines = lines if is_open else [*lines, last]
    answerer = last[0] if is_open else labelled["name"] if labelled else ""
    if not answerer or not lines or (above.strip() and not is_open):
        return []
    are_asking = all(ROLES.get(name.lower()) == "user" for name, _ in lines if name != answerer)
    is_of_others = not _is(answerer, character) and any(_is(name, character) for name, _ in lines)
    is_known = _is(answerer, character) or ROLES.get(answerer.lower()) == "assistant" or answerer in dict(lines)
    if not (
        are_asking or (is_known and len(lines) > 1) or (is_open and (is_known or is_of_others or not above.strip()))
    ):
        return []
    if is_of_others:
        raise LeftOut(OF_OTHERS)
    if labelled and normalize(labelled["name"]) == normalize(answerer):
        reply = with_manner(labelled["text"], labelled["manner"])
    return [
        Turn("system", above.strip()),
        *dialogue_turns([*lines, (answerer, reply.strip() if is_open else reply)], answerer),
    ]


def _is(name: str, character: str | None) -> bool:
    return character is not None and normalize(name) == normalize(character)


def with_manner(text: str, manner: str | None) -> str:
    """What is said or thought, with how, unless it is simply spoken."""
    manner = (manner or SPOKEN).strip("()（） ")
    return text if manner in ("", SPOKEN) else f"({manner}) {text}"


def _named_lines(text: str) -> list[tuple[str, str]]:
    """Who says what in lines of `NAME: text`; a line without a name goes on with the one above.

    What stands before a colon and has a space in it is a name where it stands there twice, or where all lines have one.
    """
    parts = [part for part in text.splitlines() if part.strip()]
    speeches = [SPEECH.fullmatch(part) for part in parts]
    heads = Counter(speech["name"] for speech in speeches if speech)
    lines: list[tuple[str, str]] = []
    for part, speech in zip(parts, speeches, strict=True):
        if speech and (" " not in speech["name"] or heads[speech["name"]] > 1 or all(speeches)):
            lines.append((speech["name"], with_manner(speech["text"].rstrip(), speech["manner"])))
        elif lines:
            lines[-1] = (lines[-1][0], f"{lines[-1][1]}\n{part.strip()}".lstrip())
    return lines
