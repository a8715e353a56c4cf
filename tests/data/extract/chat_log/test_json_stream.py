"""JSON exports, message by message."""

import json
from typing import Any

import pytest

from offbook.data.extract.chat_log import json_stream
from offbook.data.extract.chat_log.json_stream import BLOCK, read_json_lines, read_messages, string_in
from offbook.data.extract.cue import ParseError
from tests.data.extract.reading import numbered


def test_messages_are_read_through_a_window_that_they_outgrow() -> None:
    long = [{"text": "x" * BLOCK * 2}, {"text": "short"}]
    text = json.dumps({"name": "y" * BLOCK, "messages": long}, indent=1)
    read = [(line, len(item["text"])) for line, item, _ in read_messages(numbered(text))]
    assert read == [(4, BLOCK * 2), (7, 5)]


def test_every_list_of_messages_is_read_under_the_head_of_its_chat() -> None:
    chats = [{"name": name, "messages": [{"text": name}]} for name in ("one", 'two "messages": [')]
    text = json.dumps({"chats": {"list": [*chats, {"name": "empty", "messages": []}]}})
    read = [(item["text"], string_in(head, "name")) for _, item, head in read_messages(numbered(text))]
    assert read == [("one", "one"), ('two "messages": [', 'two "messages": [')]


def test_a_file_may_be_the_list() -> None:
    assert [(line, item) for line, item, _ in read_messages(numbered('[\n{"a": 1},\n{"a": 2}]'))] == [
        (2, {"a": 1}),
        (3, {"a": 2}),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"messages": [\n{"a": 1},\n{"a": ]}', 3),
        ('{"messages": [\n{"a": 1}', 2),
        ('{"messages": [\n{"a": 1},\n3]}', 3),
        ('{"messages": [\n\n' + "[" * 100000 + "]}", 3),
    ],
)
def test_a_damaged_export_names_the_line(text: str, line: int) -> None:
    with pytest.raises(ParseError) as damage:
        list(read_messages(numbered(text)))
    assert damage.value.line == line


def test_damage_does_not_draw_the_whole_file_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "LONGEST_MESSAGE", 2 * BLOCK)
    taken = 0

    def lines() -> Any:
        nonlocal taken
        yield 1, '{"messages": [{"a": ['
        for number in range(2, 100_000):
            taken += 1
            yield number, '"' + "x" * 100 + '",'

    with pytest.raises(ParseError):
        list(read_messages(lines()))
    assert taken * 100 < 10 * BLOCK


@pytest.mark.parametrize(("text", "line"), [('{"a": 1}\n\n[1]', 3), ('# note\n{"a": ', 2), ("[" * 100000, 1)])
def test_damaged_json_lines_name_the_line(text: str, line: int) -> None:
    with pytest.raises(ParseError) as damage:
        list(read_json_lines(numbered(text)))
    assert damage.value.line == line
