"""Who speaks in the messages of a row."""

from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.core.types import Origin
from offbook.data.exclusions import belonging_of, left_out
from offbook.data.loading import ReadingOptions, to_conversation
from offbook.data.row_values import RowError
from offbook.data.turn_lists import turns_of

NOBODY = Origin("x.jsonl", 1)


def message(role: str, name: str, text: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "name": name, "content": text, **more}


def turns(*given: dict[str, Any], character: str | None = None, column: str = "messages") -> list[tuple[str, str]]:
    row = to_conversation({column: [*given]}, NOBODY, None, ReadingOptions(character=character))
    return [(turn.role, turn.text) for turn in row.turns]


ASKED = message("user", "Tom", "Lit?")
YES = message("assistant", "Mara", "Yes.")
GROUP = (
    ASKED,
    message("assistant", "Mara", "Since four."),
    message("assistant", "Ben", "No."),
    message("assistant", "Mara", "Yes."),
)


@pytest.mark.parametrize("column", ["messages", "conversations", "dialogue"])
def test_of_several_named_assistants_one_is_learned(column: str) -> None:
    group = [("user", "Tom: Lit?"), ("assistant", "Since four."), ("user", "Ben: No."), ("assistant", "Yes.")]
    assert turns(*GROUP, character="mara", column=column) == group
    with pytest.raises(RowError, match=r"between Mara, Ben: say whose replies are learned with --persona\.name"):
        turns(*GROUP, column=column)
    with pytest.raises(RowError, match=r"nobody in its dialogue is called 'Zed' .*Mara, Ben"):
        turns(*GROUP, character="Zed", column=column)


def test_the_replies_that_are_learned_tell_the_character() -> None:
    unlearned = message("assistant", "Ben", "No.", weight=0)
    assert turns(ASKED, unlearned, message("assistant", "Mara", "Yes.")) == [
        ("user", "Tom: Lit?\nBen: No."),
        ("assistant", "Yes."),
    ]


def test_several_users_keep_their_names_and_one_needs_none() -> None:
    others = (ASKED, message("user", "Ann", "Ann: Cold?"), message("tool", "stove", "4"), YES)
    assert turns(*others) == [("user", "Tom: Lit?\nAnn: Cold?\n4"), ("assistant", "Yes.")]
    assert turns(ASKED, YES, character="Maria") == [
        ("user", "Lit?"),
        ("assistant", "Yes."),
    ]
    two = (message("assistant", "Ben", "Lit?"), message("assistant", "Mara", "Yes."))
    assert turns(*two, character="Mara") == [("user", "Lit?"), ("assistant", "Yes.")]


def test_rows_of_several_named_assistants_are_told_apart() -> None:
    rows = [belonging_of({"messages": [ASKED, message("assistant", name, "Yes.")]}) for name in ("Mara", "Ben")]
    assert left_out(rows, "Mara", False) == [None, "rows are of other characters"]
    with pytest.raises(UsageError, match=r"replies are by 2 characters \(name: Mara, Ben\)"):
        left_out(rows, None, False)
    assert left_out(rows, None, True) == [None, None]  # each has its own system prompt


def test_somebody_with_a_name_beside_the_user_keeps_it() -> None:
    lines = [("human", "Lit?"), ("Mara", "Since four."), ("Ben", "And the oil?"), ("Mara", "Half a can.")]
    read = list(turns_of([{"from": name, "value": text} for name, text in lines], "conversations", "Mara"))
    assert [(turn.role, turn.text) for turn in read] == [
        ("user", "Lit?"),
        ("assistant", "Since four."),
        ("user", "Ben: And the oil?"),
        ("assistant", "Half a can."),
    ]


def test_of_several_versions_the_chosen_one_is_learned() -> None:
    swiped = {"role": "assistant", "content": "Since four.", "swipes": ["Since four.", "Since five."], "swipe_id": 1}
    assert turns({"role": "user", "content": "Lit?"}, swiped) == [("user", "Lit?"), ("assistant", "Since five.")]
    assert turns({"role": "user", "content": "Lit?"}, {**swiped, "swipe_id": 7})[1] == ("assistant", "Since four.")


def test_messages_of_sillytavern_say_who_is_the_user() -> None:
    prompt, reply = {"is_user": True, "mes": "Lit?"}, {"is_user": False, "mes": "Since four."}
    assert turns(prompt, reply) == [("user", "Lit?"), ("assistant", "Since four.")]


@pytest.mark.parametrize("kind", ["verbose", "follow_up", "function_call"])
def test_what_coze_writes_beside_answers_is_not_learned(kind: str) -> None:
    beside = {"role": "assistant", "type": kind, "content": "Ask me more?"}
    answer = {"role": "assistant", "type": "answer", "content": "Since four."}
    given = [{"role": "user", "type": "question", "content": "Lit?"}, beside, answer, beside]
    assert turns(*given) == [("user", "Lit?"), ("assistant", "Since four.")]


@pytest.mark.parametrize("mark", [{"ignore": True}, {"supervise": False}, {"is_target": 0}])
def test_what_may_say_that_a_reply_is_not_learned_has_to_be_explained(mark: dict[str, Any]) -> None:
    with pytest.raises(RowError, match="may say that a reply is not learned"):
        turns({"role": "user", "content": "Lit?"}, {"role": "assistant", "content": "Since four.", **mark})
