"""What the character answers."""

from typing import Any

from offbook.data.extract.chat_log.exchanges import ReplyPair, exchanges
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.chat_log.turns import to_cues
from tests.data.extract.chat_log.chats import message


def pairs(messages: Any, me: str = "Me") -> Any:
    """(prompt, reply, whether a conversation begins) of each exchange."""
    items = exchanges(to_cues(messages), frozenset({me}))
    return [
        (" / ".join(cue.text for cue in item.prompt), item.reply.text, item.opens)
        for item in items
        if isinstance(item, ReplyPair)
    ]


def test_a_reply_answers_all_that_was_said_since_the_last_one() -> None:
    talk = [message("A", "hi", 0), message("A", "there?", 9), message("Me", "yes", 10), message("A", "good", 11)]
    talk += [message("Me", "so", 12)]
    assert pairs(talk) == [("hi / there?", "yes", True), ("good", "so", False)]


def test_nobody_answers_himself() -> None:
    talk = [message("A", "hi", 0), message("Me", "yes", 1), message("Me", "hello?", 20), message("A", "oh", 21)]
    talk += [message("Me", "well", 22)]
    assert pairs(talk) == [("hi", "yes", True), ("oh", "well", True)]


def test_nothing_is_answered_across_a_cut() -> None:
    talk = [message("A", "hi", 0), message("A", "", 1, Content.MEDIA), message("Me", "nice one", 2)]
    assert pairs(talk) == []


def test_a_reply_answers_the_message_that_it_names() -> None:
    talk = [
        message("A", "tea or coffee?", 0, id="1"),
        message("B", "rain again", 0.5, id="2"),
        message("Me", "tea", 1, reply_to="1"),
        message("Me", "as always", 4, reply_to="2"),
    ]
    assert pairs(talk) == [("rain again / tea or coffee?", "tea", True), ("rain again", "as always", True)]


def test_a_reply_to_a_message_of_long_ago_answers_that_one() -> None:
    talk = [message("A", "lend me your boat?", 0, id="1"), message("A", "morning", 600, id="2")]
    talk += [message("Me", "it is yours", 601, reply_to="1")]
    assert pairs(talk) == [("lend me your boat?", "it is yours", True)]


def test_a_reply_to_something_that_is_not_there_answers_what_came_before() -> None:
    talk = [message("A", "hi", 0, id="1"), message("Me", "hello", 1, reply_to="99")]
    assert pairs(talk) == [("hi", "hello", True)]


def test_in_a_group_what_is_addressed_to_the_character_is_answered() -> None:
    talk = [message("A", "@Me coming?", 0, mentions=("Me",)), message("B", "@A I am", 1, mentions=("A",))]
    talk += [message("Me", "in a minute", 2)]
    assert pairs(talk) == [("@A I am / @Me coming?", "in a minute", True)]


def test_the_same_id_in_two_chats_is_two_messages() -> None:
    talk = [message("A", "here", 0, id="1", chat="x"), message("B", "there", 1, id="1", chat="y")]
    talk += [message("Me", "ok", 2, reply_to="1", chat="y")]
    assert pairs(talk) == [("there", "ok", True)]
