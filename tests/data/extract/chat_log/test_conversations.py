"""Exchanges into rows."""

from collections.abc import Sequence
from typing import Any

from offbook.core.types import Origin
from offbook.data.extract.chat_log.conversations import RowWriter
from offbook.data.extract.chat_log.exchanges import exchanges
from offbook.data.extract.chat_log.message import Message
from offbook.data.extract.chat_log.options import ChatOptions, estimated_tokens
from offbook.data.extract.chat_log.turns import to_cues
from offbook.data.extract.cue import Skipped
from offbook.data.extract.rows import Row
from offbook.data.loading import to_conversation
from tests.data.extract.chat_log.chats import message

TALK = [
    message(name, f"{name}{number}", minute)
    for number, (name, minute) in enumerate([(name, 3 * place) for place, name in enumerate(["A", "Me"] * 4)])
]


def rows(messages: list[Message], context: int = 0, groups: Sequence[str] = (), **options: Any) -> list[Row]:
    items = exchanges(to_cues(messages), frozenset({"Me"}))
    made = RowWriter("chat.txt", context, frozenset(groups), ChatOptions(**options)).rows(items)
    return [row for row in made if not isinstance(row, Skipped)]


def messages(row: Any) -> Any:
    return [(turn["role"][0], turn["content"], turn.get("weight", 1)) for turn in row["messages"]]


def test_a_row_for_each_reply() -> None:
    assert [messages(row) for row in rows(TALK[:4])] == [
        [("u", "A0", 1), ("a", "Me1", 1)],
        [("u", "A2", 1), ("a", "Me3", 1)],
    ]
    assert rows(TALK)[1]["source"] == {"file": "chat.txt", "line": 10, "scene": "2021-05-12 21:30"}


def test_a_row_for_each_conversation() -> None:
    (row,) = rows(TALK, whole_conversations=True)
    assert [text for _, text, _ in messages(row)] == ["A0", "Me1", "A2", "Me3", "A4", "Me5", "A6", "Me7"]
    assert row["source"]["lines"] == [4, 10, 16, 22]
    assert to_conversation(row, Origin("f", 1)).replies == ("Me1", "Me3", "Me5", "Me7")


def test_context_is_read_and_not_learned() -> None:
    *_, last = rows(TALK, context=2)
    assert [weight for role, _, weight in messages(last) if role == "a"] == [0, 0, 1]
    assert to_conversation(last, Origin("f", 1)).replies == ("Me7",)


def test_a_long_conversation_is_several_rows_and_each_reply_is_learned_once() -> None:
    made = rows(TALK, whole_conversations=True, max_turns=6)
    assert [[text for role, text, weight in messages(row) if role == "a" and weight] for row in made] == [
        ["Me1", "Me3", "Me5"],
        ["Me7"],
    ]
    with_context = rows(TALK, context=1, whole_conversations=True, max_turns=6)
    assert messages(with_context[1]) == [("u", "A4", 1), ("a", "Me5", 0), ("u", "A6", 1), ("a", "Me7", 1)]


def test_the_length_of_a_row_is_bounded() -> None:
    made = rows(TALK, whole_conversations=True, max_tokens=4)
    assert [len(row["messages"]) for row in made] == [4, 4]


def test_of_a_prompt_too_long_the_end_is_kept() -> None:
    talk = [message("A", "x" * 9, 0), message("B", "y" * 9, 1), message("Me", "ok", 2)]
    assert messages(rows(talk, max_tokens=5)[0])[0][1] == "y" * 9


def test_tokens_are_told_by_the_bytes_of_a_text() -> None:
    assert [estimated_tokens(text) for text in ("", "four" * 10, "灯亮了吗", "\ud83d")] == [1, 11, 4, 1]


def test_context_ends_where_a_conversation_begins() -> None:
    talk = [message("A", "1", 0), message("Me", "2", 1), message("A", "3", 500), message("Me", "4", 501)]
    assert messages(rows(talk, context=3)[1]) == [("u", "3", 1), ("a", "4", 1)]


def test_in_a_group_the_others_are_named() -> None:
    talk = [message("A", "hi", 0), message("阿澈", "你好", 1), message("Me", "hello", 2)]
    assert messages(rows(talk, groups=[""])[0])[0][1] == "A: hi\n阿澈：你好"
    assert messages(rows(talk)[0])[0][1] == "hi\n你好"


def test_the_system_prompt_says_whom_the_character_talks_to_and_when() -> None:
    talk = [message("Ann", "hi", 0), message("Me", "hello", 1)]
    options: dict[str, Any] = {"system": "You are Tom.", "relations": {"Ann": "sister"}, "time_of_day": True}
    (row,) = rows(talk, **options)
    assert row["messages"][0] == {
        "role": "system",
        "content": "You are Tom.\n\nYou are talking with Ann, your sister. It is Wednesday evening.",
    }
    assert rows(talk, relations={"Ben": "brother"})[0]["messages"][0]["role"] == "user"
    assert rows(talk, time_of_day=True)[0]["messages"][0]["content"] == "It is Wednesday evening."
