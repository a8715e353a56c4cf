"""From rows to conversations: what a row of each format means, and why a row is refused."""

import csv
import json
import time
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbook.core.errors import UsageError
from offbook.core.types import Conversation, Origin, Turn
from offbook.data.column_names import CANONICAL, SYNONYMS
from offbook.data.formats import FORMATS
from offbook.data.loading import ReadingOptions, load, to_conversation
from offbook.data.row_values import PAIRS, WEIGHTS, LeftOut, RowError
from tests.paths import shared_file

HERE = Origin("lines.jsonl", 7)


def messages(row: dict[str, Any], format: str | None = None) -> list[tuple[str, str]]:
    conversation = to_conversation(row, HERE, FORMATS[format] if format else None)
    return [(turn.role[0], turn.text) for turn in conversation.turns]


def write(folder: Path, rows: list[dict[str, Any]], name: str = "lines.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


CHAT = [
    ("s", "Be Hamlet."),
    ("u", "Who's there?"),
    ("a", "Nay, answer me."),
    ("u", "Long live!"),
    ("a", "Bernardo?"),
]


@pytest.mark.parametrize(
    "row",
    [
        {
            "system": "Be Hamlet.",
            "history": [["Who's there?", "Nay, answer me."]],
            "instruction": "Long live!",
            "output": "Bernardo?",
        },
        {
            "conversations": [
                {"from": "system", "value": "Be Hamlet."},
                {"from": "human", "value": "Who's there?"},
                {"from": "gpt", "value": "Nay, answer me."},
                {"from": "USER", "value": "Long live!"},
                {"from": "bard", "value": "Bernardo?"},
            ]
        },
        {
            "messages": [
                {"role": "developer", "content": "Be Hamlet."},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "Who's "}, {"type": "text", "text": "there?"}],
                },
                {"role": "assistant", "content": "Nay, answer me."},
                {"role": "user", "content": "Long live!"},
                {"role": "assistant", "content": "Bernardo?"},
            ]
        },
    ],
    ids=["alpaca", "sharegpt", "messages"],
)
def test_three_formats_tell_themselves_apart(row: Any) -> None:
    assert messages(row) == CHAT
    system_outside: dict[str, Any] = {"system": "Be Hamlet.", "messages": [{"role": "user", "content": "a"}]}
    system_outside["messages"].append({"role": "assistant", "content": "b"})
    assert messages(system_outside) == [("s", "Be Hamlet."), ("u", "a"), ("a", "b")]


@pytest.mark.parametrize("user", ["human", "user", "Human", "observation", "tool"])
@pytest.mark.parametrize("reply", ["gpt", "assistant", "chatgpt", "bing", "bard", "model", "Chatbot"])
def test_every_spelling_of_a_role(user: Any, reply: Any) -> None:
    turns = [{"from": user, "value": "a"}, {"from": reply, "value": "b"}]
    assert messages({"conversations": turns}) == [("u", "a"), ("a", "b")]


def test_input_follows_the_instruction_on_a_new_line() -> None:
    assert messages({"instruction": "Translate.", "input": "To be", "output": "Sein"})[0] == (
        "u",
        "Translate.\nTo be",
    )
    assert messages({"instruction": "Speak.", "input": None, "output": "Sein"})[0] == ("u", "Speak.")


def test_texts_are_taken_as_they_stand() -> None:
    assert messages({"instruction": " a ", "output": " b\n"}) == [("u", " a "), ("a", " b\n")]


def test_the_character_may_open_the_scene() -> None:
    conversation = to_conversation({"instruction": "", "output": "Who's there?"}, HERE)
    assert conversation == Conversation((Turn("assistant", "Who's there?"),), HERE)
    assert conversation.prompt == ""


def test_turns_of_one_speaker_are_joined() -> None:
    turns = [
        ("user", "a"),
        ("user", "b"),
        ("user", " "),
        ("assistant", "c"),
        ("user", ""),
        ("assistant", "d"),
    ]
    row = {"messages": [{"role": role, "content": text} for role, text in turns]}
    assert messages(row) == [("u", "a\nb"), ("a", "c\nd")]


def test_a_cell_of_a_table_may_hold_turns(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["conversations", "scene"])
        table.writerow([json.dumps([{"from": "human", "value": "a,\nb"}, {"from": "gpt", "value": "c"}]), "III.1"])
    (only,) = load([path]).conversations
    assert only == Conversation((Turn("user", "a,\nb"), Turn("assistant", "c")), Origin(str(path), 2, "III.1"))


def test_scenes_of_two_files_are_two_scenes() -> None:
    def scene(source: object) -> str | None:
        return to_conversation({"instruction": "a", "output": "b", "source": source}, HERE).origin.scene

    assert scene({"file": "a.txt", "line": 3, "scene": "第12幕"}) == "a.txt: 第12幕"
    assert scene({"file": "b.txt", "line": 3, "scene": "第12幕"}) == "b.txt: 第12幕"
    assert scene({"file": "/home/a/b.txt", "scene": "第12幕"}) == "b.txt: 第12幕"
    assert scene({"file": r"C:\plays\b.txt", "scene": 12}) == "b.txt: 12"
    assert scene({"file": "a.txt", "line": 3, "scene": None}) is None
    assert scene("somewhere") is None


USER = {"role": "user", "content": "a"}
READ = {"role": "assistant", "content": "b", "weight": 0}


def test_a_reply_of_weight_0_is_read_and_not_learned() -> None:
    conversation = to_conversation({"messages": [USER, READ, USER, {**READ, "weight": 1}]}, HERE)
    assert [turn.weight for turn in conversation.turns] == [1, 0, 1, 1]
    assert conversation.replies == ("b",)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"instruction": "a", "output": ""}, "a reply of the character's is empty"),
        ({"instruction": "a", "output": " \n"}, "a reply of the character's is empty"),
        ({"instruction": "a"}, "none of its columns is known to be the reply"),
        ({"instruction": "a", "output": None}, "output is not text but nothing"),
        ({"instruction": 5, "output": "b"}, "instruction is not text but a number"),
        ({"instruction": "a", "output": ["b", "c"]}, "output is not text but a list"),
        ({"instruction": "a", "output": "\ud83d"}, "output holds half a character"),
        ({"instruction": "a", "output": "b", "history": "a"}, "history is text, and no JSON list in it"),
        (
            {"instruction": "a", "output": "b", "history": [["a"]]},
            "the question of history pair 1 is not text",
        ),
        ({"messages": []}, "it does not end with a reply of the character's"),
        ({"messages": [USER]}, "it does not end with a reply of the character's"),
        ({"messages": {"role": "user"}}, "messages is not a list but an object"),
        ({"messages": ["a"]}, "turn 1 is not an object but text"),
        (
            {"messages": [USER, {"role": "narrator", "content": "x"}]},
            "turn 2 is by 'narrator', known are system",
        ),
        (
            {"messages": [USER, {"role": "assistant", "content": None}]},
            "the text of turn 2 is not text but nothing",
        ),
        ({"messages": [USER, {"role": "assistant"}]}, "the text of turn 2 is not text but nothing"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]},
            "the text of turn 1 holds something other than text",
        ),
        (
            {"messages": [USER, {"role": "system", "content": "x"}]},
            "a system prompt stands in the middle of the conversation",
        ),
        (
            {"messages": [USER, READ, {"role": "assistant", "content": "c"}]},
            "of two replies in a row, one is to be learned and one is not",
        ),
        ({"messages": [USER, READ]}, "it does not end with a reply of the character's"),
        (
            {"mesages": [], "id": 1},
            "its columns (mesages, id) are those of no format (preference, messages, ",
        ),
        ({}, "its columns (none)"),
    ],
)
def test_why_a_row_is_refused(row: Any, reason: Any) -> None:
    with pytest.raises(RowError) as error:
        messages(row)
    assert str(error.value).startswith(reason)


def test_a_named_format_is_not_guessed() -> None:
    both = {"messages": [USER, {"role": "assistant", "content": "b"}], "instruction": "c", "output": "d"}
    assert messages(both, "messages") == [("u", "a"), ("a", "b")]
    assert messages(both, "alpaca") == [("u", "c"), ("a", "d")]
    with pytest.raises(RowError, match="its column 'instruction' looks like a part of the prompt"):
        messages(both)


def test_the_first_bad_row_stops_and_the_others_are_counted(tmp_path: Path) -> None:
    good, bad = {"instruction": "a", "output": "b"}, {"instruction": "a", "output": ""}
    path = write(tmp_path, [good, bad, good, bad, bad])
    with pytest.raises(UsageError) as error:
        load([path])
    assert error.value.what.startswith(f"{path}:2: a reply of the character's is empty")
    assert error.value.what.endswith("2 more rows are bad")
    assert "--data.on_error skip" in error.value.fix

    loaded = load([path], on_error="skip")
    assert [conversation.origin.line for conversation in loaded.conversations] == [1, 3]
    assert [row.origin.line for row in loaded.skipped] == [2, 4, 5]


def test_columns_may_have_chinese_names(tmp_path: Path) -> None:
    table = tmp_path / "行.csv"
    table.write_text("问题,回答\n你是谁？,我是小猫。\n", encoding="utf-8")
    assert load([table]).conversations[0].turns == (Turn("user", "你是谁？"), Turn("assistant", "我是小猫。"))
    assert messages({"指令": "说", "输入": "你好", "输出": "喵"}) == [("u", "说\n你好"), ("a", "喵")]
    with pytest.raises(RowError, match=r"two of its columns mean output \(回答, 答案\)"):
        messages({"问题": "a", "回答": "b", "答案": "c"})


def test_a_file_of_strange_columns_says_what_to_name_them(tmp_path: Path) -> None:
    path = write(tmp_path, [{"cue": "a", "says": "b"}, {"cue": "c", "says": "d"}])
    with pytest.raises(UsageError) as error:
        load([path])
    assert error.value.what.startswith(f"{path}: its columns (cue, says) are those of no format")
    assert all(name in error.value.fix for name in ("instruction", "output", "conversations", "messages"))
    assert "on_error" not in error.value.fix
    with pytest.raises(UsageError, match="A row has instruction"):
        load([path], on_error="skip")


def test_malformed_lines_are_skipped_like_bad_rows(tmp_path: Path) -> None:
    path = write(tmp_path, [{"instruction": "a", "output": "b"}])
    path.write_text(path.read_text() + '{"instruction": \n', encoding="utf-8")
    loaded = load([path], on_error="skip")
    assert len(loaded.conversations) == 1
    assert str(loaded.skipped[0]).startswith(f"{path}:2: column 17: expecting value")


def test_no_usable_row(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no usable row in"):
        load([write(tmp_path, [])])
    with pytest.raises(UsageError, match=r"the first: .*lines\.jsonl:1: none of its columns is known to be"):
        load([write(tmp_path, [{"instruction": "a"}])], on_error="skip")


def test_an_unknown_format_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown data format 'sharegtp', did you mean 'sharegpt'"):
        load([write(tmp_path, [])], format="sharegtp")


def test_several_files_in_order(tmp_path: Path) -> None:
    first = write(tmp_path, [{"instruction": "a", "output": "1"}], "b.jsonl")
    second = write(tmp_path, [{"instruction": "a", "output": "2"}], "a.jsonl")
    loaded = load([first, second])
    assert [conversation.replies for conversation in loaded.conversations] == [("1",), ("2",)]


def test_the_tutorials_rows() -> None:
    path = shared_file("data/huanhuan.json")
    loaded = load([path])
    rows = json.loads(path.read_text(encoding="utf-8"))
    assert len(loaded.conversations) == 3729
    assert [(c.prompt, *c.replies) for c in loaded.conversations] == [(r["instruction"], r["output"]) for r in rows]


COLUMNS = ["instruction", "input", "output", "system", "history", "messages", "conversations", "source"]
KEYS = [
    "role",
    "content",
    "from",
    "value",
    "type",
    "text",
    "scene",
    "source",
    "label",
    "is_human",
    "tool_calls",
    "parts",
]
NAMES = st.sampled_from([*COLUMNS, *CANONICAL, *SYNONYMS, *WEIGHTS, *chain(*PAIRS), *KEYS])
NESTED = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["user", "Ann", "gpt"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
SPOKEN = st.lists(st.fixed_dictionaries({"role": NESTED, "content": NESTED}) | NESTED, max_size=3)
"""What is nearly a list of messages: values drawn at random hardly ever are one."""
ROWS_OF_ANY_KIND = st.dictionaries(NAMES, NESTED | SPOKEN, max_size=6)


@pytest.mark.torture
@settings(max_examples=10_000)
@given(row=ROWS_OF_ANY_KIND, format=st.sampled_from([None, *FORMATS]))
def test_21_many_rows_are_conversations_or_reasons(row: Any, format: Any) -> None:
    check_row(row, format)


@given(row=ROWS_OF_ANY_KIND, format=st.sampled_from([None, *FORMATS]))
def test_21_any_row_is_a_conversation_or_a_reason(row: Any, format: Any) -> None:
    check_row(row, format)


def check_row(row: Any, format: Any) -> None:
    try:
        conversation = to_conversation(row, HERE, FORMATS[format] if format else None)
    except RowError as error:
        assert str(error)
    else:
        assert conversation.turns[-1].role == "assistant"
        spoken = [turn.role for turn in conversation.turns if turn.role != "system"]
        assert all(first != second for first, second in pairwise(spoken))
        assert all(turn.text.strip() for turn in conversation.turns)


@pytest.mark.parametrize(
    "row",
    [
        {"Question": "Lit?", "Answer": "Yes."},
        {"user": "Lit?", "assistant": "Yes."},
        {"input": "Lit?", "target": "Yes."},
        {"user_question": "Lit?", "agent_response": "Yes.", "user_role": "Mara", "agent_role": "Tom"},
        {"role": "Tom", "question": "Lit?", "generated": ["Yes.", "Since four."]},
        {"问": "Lit?", "答": "Yes."},
        {"conversation": [{"human": "Lit?", "assistant": "Yes."}]},
        {"contents": [{"role": "user", "parts": [{"text": "Lit?"}]}, {"role": "model", "parts": [{"text": "Yes."}]}]},
        {"conversations": [{"from": "Mara", "value": "Lit?"}, {"from": "Tom", "value": "Yes."}], "character": "Tom"},
        {"input": {"messages": [{"role": "user", "content": "Lit?"}]}, "preferred_output": [{"role": "assistant",
         "content": "Yes."}], "non_preferred_output": [{"role": "assistant", "content": "No."}]},
        {"messages": [{"role": "user", "content": "Lit?"}, {"role": "assistant", "content": "Yes."}],
         "rejected_messages": [{"role": "user", "content": "Lit?"}, {"role": "assistant", "content": "No."}]},
        {"bot_name": "Tom", "bot_definitions": "Keeps the lamp.", "bot_greeting": "Ahoy.",
         "conversation": [{"message": "Lit?", "is_human": True}, {"message": "Yes.", "is_human": False}]},
    ],
)  # fmt: skip
def test_the_same_row_in_the_spelling_of_others(row: dict[str, Any]) -> None:
    assert messages(row) == [("u", "Lit?"), ("a", "Yes.")]


def test_whoever_is_not_the_character_speaks_to_it_and_is_named_where_they_are_several() -> None:
    turns = [{"from": "Mara", "value": "Lit?"}, {"from": "Ben", "value": "Well?"}, {"from": "Tom", "value": "Yes."}]
    row = {"conversations": turns, "character": "Tom"}
    assert messages(row) == [("u", "Mara: Lit?\nBen: Well?"), ("a", "Yes.")]
    with pytest.raises(RowError, match="nobody in its dialogue is called 'Ann'"):
        messages({**row, "character": "Ann"})


@pytest.mark.parametrize("column", ["background", "persona", "character_description", "人设"])
def test_a_column_that_describes_the_character_is_not_lost(column: str) -> None:
    row = {"instruction": "Lit?", "output": "Yes.", column: "Tom keeps the lamp."}
    with pytest.raises(RowError, match=f"--data.columns system={column}"):
        messages(row)
    row_of = to_conversation(row, HERE, options=ReadingOptions(columns={"system": column}))
    assert row_of.turns[0] == Turn("system", "Tom keeps the lamp.")


@pytest.mark.parametrize("key", ["loss_mask", "train_on_turn", "is_train", "with_loss"])
def test_a_reply_that_is_not_learned_in_the_spelling_of_others(key: str) -> None:
    turns = [USER, {"role": "assistant", "content": "b", key: False}, USER, {"role": "assistant", "content": "c"}]
    assert [turn.weight for turn in to_conversation({"messages": turns}, HERE).turns] == [1, 0, 1, 1]


def test_a_key_that_may_say_so_is_not_passed_over() -> None:
    with pytest.raises(RowError, match="'train_detail' may say that a reply is not learned"):
        messages({"messages": [USER, {"role": "assistant", "content": "b", "train_detail": [{"train": False}]}]})


@pytest.mark.parametrize("marks", [{"weight": 0}, {"train": False}, {"loss": "false"}, {"label": "undesirable"}])
def test_a_row_that_is_marked_as_not_to_be_learned_is_left_out(marks: dict[str, Any]) -> None:
    with pytest.raises(LeftOut):
        messages({"instruction": "Lit?", "output": "No.", **marks})


def test_marks_of_the_turns_beside_them_have_to_be_explained() -> None:
    with pytest.raises(RowError, match="its loss_mask may say which replies are not learned"):
        messages({"messages": [USER, {"role": "assistant", "content": "b"}], "loss_mask": [0, 1]})


def test_a_label_of_0_has_to_be_explained() -> None:
    row = {"prompt": "Lit?", "completion": "No.", "label": 0}
    with pytest.raises(RowError, match=r"--data\.columns ignore=label"):
        messages(row)
    assert to_conversation(row, HERE, options=ReadingOptions(columns={"ignore": "label"})).turns[-1].text == "No."


def test_a_tool_s_call_is_left_out_in_either_spelling() -> None:
    calls = [
        {"from": "human", "value": "Rain?"},
        {"from": "function_call", "value": '{"name": "weather"}'},
        {"from": "observation", "value": "Rain at nine."},
        {"from": "gpt", "value": "At nine."},
    ]
    assert messages({"conversations": calls}) == [("u", "Rain?\nRain at nine."), ("a", "At nine.")]


def test_the_error_names_the_columns_of_the_file_alone() -> None:
    with pytest.raises(RowError, match=r"its columns \(words\) are") as error:
        to_conversation({"words": "a"}, Origin("x", 1), options=ReadingOptions(character="Tom"))
    assert "did you mean" not in str(error.value)


def test_a_table_of_very_many_columns_is_refused_soon(tmp_path: Path) -> None:
    """Looking for twins and for misspelt names among all of them took minutes."""
    names = [f"column{number}" for number in range(60_000)]
    (tmp_path / "wide.csv").write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    began = time.process_time()
    with pytest.raises(UsageError, match="are those of no format"):
        load([tmp_path / "wide.csv"])
    assert time.process_time() - began < 5


@pytest.mark.parametrize("reply", ["TODO", "[TBD]", "待补充", "（待定）", "same as above."])
def test_a_reply_that_nobody_has_written_yet(reply: str) -> None:
    with pytest.raises(RowError, match="not written yet"):
        messages({"prompt": "Lit?", "reply": reply})
    assert messages({"prompt": "Lit?", "reply": f"{reply} I can't say."})


@pytest.mark.parametrize("prompt", ["<image>\nLit?", "<|image_pad|>Lit?"])
def test_a_row_about_a_picture_is_left_out(prompt: str) -> None:
    with pytest.raises(LeftOut, match="a picture"):
        messages({"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": "Yes."}]})


@pytest.mark.parametrize("column", ["corrected_answer", "final answer", "better reply", "修改后回答", "润色"])
def test_a_reply_in_a_better_version_is_not_lost(column: str) -> None:
    row = {"prompt": "Lit?", "answer": "Yes", column: "Since four."}
    with pytest.raises(RowError, match="better version"):
        messages(row)
    chosen = to_conversation(row, HERE, options=ReadingOptions(columns={"reply": column}))
    assert chosen.turns[-1].text == "Since four."
    assert messages({**row, column: ""})[-1] == ("a", "Yes")


def test_messages_that_were_turned_down_or_deleted() -> None:
    talk = [
        {"role": "user", "content": "Lit?"},
        {"role": "assistant", "content": "No.", "deleted": True},
        {"role": "assistant", "content": "Since four.", "feedback": "thumbs_down"},
        {"role": "user", "content": "Oil?"},
        {"role": "assistant", "content": "Half a can.", "feedback": "good", "deleted": False},
    ]
    turns = to_conversation({"messages": talk}, HERE).turns
    assert [(turn.text, turn.weight) for turn in turns[1::2]] == [("Since four.", 0), ("Half a can.", 1)]
