"""Rows of data sets that hold no one conversation are refused by their names."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.data.loading import ReadingOptions, load

MESSAGES = [{"role": "user", "content": "Lit?"}, {"role": "assistant", "content": "Since four."}]
LEAF = {"text": "Since four.", "role": "assistant", "replies": []}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"message_tree_id": "1", "prompt": {"text": "Lit?", "role": "prompter", "replies": [LEAF]}}, "OpenAssistant"),
        ({"message_id": "2", "parent_id": "1", "text": "Since four.", "role": "assistant"}, "OpenAssistant"),
        ({"conversation_a": MESSAGES, "conversation_b": MESSAGES, "winner": "model_b"}, "winner names as messages"),
        ({"prompt": "Lit?", "response_a": "Yes.", "response_b": "No.", "winner_model_a": 1}, "chosen"),
        ({"history": "Lit?", "human_ref_A": "Yes.", "human_ref_B": "No.", "labels": 1}, "SHP"),
        ({"meta_instruction": "M.", "chat": {"turn_1": {"Human": "Lit?", "MOSS": "Since four."}}}, "MOSS"),
        ({"segments": [{"label": False, "text": "Lit?"}, {"label": True, "text": "Yes."}]}, "Axolotl"),
        ({"context": "It is lit.", "question": "Lit?", "answers": {"text": ["lit"], "answer_start": [6]}}, "SQuAD"),
        ({"title": "x", "paragraphs": [{"context": "It is lit.", "qas": []}]}, "SQuAD"),
        ({"id": "line:1", "text": "Mara: Lit.", "file": "a.yarn", "node": "A", "lineNumber": "3"}, "Yarn Spinner"),
        ({"dialogue_id": "1", "services": [], "turns": {"speaker": [0, 1], "utterance": ["Lit?", "Yes."]}}, "MultiWOZ"),
        ({"question": {"full_text": "Lit?"}, "answer_0": "Yes.", "answer_1": "No.", "score_0": 1}, "WebGPT"),
        ({"context": MESSAGES[:1], "response1": "Yes.", "response2": "No.", "overall_preference": -1}, "HelpSteer3"),
        ({"personality": ["I keep a light."], "utterances": [{"candidates": ["Yes."], "history": []}]}, "PersonaChat"),
        ({"personality": ["I keep a light."], "history": ["Lit?"], "candidates": ["No.", "Yes."]}, "PersonaChat"),
        ({"user 1 personas": "A", "user 2 personas": "B", "Best Generated Conversation": "x"}, "PersonaChat"),
        ({"role_1": "Keeper", "specified_task": "x", "message_1": "Lit?", "message_2": "Since four."}, "CAMEL"),
        ({"book": "x", "plot": {}, "conversations": [{"scenario": "x", "dialogues": []}]}, "CoSER"),
        ({"tag": "greeting", "patterns": ["Hi"], "responses": ["Hello."]}, "a row for each pattern"),
        ({"id": 1, "data": {"prompt": "Lit?"}, "annotations": []}, "Label Studio"),
        ({"fields": {"prompt": "Lit?"}, "responses": {}}, "Argilla"),
        ({"messages": MESSAGES, "positive_messages": [MESSAGES]}, "embeddings or ranking"),
        ({"instruction": "Lit?", "completions": [{"response": "Yes."}]}, "UltraFeedback"),
        ({"prompt": "Lit?", "answers": [{"answer": "Yes.", "rank": 1}], "num_responses": 1}, "Nectar"),
        ({"custom_id": "1", "response": {"status_code": 200, "body": {"choices": []}}}, "OpenAI's batches"),
        (MESSAGES[0], "one message of a conversation"),
        ({"name": "Mara", "first_mes": "Lit?", "mes_example": "<START>"}, "character card"),
    ],
)
def test_the_error_names_the_kind_and_what_to_do(row: dict[str, Any], expected: str, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps(row) + "\n", "utf-8")
    with pytest.raises(UsageError, match=expected):
        load([rows])


def test_columns_that_the_user_names_are_read(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"history": "Lit?", "human_ref_A": "Yes.", "human_ref_B": "No."}) + "\n", "utf-8")
    columns = {"prompt": "history", "reply": "human_ref_A", "ignore": "human_ref_B"}
    assert load([rows], options=ReadingOptions(columns)).conversations[0].replies == ("Yes.",)


def test_pairs_of_qianfan_in_one_line_and_calls_of_functions_are_read(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    pair = [[{"prompt": "Lit?", "response": [["Since four."]]}]]
    rows.write_text(f"{json.dumps(pair)}\n{json.dumps(pair)}\n", "utf-8")
    assert [row.replies for row in load([rows]).conversations] == [("Since four.",)] * 2
    call = {"role": "assistant", "content": None, "function_call": {"name": "stove", "arguments": "{}"}}
    rows.write_text(json.dumps({"messages": [MESSAGES[0], call, MESSAGES[1]]}) + "\n", "utf-8")
    assert load([rows]).conversations[0].replies == ("Since four.",)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"title": "x", "mapping": {}}, "a chat that ChatGPT exports"),
        ({"uuid": "x", "name": "", "chat_messages": []}, "a chat that Claude exports"),
        ({"user_name": "Ben", "character_name": "Mara", "create_date": "x"}, "a chat of SillyTavern's"),
        ({"name": "Ann", "messages": [{"from": "Ann", "text": "Lit?", "date_unixtime": "1"}]}, "a messenger exports"),
        ({"speaker": "Ann", "text": "Lit?"}, "one line of a conversation, with who says it"),
    ],
)
def test_a_chat_is_for_extract(tmp_path: Path, row: dict[str, Any], expected: str) -> None:
    path = tmp_path / "chat.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(UsageError, match=rf"(?s){expected}.*extract \S*chat\.jsonl --list"):
        load([path], options=ReadingOptions(character="Ann"))


def test_lines_without_what_they_answer_are_told(tmp_path: Path) -> None:
    path = tmp_path / "lines.json"
    path.write_text(json.dumps({"name": "Mara", "lines": ["Since four.", "No."]}))
    with pytest.raises(UsageError, match="somebody's lines without what they answer"):
        load([path])


def test_a_column_with_the_characters_name_is_pointed_out(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("scene,Ben,Mara\n1,Lit?,Since four.\n")
    with pytest.raises(UsageError, match="its column 'Mara' bears the character's name"):
        load([path], options=ReadingOptions(character="Mara"))
