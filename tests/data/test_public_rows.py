"""Rows as public data sets have them: read right, or refused with a sentence that says how to read them."""

from typing import Any

import pytest

from offbook.core.types import Origin
from offbook.data.loading import ReadingOptions, to_conversation
from offbook.data.row_values import ColumnsError, RowError

NOBODY = Origin("x.jsonl", 1)
LIT = [("user", "Lit?"), ("assistant", "Since four.")]
LIT_MESSAGES = [{"role": "user", "content": "Lit?"}, {"role": "assistant", "content": "Since four."}]


def turns(row: dict[str, Any], character: str | None = None) -> list[tuple[str, str]]:
    conversation = to_conversation(row, NOBODY, None, ReadingOptions(character=character))
    return [(turn.role, turn.text) for turn in conversation.turns]


@pytest.mark.parametrize(
    "row",
    [
        {"dialog": ["Lit?", "Since four."], "act": [1, 2]},
        {"utterances": ["Lit? ", "Since four.", "And the oil?"]},
        {"dialogs": [{"role": "user", "content": "Lit?"}, {"role": "assistant", "content": "Since four."}]},
        {"messages": [{"author": "user", "content": "Lit?"}, {"author": "assistant", "content": "Since four."}]},
        {"context": "Lit?", "target": "Since four.", "source": "a book"},
        {"質問": "Lit?", "応答": "Since four."},
        {"user_input": "Lit?", "ai_response": "Since four."},
        {"conversation": "User: Lit?\nAssistant: Since four."},
        {"dialogue": "Human: Lit?\nAssistant: Since four."},
        {"messages": "[{'role': 'user', 'content': 'Lit?'}, {'role': 'assistant', 'content': 'Since four.'}]"},
        {"messages": "[{'role': 'user', 'content': 'Lit?', 'id': '\\d'}, {'role': 'bot', 'content': 'Since four.'}]"},
        {"질문": "Lit?", "답변": "Since four."},
        {"Pregunta": "Lit?", "Respuesta": "Since four."},
        {"prompt": "Lit?", "chosen_response": "Since four.", "rejected_response": "No."},
        {"text": "USER: Lit? ASSISTANT: Since four.</s>"},
        {"text": "<human>: Lit?\n<bot>: Since four."},
        {"text": "<|user|>Lit?<|model|>Since four."},
        {
            "text": "<BOS_TOKEN><|START_OF_TURN_TOKEN|><|USER_TOKEN|>Lit?<|END_OF_TURN_TOKEN|>"
            "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Since four.<|END_OF_TURN_TOKEN|>"
        },
        {"text": "<｜begin▁of▁sentence｜><｜User｜>Lit?<｜Assistant｜>Since four.<｜end▁of▁sentence｜>"},
        {"model": "x", "messages": [{"role": "user", "content": "Lit?"}], "response": "Since four."},
        {"text_input": "Lit?", "output": "Since four."},
        {"id": "0", "data": ["Lit?", "Since four."]},
        {"src": ["Lit?"], "tgt": ["Since four."], "label": [1]},
        {"prompt": "Lit?", "response": [["Since four."]]},
        {"question": "Lit?", "turns": 1, "answer": "Since four."},
        {"messages": [{"prompt": "Lit?", "response": [["Since four."]]}]},
        {"title": "x", "chat": {"history": {}, "messages": [*LIT_MESSAGES], "models": ["x"]}},
        {
            "request": {"model": "x", "messages": [{"role": "user", "content": "Lit?"}]},
            "response": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Since four."}}]},
        },
        {
            "messages": [
                {"role": "user", "content": [{"type": "input_text", "text": "Lit?"}]},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "Hm."},
                        {"type": "output_text", "text": "Since four."},
                    ],
                },
            ]
        },
    ],
)
def test_two_who_talk(row: Any) -> None:
    assert turns(row) == LIT


@pytest.mark.parametrize(
    "row",
    [
        {"dialogue": ["Lit?", "Since four."], "speakers": ["Ben", "Mara"], "narrative": "x"},
        {"dialogue": ["Ben: Lit?", "Mara: Since four."]},
        {"dialogues": [{"character": "Ben", "message": "Lit?"}, {"character": "Mara", "message": "Since four."}]},
        {"messages": [{"name": "Ben", "text": "Lit?"}, {"name": "Mara", "text": "Since four."}]},
        {"conversation": [{"speaker": "Ben", "text": "Lit?"}, {"speaker": "Mara", "text": "Since four."}]},
    ],
)
def test_two_with_names(row: Any) -> None:
    assert turns(row, "Mara") == LIT
    with pytest.raises(RowError, match=r"between Ben, Mara: say whose replies are learned with --persona\.name"):
        turns(row)


def test_a_prompt_may_hold_the_whole_talk() -> None:
    row = {"instruction": "Human:Lit?\nAssistant:Since four.\nHuman: And the oil?\nAssistant:", "output": "Half a can."}
    assert turns(row) == [*LIT, ("user", "And the oil?"), ("assistant", "Half a can.")]
    assert turns({"prompt": "Human: nature\nAssistant: what?", "output": "Yes."})[0][1].startswith("Human: nature")


def test_a_system_prompt_may_be_gemini_s() -> None:
    row = {
        "systemInstruction": {"role": "system", "parts": [{"text": "You keep a light."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Lit?"}]},
            {"role": "model", "parts": [{"text": "Since four."}]},
        ],
    }
    assert turns(row) == [("system", "You keep a light."), *LIT]


def test_what_a_character_thinks_and_calls_in_gemini_s_parts_is_no_speech() -> None:
    parts = [{"text": "He asks again.", "thought": True}, {"text": "Since four.", "thoughtSignature": "Cg=="}]
    call = {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}}}]}
    question = {"role": "user", "parts": [{"text": "Lit?"}]}
    assert turns({"contents": [question, call, {"role": "model", "parts": parts}]}) == LIT


def test_a_message_for_a_tool_in_glm_4_s_rows_is_no_speech() -> None:
    call = {"role": "assistant", "metadata": "look", "content": '{"at": "stove"}'}
    reply = {"role": "assistant", "metadata": "", "content": "Since four."}
    question = {"role": "user", "content": "Lit?"}
    assert turns({"messages": [question, call, {"role": "observation", "content": "on"}, reply]}) == [
        ("user", "Lit?\non"),
        ("assistant", "Since four."),
    ]


HARMONY = (
    "<|start|>system<|message|>You are ChatGPT.\n\n# Valid channels: analysis, final.<|end|>"
    "<|start|>developer<|message|># Instructions\n\nYou keep a light.<|end|>"
    "<|start|>user<|message|>Lit?<|end|>"
)
ANSWER = (
    "<|channel|>analysis<|message|>He asks again.<|end|>"
    "<|start|>assistant<|channel|>commentary to=functions.look <|constrain|>json<|message|>{}<|call|>"
    "<|start|>assistant<|channel|>final<|message|>Since four.<|return|>"
)


@pytest.mark.parametrize(
    "row",
    [
        {"text": f"{HARMONY}<|start|>assistant{ANSWER}"},
        {"prompt": f"{HARMONY}<|start|>assistant", "completion": ANSWER},
        {
            "messages": [
                {"role": "system", "content": "You keep a light."},
                {"role": "user", "content": "Lit?"},
                {"role": "assistant", "content": ANSWER},
            ]
        },
    ],
)
def test_of_gpt_oss_s_channels_the_final_one_is_speech(row: dict[str, Any]) -> None:
    assert turns(row) == [("system", "You keep a light."), *LIT]


def test_rounds_as_chatglm_writes_them() -> None:
    talk = "[Round 1]\n\n问：生火了吗？\n\n答：四点就生了。\n\n[Round 2]\n\n问：汤姆呢？\n\n答："
    expected = [("user", "生火了吗？"), ("assistant", "四点就生了。"), ("user", "汤姆呢？"), ("assistant", "在冰上。")]
    assert turns({"text": f"{talk}在冰上。"}) == expected
    assert turns({"prompt": talk, "response": "在冰上。"}) == expected


@pytest.mark.parametrize("wrapper", ["conversation", "data", "body"])
def test_messages_may_lie_within_an_object(wrapper: str) -> None:
    messages = [{"role": "user", "content": "Lit?"}, {"role": "character", "content": "Since four."}]
    assert turns({wrapper: {"messages": messages}}) == LIT
    assert turns({"conversations": [messages]}) == LIT
    assert turns({"data": {"prompt": "Lit?", "reply": "Since four."}}) == LIT
    with pytest.raises(RowError, match="it holds 2 conversations: write each as a row of its own"):
        turns({"conversations": [messages, messages]})


def test_a_character_may_be_an_object() -> None:
    row = {"character": {"name": "Mara", "persona": "You keep a light."}, "prompt": "Lit?", "reply": "Since four."}
    with pytest.raises(RowError, match=r"'character\.persona' looks like .* system=character\.persona"):
        turns(row)


def test_the_marks_of_a_system_prompt_are_none_of_it() -> None:
    row = {"text": "<s>[SYSTEM_PROMPT]You keep a light.[/SYSTEM_PROMPT][INST]Lit?[/INST]Since four.</s>"}
    assert turns(row) == [("system", "You keep a light."), *LIT]


@pytest.mark.parametrize(
    ("row", "way"),
    [
        (
            {
                "character": "Mara has kept the light of the north wharf for thirty years now.",
                "question": "x",
                "answer": "y",
            },
            "system=character",
        ),
        ({"meta": {"bot_info": "She keeps a light."}, "prompt": "x", "response": "y"}, "system=meta"),
        (
            {
                "context": "She keeps a light.",
                "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
            },
            "system=context",
        ),
    ],
)
def test_who_the_character_is_is_not_lost(row: Any, way: str) -> None:
    with pytest.raises(RowError, match=f"would be lost: map the columns, as in --data.columns {way}"):
        turns(row)


def test_a_tool_that_a_part_of_a_message_calls() -> None:
    call = {"type": "tool_use", "id": "t", "name": "clock", "input": {}}
    talk = [
        {"role": "user", "content": "Lit?"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "04:00"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Since four."}]},
    ]
    assert turns({"messages": talk}) == [("user", "Lit?\n04:00"), LIT[1]]


def test_a_context_without_names_or_marks_says_so() -> None:
    with pytest.raises(RowError, match="its context has no marks that tell who speaks"):
        turns({"input": "Lit?", "content": "Since four."}, "Mara")


def test_a_turn_without_a_speaker_says_so() -> None:
    with pytest.raises(RowError, match="turn 1 does not say who speaks"):
        turns({"messages": [{"message": "Lit?"}, {"message": "Since four."}]})


SCENE = "Ben (speaking): Lit?<|eot|>\nMara (thinking): He asks again.<|eot|>\nMara (speaking): Since four.<|eot|>\n"


def test_a_reply_that_is_a_whole_scene_is_read_from_the_characters_side() -> None:
    row = {"prompt": "Act like Mara.\n\n", "output": f"{SCENE}Ben (speaking): Good.<|eot|>", "source": "seed_1"}
    read = [("system", "Act like Mara.\n\n"), ("user", "Lit?"), ("assistant", "(thinking) He asks again.\nSince four.")]
    assert turns(row, "Mara") == read
    with pytest.raises(RowError, match=r"between Ben, Mara: say whose replies are learned with --persona\.name"):
        turns(row)
    assert turns({"prompt": "Go on.", "output": "Ben: Lit?\nMara: Since four."}, "Mara") == [("system", "Go on."), *LIT]
    scene = "Mara Ray: A ship.\nBen Orr: Where?\nMara Ray: There."
    spoken = [("user", "Look."), ("assistant", "A ship."), ("user", "Where?"), ("assistant", "There.")]
    assert turns({"prompt": "Look.", "output": scene}, "Mara Ray") == spoken


@pytest.mark.parametrize("reply", ["Take:\nOil: a can", "Ben: it is he.", "Since four.\nNote: bring oil."])
def test_a_reply_with_colons_is_no_scene(reply: str) -> None:
    assert turns({"prompt": "Lit?", "output": reply}, "Mara") == [LIT[0], ("assistant", reply)]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Lit?", "output": "Mara: Since four."},
        {"prompt": "Lit?", "output": "Mara (speaking): Since four."},
        {"input": "[|Human|] Lit?\n[|AI|] Since four.\n[|Human|] "},
        {"conversations": [{"from": "human", "value": "Lit?"}, {"from": "gpt", "value": "Mara： Since four."}]},
        {"prompt": "Lit?", "output": "Since four.</s>"},
        {
            "dialogue": [
                {"role": "Ben", "text": "Lit?"},
                {"role": "Mara", "action": "(speaking)", "text": "Since four."},
            ]
        },
        {"dialogue": "Ben Orr: Lit?\nMara: Since four."},
        {"chosen": "Human: Lit?\n\nAssistant: Since four.", "rejected": "Human: Lit?\n\nAssistant: No."},
        {"prompt": "\n\nHuman: Lit?\n\nAssistant:", "chosen": " Since four.", "rejected": " No."},
        {
            "prompt": "<|im_start|>user\nLit?<|im_end|>\n<|im_start|>assistant\n",
            "chosen": "Since four.<|im_end|>\n",
            "rejected": "No.<|im_end|>",
        },
    ],
)
def test_a_name_before_a_reply_and_a_formats_marks_are_not_said(row: Any) -> None:
    assert turns(row, "Mara") == LIT


@pytest.mark.parametrize(
    "row",
    [
        {"conversations": [{"from": "human", "value": "Lit?"}], "response": "Since four."},
        {"conversation": [{"role": "user", "content": "Lit?"}], "output": "Since four."},
        {"history": [{"role": "user", "content": "Lit?"}], "query": "Lit?", "response": "Since four."},
        {"prompt": "Lit?", "response": "<think>\nHe asks.\n</think>\n\nSince four."},
        {"prompt": "Lit?", "response": "He asks.</think>Since four."},
    ],
)
def test_a_reply_is_found_once_and_whole(row: dict[str, Any]) -> None:
    assert turns(row) == [("user", "Lit?"), ("assistant", "Since four.")]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "Lit?"}, {"role": "assistant", "content": "Yes."}], "answer": "No."},
        {"dialogue": "Ben: Lit?\nMara: Yes.", "response": "Since four.", "character": "Mara"},
    ],
)
def test_a_reply_beside_a_conversation_is_not_lost_silently(row: dict[str, Any]) -> None:
    with pytest.raises(ColumnsError, match="looks like a reply and would be lost"):
        turns(row)


def test_a_system_prompt_that_stands_in_a_column_and_in_a_turn_is_one() -> None:
    conversation = [
        {"from": "system", "value": "Be Mara."},
        {"from": "human", "value": "Lit?"},
        {"from": "gpt", "value": "Yes."},
    ]
    expected = [("system", "Be Mara."), ("user", "Lit?"), ("assistant", "Yes.")]
    assert turns({"conversations": conversation, "system_prompt": "Be Mara."}) == expected


@pytest.mark.parametrize(
    "row",
    [
        {
            "conversations": [
                {"from": "human", "value": "Lit?"},
                {"from": "gpt", "value": '<tool_call>\n{"name": "look"}\n</tool_call>'},
                {"from": "tool", "value": "on"},
                {"from": "gpt", "value": "Since four."},
            ]
        },
        {
            "chat": 'USER: Lit?\n\n\nASSISTANT: <functioncall> {"name": "look"} <|endoftext|>\n\n\n'
            "FUNCTION RESPONSE: on\n\n\nASSISTANT: Since four. <|endoftext|>\n\n\n"
        },
    ],
)
def test_the_call_of_a_tool_in_a_text_is_no_speech(row: dict[str, Any]) -> None:
    """As Hermes and Glaive write it."""
    assert turns(row) == [("user", "Lit?\non"), ("assistant", "Since four.")]


@pytest.mark.parametrize(
    "row",
    [
        {"conversations": ["Lit?", "Since four."], "source": "forum"},
        {"玩家台词": "Lit?", "角色台词": "Since four."},
        {"用户问题": "Lit?", "标准答案": "Since four."},
        {
            "chosen_messages": [
                {"role": "user", "content": [{"type": "text", "value": "Lit?"}]},
                {"role": "assistant", "content": [{"type": "text", "value": "Since four."}]},
            ],
            "rejected_messages": [{"role": "assistant", "content": [{"type": "text", "value": "No."}]}],
        },
    ],
)
def test_further_rows_that_need_no_mapping(row: dict[str, Any]) -> None:
    """LIMA's, Chinese tables, LLaMA-Factory's newer preference pairs."""
    assert turns(row) == LIT


def test_the_system_prompt_of_an_exported_chat_is_kept() -> None:
    chat = {"params": {"system": "You are Mara."}, "messages": LIT_MESSAGES}
    assert turns({"chat": chat}) == [("system", "You are Mara."), *LIT]


def test_several_questions_and_answers_follow_one_another() -> None:
    row = {"src": ["Lit?", "Why?"], "tgt": ["Since four.", "Ask the sea."], "label": [0, 1]}
    spoken = to_conversation(row, NOBODY).turns
    assert [(turn.text, turn.weight) for turn in spoken if turn.role == "assistant"] == [
        ("Since four.", 0),
        ("Ask the sea.", 1),
    ]
    with pytest.raises(RowError, match="2 questions and 1 answers"):
        turns({**row, "tgt": ["Since four."]})


@pytest.mark.parametrize(
    "reply",
    [
        "Thought: I look.\nAction: tides\nAction Input: {}\nObservation: 4\nThought: Ah.\nFinal Answer: Since four.",
        'Thought: Done.\nAction: Finish\nAction Input: {"final_answer": "Since four."}',
        "Thought: He asks.\nAnswer: Since four.",
        "思考：他问。\n最终答案：Since four.",
    ],
)
def test_an_agents_steps_are_no_speech(reply: str) -> None:
    assert turns({"question": "Lit?", "answer": reply}) == LIT


def test_an_agents_call_is_no_speech() -> None:
    calls = ["Thought: I look.\nAction: tides\nAction Input: {}", "I look.\nAction: tides[today]"]
    called = [{"from": "gpt", "value": call} for call in calls]
    row = {"conversations": [{"from": "human", "value": "Lit?"}, *called, {"from": "gpt", "value": "Since four."}]}
    assert turns(row) == LIT


@pytest.mark.parametrize("reply", ["Thought: He asks again.\nAction: waves\nSpeech: Since four.", "Action: stay."])
def test_what_a_character_thinks_and_does_is_kept(reply: str) -> None:
    assert turns({"question": "Lit?", "answer": reply})[1] == ("assistant", reply)


@pytest.mark.parametrize("column", ["choices", "options", "hint", "选项"])
def test_what_is_chosen_from_is_not_lost(column: str) -> None:
    row = {"question": "Which burns?", column: ["oil", "stone"], "answer": "A"}
    with pytest.raises(ColumnsError, match=f"prompt=question\\+{column}"):
        turns(row)
    mapped = to_conversation(row, NOBODY, None, ReadingOptions(columns={"prompt": f"question+{column}"}))
    assert mapped.turns[0].text == "Which burns?\noil\nstone"
