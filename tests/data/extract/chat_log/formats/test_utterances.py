"""JSON in which objects hold a speaker and a text: recognized speech, dialogues of games."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.data.extract import listing, stream
from offbook.data.extract.chat_log.formats.utterances import read
from tests.data.extract.reading import numbered

WHISPERX = {
    "segments": [
        {"start": 0.0, "end": 1.2, "text": " Is the lamp lit?", "speaker": "SPEAKER_00", "words": [{"word": "Is"}]},
        {"start": 1.4, "end": 2.0, "text": " Not yet. Soon, I", "speaker": "SPEAKER_01"},
        {"start": 2.4, "end": 3.0, "text": " hope.", "speaker": "SPEAKER_01"},
    ],
    "word_segments": [{"word": "Is", "start": 0.0, "speaker": "SPEAKER_00"}],
}
ASSEMBLYAI = {
    "words": [{"text": "Is", "speaker": "A", "start": 1}, {"text": "the", "speaker": "A", "start": 2}],
    "utterances": [
        {"speaker": "A", "text": "Is the lamp lit?", "start": 1, "words": [{"text": "Is", "speaker": "A", "start": 1}]},
        {"speaker": "B", "text": "Not yet. Soon, I hope.", "start": 9},
    ],
}
DEEPGRAM = {
    "results": {
        "channels": [{"alternatives": [{"transcript": "Is the lamp lit?", "words": [{"word": "is", "speaker": 0}]}]}],
        "utterances": [
            {"start": 0.1, "transcript": "Is the lamp lit?", "speaker": 0},
            {"start": 1.1, "transcript": "Not yet. Soon, I hope.", "speaker": 1},
        ],
    }
}
GAME = {
    "pier": {
        "n1": {"speaker": "Mara", "text": "Is the lamp lit?"},
        "n2": {"speaker": "Tom", "text": "Not yet. Soon, I hope.", "choices": [{"text": "Light it!"}]},
    },
    "hill": {"lines": [{"character": "Mara", "line": "So high!"}, {"character": "Tom", "line": "Come on."}]},
}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (WHISPERX, ("SPEAKER_00", "SPEAKER_01")),
        (ASSEMBLYAI, ("A", "B")),
        (DEEPGRAM, ("Speaker 0", "Speaker 1")),
        (GAME, ("Mara", "Tom")),
    ],
)
def test_who_speaks_stands_beside_the_text(tmp_path: Path, content: Any, names: tuple[str, str]) -> None:
    path = tmp_path / "pier.json"
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    assert listing([path]).formats == {str(path): "utterances"}
    first = next(iter(stream([path], names[1]).rows()))
    assert [message["content"] for message in first["messages"]] == ["Is the lamp lit?", "Not yet. Soon, I hope."]


def test_each_list_is_a_conversation() -> None:
    chats = [message.chat for message in read(numbered(json.dumps(GAME)))]
    assert chats == ["pier", "pier", "hill.lines", "hill.lines"]


def test_a_list_of_speakers_and_texts_needs_no_times(tmp_path: Path) -> None:
    path = tmp_path / "pier.json"
    path.write_text(
        '[{"name": "m1", "speaker": "Mara", "text": "Lit?"},\n{"name": "t1", "speaker": "Tom", "text": "No."}]'
    )
    assert [speaker.name for speaker in listing([path]).speakers] == ["Mara", "Tom"]


def test_identifiers_are_told_by_the_objects_that_name_them() -> None:
    story = {
        "entities": [
            {"Properties": {"Id": "0x1", "DisplayName": "Mara"}},
            {"Properties": {"Id": "0x2", "DisplayName": "Tom"}},
        ],
        "fragments": [
            {"Properties": {"Id": "0x8", "Speaker": "0x1", "Text": "Is the lamp lit?"}},
            {"Properties": {"Id": "0x9", "Speaker": "0x2", "Text": "Not yet."}},
            {"Properties": {"Id": "0xa", "Speaker": "0x3", "Text": "Who?"}},
        ],
    }
    messages = list(read(numbered(json.dumps(story))))
    assert [message.sender for message in messages] == ["Mara", "Tom", "0x3"]


def test_who_talks_in_a_story_of_actions_has_a_name_and_what_is_said_a_body() -> None:
    actions = [
        {"type": "effect", "effect": "blackIn"},
        {"type": "talk", "name": "Mara", "body": "Is the lamp lit?"},
        {"type": "talk", "name": "Tom", "body": "Not yet."},
    ]
    story = numbered(json.dumps({"background": None, "actions": actions}))
    assert [(message.sender, message.text) for message in read(story)] == [
        ("Mara", "Is the lamp lit?"),
        ("Tom", "Not yet."),
    ]
