"""The shapes in which people keep rows: each says the same as a plain row."""

from typing import Any

import pytest

from offbook.core.types import Origin, Turn
from offbook.data.formats import FORMATS
from offbook.data.loading import ReadingOptions, to_conversation
from offbook.data.row_values import LeftOut, RowError
from offbook.data.sources import Row

HERE = Origin("rows.jsonl", 1)
ASK, TELL = "Where does the ferry land?", "At the old pier."
PLAIN = [("u", ASK), ("a", TELL)]


def turns(row: Row, **options: Any) -> list[tuple[str, str]]:
    return [(turn.role[0], turn.text) for turn in to_conversation(row, HERE, None, ReadingOptions(**options)).turns]


def learned(row: Row) -> list[str]:
    return list(to_conversation(row, HERE).replies)


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": ASK, "completion": TELL},
        {"prompt": [{"role": "user", "content": ASK}], "completion": [{"role": "assistant", "content": TELL}]},
        {"query": ASK, "response": TELL, "history": None},
        {"question": ASK, "answer": TELL, "id": "7"},
        {"instruction": ASK, "context": "", "response": TELL, "category": "open_qa"},
        {"prompt": ASK, "output": TELL},
        {"提示": ASK, "回复": TELL},
        {"messages": [{"user": ASK}, {"assistant": TELL}]},
        {"messages": [["user", ASK], ["assistant", TELL]]},
        {"conversations": [{"from": "Q", "value": ASK}, {"from": "A", "value": TELL}]},
        {"dialogue": [{"speaker": "问", "text": ASK}, {"speaker": "答", "text": TELL}]},
        {"text": f"Q: {ASK}\nA: {TELL}"},
        {
            "text": f"<|header_start|>user<|header_end|>\n\n{ASK}<|eot|>"
            f"<|header_start|>assistant<|header_end|>\n\n{TELL}<|eot|>"
        },
        {"prompt": f"{ASK}\n\n###\n\n", "completion": f" {TELL} END"},
        {"prompt": f"{ASK} ->", "completion": f" {TELL}\n"},
        {"prompt": f"Q: {ASK}\nA:", "completion": f" {TELL}"},
        {"使用者": ASK, "助理": TELL},
        {"問題": ASK, "回覆": TELL},
        {"source": ASK, "target": TELL},
        {"src": ASK, "tgt": TELL},
        {"instruction": ASK, "output": TELL, "source": "pier.txt"},
        {"context": ASK, "target": f"Ada:「{TELL}」"},
        {"role": "Ada", "question": ASK, "generated": [TELL], "type": "role_specific"},
        {"conversation": [{"system": "", "input": ASK, "output": TELL}]},
        {"conversation": [{"message": ASK, "is_human": True}, {"message": TELL, "is_human": False}], "bot_name": "Ada"},
        {"conversation": {"message": [ASK, TELL], "is_human": [True, False]}},
        {"conversation": [{"role": "user", "content": ASK}, {"role": "ai", "content": TELL}]},
        {"messages": [{"role": "human", "content": ASK}, {"role": "ai", "content": TELL}]},
        {"messages": [{"role": "user", "content": ASK}, {"role": "assistant", "content": TELL}], "prompt": ASK},
        {"dialogue": [{"role": "user", "text": ASK}, {"role": "assistant", "text": TELL}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "value": ASK}], "loss_weight": 0.0},
                {"role": "assistant", "content": [{"type": "text", "value": TELL}], "loss_weight": 1.0},
            ]
        },
        {"prompt": ASK, "chosen": TELL, "rejected": "No idea."},
        {"prompt": ASK, "completion": TELL, "label": True},
        {"text": f"### Human: {ASK}### Assistant: {TELL}"},
        {"text": f"<s>[INST] {ASK} [/INST] {TELL} </s>"},
        {"text": f"<|im_start|>user\n{ASK}<|im_end|>\n<|im_start|>assistant\n{TELL}<|im_end|>\n", "id": 7},
        {"text": f"<bos><start_of_turn>user\n{ASK}<end_of_turn>\n<start_of_turn>model\n{TELL}<end_of_turn>"},
        {"input": f"[|Human|] {ASK}\n[|AI|] {TELL}\n[|Human|] "},
        {"instruction": f"Human: {ASK}\nAssistant: ", "input": "", "output": TELL},
        {"prompt": f"<s>[INST] {ASK} [/INST]", "completion": f" {TELL}</s>"},
        {"dialog": [ASK, TELL]},
        {"dialog": [ASK, TELL, "Thank you."]},
        {"用户": ASK, "助手": TELL},
        {"提示词": ASK, "模型输出": TELL},
        {"ユーザー": ASK, "アシスタント": TELL},
        {"User Prompt": ASK, "Assistant Response": TELL},
        {"messages": [{"角色": "用户", "内容": ASK}, {"角色": "助手", "内容": TELL}]},
        {"对话": f"Ben：{ASK}\nAda：{TELL}", "角色": "Ada"},
        {"dialogue": f"Ben: {ASK}\r\nAda: {TELL}", "role": "Ada"},
        {"dialogue": [ASK, TELL], "speakers": ["Ben", "Ada"], "role": "Ada"},
        {"dialogue": [{"speaker": "Ben", "utterance": ASK}, {"speaker": "Ada", "utterance": TELL}], "role": "Ada"},
        {"context": f'[{{"role": "Ben", "content": "{ASK}"}}, {{"role": "Ada", "content": "{TELL}"}}]', "role": "Ada"},
    ],
)
def test_one_question_and_its_answer(row: Any) -> None:
    assert turns(row) == PLAIN


def test_a_system_prompt_may_stand_in_a_column_or_in_the_first_turn() -> None:
    system = [("s", "You are Ada."), *PLAIN]
    assert turns({"system_prompt": "You are Ada.", "prompt": ASK, "response": TELL}) == system
    assert turns({"conversation": [{"system": "You are Ada.", "input": ASK, "output": TELL}]}) == system
    assert turns({"chosen": TELL, "rejected": "No.", "question": ASK, "system": "You are Ada."}) == system


@pytest.mark.parametrize(
    "history",
    [
        [["Hello", "Mind the rope."]],
        [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Mind the rope."}],
        ["Hello", "Mind the rope."],
    ],
)
def test_history_is_pairs_or_messages(history: Any) -> None:
    row = {"instruction": ASK, "output": TELL, "history": history}
    assert turns(row) == [("u", "Hello"), ("a", "Mind the rope."), *PLAIN]


def test_a_history_of_texts_has_both_sides() -> None:
    history = ["Hello", "Mind the rope.", ASK]
    assert turns({"history": history, "response": TELL})[2:] == PLAIN
    with pytest.raises(RowError, match="who speaks first is not clear"):
        turns({"prompt": ASK, "history": history, "response": TELL})


def test_an_arrow_within_a_prompt_is_part_of_it() -> None:
    row = {"prompt": "Stairs -> lamp?", "completion": "Mind the END"}
    assert turns(row) == [("u", "Stairs -> lamp?"), ("a", "Mind the END")]


@pytest.mark.parametrize(
    ("key", "off", "on"),
    [
        ("weight", 0, 1),
        ("weight", 0.0, 1.0),
        ("loss", False, True),
        ("loss_weight", 0.0, None),
        ("train", "false", "True"),
        ("training", False, True),
        ("trainable", False, None),
        ("learn", 0, 1),
    ],
)
def test_a_reply_that_is_marked_so_is_read_and_not_learned(key: Any, off: Any, on: Any) -> None:
    given = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "As a model I greet you.", key: off},
        {"role": "user", "content": ASK},
        {"role": "assistant", "content": TELL, key: on},
    ]
    assert learned({"messages": given}) == [TELL]
    assert learned({"messages": [*given, {"role": "user", "content": "?"}, {**given[1]}]}) == [TELL]
    with pytest.raises(RowError, match=f"{key} is 0.5: known are 1 or true"):
        learned({"messages": [given[0], {**given[1], key: 0.5}]})


@pytest.mark.parametrize(
    ("row", "rejected"),
    [
        ({"prompt": ASK, "chosen": TELL, "rejected": "Somewhere."}, "Somewhere."),
        (
            {
                "prompt": ASK,
                "chosen": [{"role": "user", "content": ASK}, {"role": "assistant", "content": TELL}],
                "rejected": [{"role": "user", "content": ASK}, {"role": "assistant", "content": "Somewhere."}],
            },
            "Somewhere.",
        ),
        (
            {
                "conversations": [{"from": "human", "value": ASK}],
                "chosen": {"from": "gpt", "value": TELL},
                "rejected": {"from": "gpt", "value": "Somewhere."},
            },
            "Somewhere.",
        ),
        (
            {
                "chosen": f"\n\nHuman: {ASK}\n\nAssistant: {TELL}",
                "rejected": f"\n\nHuman: {ASK}\n\nAssistant: Somewhere.",
            },
            "Somewhere.",
        ),
        (
            {
                "messages": [{"role": "user", "content": ASK}, {"role": "assistant", "content": TELL}],
                "rejected_response": "Somewhere.",
            },
            "Somewhere.",
        ),
    ],
)
def test_of_a_preference_pair_the_chosen_reply_is_learned_and_both_are_kept(row: Any, rejected: Any) -> None:
    conversation = to_conversation(row, HERE)
    assert conversation.turns == (Turn("user", ASK), Turn("assistant", TELL))
    assert conversation.rejected == rejected


@pytest.mark.parametrize("mark", [{"label": False}, {"label": "False"}, {"kto_tag": False}])
def test_an_answer_that_is_marked_as_bad_is_left_out(mark: Any) -> None:
    with pytest.raises(LeftOut, match="marked as bad"):
        turns({"prompt": ASK, "completion": "As a model I cannot say.", **mark})


def test_a_tool_call_is_no_speech() -> None:
    call = {"type": "function", "function": {"name": "tides", "arguments": "{}"}}
    given = [
        {"role": "user", "content": "High water?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "17:40"},
        {"role": "assistant", "content": "At twenty to six."},
    ]
    assert turns({"messages": given}) == [("u", "High water?\n17:40"), ("a", "At twenty to six.")]


DIALOGUE = [
    {"role": "Ben", "text": "「Where does the ferry land?」"},
    {"role": "Ada", "text": "「At the old pier.」"},
    {"role": "Ben", "text": "Thank you."},
]


def test_a_dialogue_of_named_speakers_is_read_from_the_characters_side() -> None:
    assert turns({"dialogue": DIALOGUE}, character="ada") == PLAIN
    assert turns({"dialogue": DIALOGUE, "bot_name": "Ada"}, character="Cy") == PLAIN
    three = [DIALOGUE[0], {"role": "Cy", "text": "Tell him."}, DIALOGUE[1]]
    assert turns({"dialogue": three}, character="Ada") == [("u", f"Ben: {ASK}\nCy: Tell him."), ("a", TELL)]
    with pytest.raises(RowError, match=r"nobody in its dialogue is called 'Cy' \(it is between Ben, Ada\)"):
        turns({"dialogue": DIALOGUE}, character="Cy")


def test_what_stands_before_the_first_mark_is_the_system_prompt() -> None:
    llama = f"<s>[INST] <<SYS>>\nYou are Ada.\n<</SYS>>\n\n{ASK} [/INST] {TELL} </s>"
    llama += "<s>[INST] Thanks. [/INST] Mind the step. </s>"
    more = [("u", "Thanks."), ("a", "Mind the step.")]
    assert turns({"text": llama}) == [("s", "You are Ada."), *PLAIN, *more]
    assert turns({"text": f"You are Ada.\n\n### Instruction:\n{ASK}\n\n### Response:\n{TELL}"}) == [
        ("s", "You are Ada."),
        *PLAIN,
    ]
    google = {"role": "user", "parts": [{"text": ASK}]}, {"role": "model", "parts": [{"text": TELL}]}
    given = {"systemInstruction": {"parts": [{"text": "You are Ada."}]}, "contents": [*google]}
    assert turns(given) == [("s", "You are Ada."), *PLAIN]


def test_a_text_without_marks_is_no_conversation() -> None:
    with pytest.raises(RowError, match="its text has no marks that tell who speaks"):
        turns({"text": f"{ASK} {TELL}"})
    assert turns({"prompt": "Human: a word. Say it.", "completion": TELL}) == [
        ("u", "Human: a word. Say it."),
        PLAIN[1],
    ]


def test_a_transcript_is_read_from_the_characters_side() -> None:
    row = {
        "id": 3,
        "role": "阿岚",
        "novel_name": "渡口",
        "context": "老周：船停哪儿？\n阿岚：老码头。\n你自己去。\n老周：多谢。",
    }
    assert turns(row) == [("u", "船停哪儿？"), ("a", "老码头。\n你自己去。")]


@pytest.mark.parametrize(
    ("row", "lost"),
    [
        ({"question_asked": ASK, "output": TELL}, "question_asked"),
        ({"instruction": ASK, "output": TELL, "background_context": "Night."}, "background_context"),
        ({"cue": ASK, "reply": TELL}, "cue"),
        ({"question": ASK, "answer": TELL, "passage": "Ferries land at the old pier."}, "passage"),
        ({"instruction": ASK, "output": TELL, "character_card": "Ada keeps the ferry."}, "character_card"),
        ({"instruction": ASK, "output": TELL, "previous_turns": ["Hello.", "Hm."]}, "previous_turns"),
        ({"instruction": ASK, "output": TELL, "profile": "Ada keeps the ferry."}, "profile"),
        ({"instruction": ASK, "output": TELL, "character_profile": "Ada keeps the ferry."}, "character_profile"),
        ({"instruction": ASK, "output": TELL, "前文": "夜里有风。"}, "前文"),
        (
            {
                "messages": [{"role": "user", "content": ASK}, {"role": "assistant", "content": TELL}],
                "prompt": "Other.",
            },
            "prompt",
        ),
    ],
)
def test_a_column_that_looks_like_a_prompt_is_never_lost_silently(row: Any, lost: Any) -> None:
    with pytest.raises(RowError, match=f"its column '{lost}' looks like a part of the prompt .* --data.columns"):
        turns(row)


def test_a_part_of_a_column_is_what_the_user_says() -> None:
    row = {"q": ASK, "a": TELL, "meta": {"persona": "You are Ada.", "id": "x7"}}
    with pytest.raises(RowError, match=r"--data.columns system=meta\.persona, or leave .* ignore=meta"):
        turns(row)
    assert turns(row, columns={"system": "meta.persona"}) == [("s", "You are Ada."), ("u", ASK), ("a", TELL)]


def test_columns_are_what_the_user_says() -> None:
    row = {"q": "Where", "detail": "does the ferry land?", "a": TELL, "about": "You are Ada.", "user_notes": "x"}
    columns = {"prompt": "q+detail", "reply": "a", "system": "about", "ignore": "user_notes"}
    assert turns(row, columns=columns) == [("s", "You are Ada."), ("u", "Where\ndoes the ferry land?"), ("a", TELL)]
    with pytest.raises(RowError, match=r"it has no column 'b' \(data.columns\); it has q, "):
        turns(row, columns={"prompt": "q", "reply": "b"})
    assert (
        turns({"prompt": "Other.", "text": ASK, "output": TELL}, columns={"prompt": "text", "ignore": "prompt"})
        == PLAIN
    )


def test_every_format_has_a_description() -> None:
    assert all(format.read.__doc__ for format in FORMATS.values())


@pytest.mark.parametrize(
    ("prompt", "reply", "options"),
    [
        (f"User: {ASK}", f"Assistant: {TELL}", {}),
        (f"用户：{ASK}", f"阿澈：{TELL}", {}),
        (f"Ben: {ASK}\nAda:", f" {TELL}\n", {}),
        (f"User: {ASK}\nAda:", f"Ada: {TELL}", {"character": "Ada"}),
        (f"Question: {ASK}\nAnswer:", TELL, {}),
    ],
)
def test_names_before_what_is_said_are_no_part_of_it(prompt: str, reply: str, options: Any) -> None:
    assert turns({"prompt": prompt, "response": reply}, **options) == PLAIN


def test_a_talk_in_a_prompt_is_read_as_its_turns() -> None:
    talk = [("u", "Cold?"), ("a", "Bitterly."), *PLAIN]
    assert turns({"prompt": f"Ben: Cold?\nAda: Bitterly.\nBen: {ASK}\nAda:", "response": TELL}) == talk
    assert turns({"prompt": f"User: Cold?\nAda: Bitterly.\nUser: {ASK}", "response": f"Ada: {TELL}"}) == talk
    of_three = {"prompt": f"You are Ada.\nBen: Cold?\nTom: {ASK}\nAda:", "response": TELL}
    assert turns(of_three, character="Ada") == [("s", "You are Ada."), ("u", f"Ben: Cold?\nTom: {ASK}"), ("a", TELL)]
    with pytest.raises(LeftOut, match="other characters"):
        turns(of_three, character="Tom")


@pytest.mark.parametrize(
    ("prompt", "reply"),
    [
        ("He asked me: why?", "I told him: go."),
        ("Explain this:", TELL),
        ("A list:\n- one\n- two\nPick one:", "one"),
        ("Words: a, b\nText: c", "Sum: d"),
        ("他问：去哪？", "她说：码头。"),
    ],
)
def test_a_colon_alone_makes_no_name(prompt: str, reply: str) -> None:
    assert turns({"prompt": prompt, "response": reply}) == [("u", prompt), ("a", reply)]


def test_an_instruction_without_an_input() -> None:
    assert turns({"instruction": ASK, "input": "<noinput>", "output": TELL}) == PLAIN


@pytest.mark.parametrize("stop", [" END", "###", "\n###", " <END>"])
def test_a_stop_sequence_is_no_part_of_a_reply_whose_prompt_has_no_separator(stop: str) -> None:
    assert turns({"prompt": "Lit?", "completion": f" Since four.{stop}"}) == [("u", "Lit?"), ("a", "Since four.")]
    assert turns({"prompt": "Lit?", "completion": "It says THE END"})[1] == ("a", "It says THE END")


def test_a_context_of_texts_is_what_was_said_in_turn() -> None:
    row = {"context": ["Lit?", "Since four.", "Cold?"], "response": "No."}
    assert turns(row) == [("u", "Lit?"), ("a", "Since four."), ("u", "Cold?"), ("a", "No.")]
    with pytest.raises(RowError, match="a list of 2 texts, and who speaks first is not clear"):
        turns({**row, "context": ["Lit?", "Since four."]})


def test_what_openai_s_responses_hold_beside_the_answer_is_not_learned() -> None:
    answer = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Since four."}]}
    row = {"input": [{"role": "user", "content": "Lit?"}], "output": [{"type": "reasoning", "summary": []}, answer]}
    assert turns(row) == [("u", "Lit?"), ("a", "Since four.")]
