"""Messages into turns and conversations."""

from typing import Any

import pytest

from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.chat_log.turns import Pauses, to_cues
from offbook.data.extract.cue import Cue, Skipped
from tests.data.extract.chat_log.chats import message


def turns(messages: Any, **pauses: Any) -> Any:
    """(sender, text, number of its conversation) of each turn."""
    scenes: list[str | None] = []
    result = []
    for item in to_cues(messages, Pauses(**pauses)):
        if isinstance(item, Cue):
            scenes += [item.scene] if item.scene not in scenes else []
            result.append((item.speaker, item.text, scenes.index(item.scene) + 1))
    return result


def test_a_burst_is_one_turn() -> None:
    talk = [message("A", "hey", 0), message("A", "you up?", 0.5), message("B", "yes", 1), message("B", "why", 2.9)]
    assert turns(talk) == [("A", "hey\nyou up?", 1), ("B", "yes\nwhy", 1)]


def test_messages_further_apart_are_turns_of_their_own_in_one_conversation() -> None:
    talk = [message("A", "hey", 0), message("A", "hello?", 2.1), message("B", "yes", 60)]
    assert turns(talk) == [("A", "hey", 1), ("A", "hello?", 1), ("B", "yes", 1)]
    assert turns(talk, burst=3) == [("A", "hey\nhello?", 1), ("B", "yes", 1)]


def test_a_message_of_another_s_ends_a_burst_even_if_it_holds_no_text() -> None:
    talk = [message("A", "look", 0), message("B", "", 0.2, Content.STICKER), message("A", "well?", 0.5)]
    assert turns(talk) == [("A", "look", 1), ("A", "well?", 1)]


def test_a_note_of_the_app_ends_no_burst() -> None:
    talk = [message("A", "look", 0), message("", "A changed the topic", 0.2, Content.NOTE), message("A", "well?", 0.5)]
    assert turns(talk) == [("A", "look\nwell?", 1)]


def test_silence_begins_a_conversation() -> None:
    talk = [message("A", "bye", 0), message("B", "hi again", 181)]
    assert turns(talk) == [("A", "bye", 1), ("B", "hi again", 2)]
    assert turns(talk, silence=200) == [("A", "bye", 1), ("B", "hi again", 1)]


def test_silence_counts_from_the_last_message_of_any_kind() -> None:
    talk = [message("A", "bye", 0), message("B", "", 100, Content.STICKER), message("B", "hi", 250)]
    assert [number for _, _, number in turns(talk)] == [1, 1]


def test_a_sticker_after_a_silence_does_not_hide_it() -> None:
    talk = [message("A", "bye", 0), message("B", "", 300, Content.STICKER), message("B", "hi", 301)]
    assert [number for _, _, number in turns(talk)] == [1, 2]


@pytest.mark.parametrize("content", [Content.STICKER, Content.DELETED, Content.NOTE, Content.FORWARDED])
def test_what_nobody_answers_is_passed_over(content: Content) -> None:
    talk = [message("A", "where?", 0), message("A", "x", 0.5, content), message("B", "here", 1)]
    assert turns(talk) == [("A", "where?", 1), ("B", "here", 1)]


def test_the_answer_to_a_picture_begins_a_conversation() -> None:
    talk = [message("A", "where?", 0), message("A", "", 1, Content.MEDIA), message("B", "pretty", 2)]
    assert turns(talk) == [("A", "where?", 1), ("B", "pretty", 2)]


def test_a_picture_with_words_after_it_is_answered_as_words() -> None:
    talk = [message("A", "", 0, Content.MEDIA), message("A", "my garden", 1), message("B", "pretty", 2)]
    assert turns(talk) == [("A", "my garden", 1), ("B", "pretty", 1)]


def test_a_call_begins_a_conversation_whoever_writes_next() -> None:
    talk = [message("A", "call me", 0), message("A", "", 1, Content.CALL), message("A", "so, tomorrow", 2)]
    assert turns(talk) == [("A", "call me", 1), ("A", "so, tomorrow", 2)]


def test_another_chat_is_another_conversation() -> None:
    talk = [message("A", "one", 0, chat="x"), message("B", "two", 0.1, chat="y"), message("A", "three", 0.2, chat="x")]
    assert [number for _, _, number in turns(talk)] == [1, 2, 3]


def test_a_reply_to_another_message_is_a_turn_of_its_own() -> None:
    talk = [message("A", "x?", 0), message("B", "1", 1, reply_to="7"), message("B", "2", 1.1, reply_to="8")]
    talk += [message("B", "and", 1.2)]
    assert turns(talk)[1:] == [("B", "1", 1), ("B", "2\nand", 1)]


def test_without_times_only_another_sender_ends_a_turn() -> None:
    talk = [message(sender, text) for sender, text in (("A", "1"), ("A", "2"), ("B", "3"))]
    assert turns(talk) == [("A", "1\n2", 1), ("B", "3", 1)]


def test_what_is_left_out_says_why_and_where() -> None:
    items = list(to_cues([message("A", "", 4, Content.MEDIA), message("A", "  ", 5)]))
    assert items == [Skipped("picture, voice message or file", "A", 5), Skipped("note of the app", "A", 6)]


def test_a_turn_keeps_the_ids_of_its_messages() -> None:
    (cue,) = to_cues([message("A", "1", 0, id="x"), message("A", "2", 0.1, id="y", mentions=("B",))])
    assert isinstance(cue, Cue)
    assert cue.envelope
    assert cue.envelope.ids == ("x", "y")
    assert cue.envelope.mentions == ("B",)


def test_what_a_model_thinks_is_not_said() -> None:
    texts = [
        "<think>Who is it?</think>\n\nWelcome.",
        "Who is it?\n</think>Hello. <thinking>Hm</thinking>Sit.",
        "I </3 you",
    ]
    cues = to_cues([message(name, text, at) for at, (name, text) in enumerate(zip("ABC", texts, strict=True))])
    assert [cue.text for cue in cues if isinstance(cue, Cue)] == ["Welcome.", "Hello. Sit.", "I </3 you"]


def test_marks_of_writing_direction_are_no_part_of_a_name() -> None:
    assert turns([message("\u2068Ægir\u2069", "hey", 0), message("Ægir", "you up?", 0.5)]) == [
        ("Ægir", "hey\nyou up?", 1)
    ]


def test_quoted_lines_that_were_written_before_are_not_learned_again() -> None:
    talk = [
        message("A", "is it lit\nor not?", 0),
        message("B", "> is it lit\n> or not?\nit is", 1),
        message("A", "> be me\nlight the lamp", 2),
    ]
    assert [text for _, text, _ in turns(talk)] == ["is it lit\nor not?", "it is", "> be me\nlight the lamp"]


@pytest.mark.parametrize("quotation", ["> 安娜：灯亮了吗？\n", "> 安娜\n> 灯亮了吗？\n\n", "> 灯亮了…\n"])
def test_who_is_quoted_may_be_named(quotation: str) -> None:
    talk = [message("安娜", "灯亮了吗？", 0), message("汤姆", f"{quotation}四点就亮了", 1)]
    assert turns(talk)[1] == ("汤姆", "四点就亮了", 1)


def test_a_name_alone_behind_the_mark_is_no_quotation() -> None:
    talk = [message("Ann", "Who is it?", 0), message("Tom", "> Ann\nis next", 1)]
    assert turns(talk)[1] == ("Tom", "> Ann\nis next", 1)
