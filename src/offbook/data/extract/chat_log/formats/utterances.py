"""JSON in which objects hold a speaker and a text: speech recognition that tells speakers apart, dialogues of games.

{"segments": [{"start": 0.0, "end": 1.2, "text": " Is the lamp lit?", "speaker": "SPEAKER_00"}, …]}   WhisperX
{"utterances": [{"speaker": "A", "text": "Is the lamp lit?", "words": […]}, …]}   AssemblyAI; Deepgram likewise
{"pier": {"lines": [{"speaker": "Mara", "text": "Is the lamp lit?"}, …]}}   a game

Flat lists of such objects are tables (`table.py`). Each list, and each object of objects, is a conversation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from offbook.data.extract.chat_log.json_stream import JsonText
from offbook.data.extract.chat_log.lines import is_json
from offbook.data.extract.chat_log.message import ChatFormat, Message
from offbook.data.extract.cue import Lines
from offbook.data.extract.script.speech import join

SPEAKER = (
    "speaker_name", "speakername", "speaker", "speaker_label", "speaker_id", "speakerid", "character", "character_name",
    "actor", "talker", "说话人", "说话者", "角色", "話者",
)  # fmt: skip
TEXT = (
    "text", "transcript", "line", "dialogue", "utterance", "content", "message", "sentence", "raw_text", "台词", "对白",
    "内容", "文本", "セリフ",
)  # fmt: skip
TIMED = frozenset(["start", "start_time", "starttime", "start_ms", "begin", "offset"])
"""What is spoken has a beginning in time; its pieces end where the speaker drew breath."""
OF_WORDS = frozenset(["words", "tokens", "items", "word_segments"])
"""Lists of single words beside the sentences that they make up."""
NAME = ("displayname", "display_name", "name", "full_name", "fullname", "名字", "姓名")
"""What a person is called, in an object that an identifier tells apart: Articy's entities, a list of actors."""
FEWEST = 2


def _keys(names: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf'(?i)"(?:{"|".join(map(re.escape, names))})"\s*:\s*["\d]')


TALK = re.compile(r'"type"\s*:\s*"talk"')
SPEAKER_KEY, TEXT_KEY = _keys(SPEAKER), _keys(TEXT)


class _Utterance(NamedTuple):
    """What one object holds."""

    conversation: str
    """The place of the list, or of the object of objects, that it stands in."""
    speaker: str
    text: str
    is_timed: bool


class _Nested(NamedTuple):
    """A value within the file, and where it stands."""

    value: Any
    place: str
    container: str
    """The place of what holds it."""
    conversation: str
    """The conversation of the utterance that holds it, if one does."""


def read(lines: Lines) -> Iterator[Message]:
    """The messages of all objects that hold a speaker and a text, in their order.

    Raises:
        ParseError: the JSON is malformed.
    """
    text = JsonText(lines)
    for (conversation, speaker, is_timed), group in groupby(_utterances(text.value), key=_turn):
        texts = [each.text for each in group]
        for parts in [texts] if is_timed else [[each] for each in texts]:
            words = join([part.strip() for part in parts], wrapped=True)
            yield Message(speaker, words, text.line_of(parts[0]), chat=conversation)


def _turn(utterance: _Utterance) -> tuple[str, str, bool]:
    return utterance.conversation, utterance.speaker, utterance.is_timed


def _utterances(root: Any) -> Iterator[_Utterance]:
    """The utterances within a value, in their order."""
    people = _people(root)
    nested = [_Nested(root, "", "", "")]
    while nested:
        value, place, container, conversation = nested.pop()
        if isinstance(value, dict):
            fields = {re.sub(r"[\s-]+", "_", str(key).casefold()): item for key, item in value.items()}
            speaker, text = _first(fields, SPEAKER), _first(fields, TEXT)
            if fields.get("type") == "talk":  # {"type": "talk", "name": "Mara", "body": "Lit?"}, as Bestdori has it
                speaker, text = _first(fields, ("name",)), _first(fields, ("body",))
            if speaker and text:
                conversation = conversation or container
                name = people.get(speaker) or (f"Speaker {speaker}" if speaker.isdigit() else " ".join(speaker.split()))
                yield _Utterance(conversation, name, text, not TIMED.isdisjoint(fields))
            children = [(f".{key}", item) for key, item in value.items() if str(key).casefold() not in OF_WORDS]
        elif isinstance(value, list):
            children = [(f" {number}", item) for number, item in enumerate(value, 1)]
        else:
            continue
        inner = [_Nested(item, (place + step).strip(". "), place, conversation) for step, item in children]
        nested.extend(reversed(inner))


def _people(root: Any) -> dict[str, str]:
    """The names of those whom the utterances name by identifiers, from the objects that hold both."""
    people: dict[str, str] = {}
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            fields = {str(key).casefold(): item for key, item in value.items()}
            identity, name = fields.get("id"), _first(fields, NAME)
            if isinstance(identity, str | int) and name and not (_first(fields, SPEAKER) and _first(fields, TEXT)):
                people.setdefault(str(identity), " ".join(name.split()))
            waiting.extend(reversed(list(value.values())))
        elif isinstance(value, list):
            waiting.extend(reversed(value))
    return people


def _first(fields: dict[str, Any], names: Sequence[str]) -> str:
    """The first field of those names that holds a text, or a number."""
    values = (fields[name] for name in names if isinstance(fields.get(name), str | int))
    return next((str(value) for value in values if str(value).strip()), "")


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like JSON of utterances: 0 or a little, since exports of chats hold such fields, too."""
    text = "\n".join(sample)
    keys = min(len(pattern.findall(text)) for pattern in (SPEAKER_KEY, TEXT_KEY))
    is_one = is_json(sample) and max(keys, len(TALK.findall(text))) >= FEWEST
    return 0.2 if is_one else 0.0


FORMAT = ChatFormat(
    "utterances", "JSON with a speaker and a text in each object", read, looks_like, is_json=True, is_text=False
)
