"""Rows that are understood and not learned."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.core.types import Origin
from offbook.data.loading import ReadingOptions, load, to_conversation
from offbook.data.row_values import ColumnsError, LeftOut
from tests.data.test_loading import write

HERE = Origin("lines.jsonl", 7)
PAIR = {"instruction": "Lit?", "output": "Since four."}


@pytest.mark.parametrize("column", ["character", "role", "role_name", "character_name", "角色", "角色名称"])
def test_rows_of_other_characters_are_left_out_and_counted(tmp_path: Path, column: str) -> None:
    rows = [{**PAIR, column: name} for name in ("Mara", "Ben", "mara")]
    loaded = load([write(tmp_path, rows)], options=ReadingOptions(character="Mara"))
    assert [row.origin.line for row in loaded.conversations] == [1, 3]
    assert loaded.left_out == {"rows are of other characters": 1}


@pytest.mark.parametrize("mark", [{"split": "test"}, {"subset": "Validation"}, {"数据集": "测试集"}, {"划分": "验证"}])
def test_rows_of_a_part_that_is_for_a_test_are_left_out_and_counted(tmp_path: Path, mark: dict[str, str]) -> None:
    column = next(iter(mark))
    loaded = load([write(tmp_path, [{**PAIR, **mark}, {**PAIR, column: "train"}, {**PAIR, column: "conv_ai"}])])
    assert [row.origin.line for row in loaded.conversations] == [2, 3]
    assert loaded.left_out == {"rows are held back for a test": 1}


def test_rows_for_a_test_alone_are_read(tmp_path: Path) -> None:
    assert len(load([write(tmp_path, [{**PAIR, "split": "test"}] * 2)]).conversations) == 2


def test_one_name_for_all_rows_may_be_another_one_of_the_characters(tmp_path: Path) -> None:
    loaded = load([write(tmp_path, [{**PAIR, "role": "Mara Orr"}] * 2)], options=ReadingOptions(character="Mara"))
    assert len(loaded.conversations) == 2


def test_rows_of_several_characters_of_whom_none_is_meant_are_refused(tmp_path: Path) -> None:
    rows = [{**PAIR, "role": name} for name in ("Mara", "Ben")]
    with pytest.raises(UsageError, match=r"2 characters \(Mara, Ben…\), and none is called 'Tom'"):
        load([write(tmp_path, rows)], options=ReadingOptions(character="Tom"))
    prompts = [{**row, "system": f"You are {row['role']}."} for row in rows]
    assert len(load([write(tmp_path, prompts)], options=ReadingOptions(character="Tom")).conversations) == 2


THREE = ("Mara", "Ben", "Mara", "Ben")


@pytest.mark.parametrize("column", ["character", "role", "bot_name", "角色"])
def test_several_characters_are_not_learned_as_one(tmp_path: Path, column: str) -> None:
    path = write(tmp_path, [{**PAIR, column: name} for name in THREE])
    with pytest.raises(UsageError, match=rf"2 characters \({column}: Mara, Ben…\)\n.* ignore={column}"):
        load([path])
    assert len(load([path], options=ReadingOptions(columns={"ignore": column})).conversations) == 4
    everybody = load([path], options=ReadingOptions(of_anybody=True))
    assert everybody.characters == list(THREE)


@pytest.mark.parametrize(
    ("rows", "column"),
    [
        ([{**PAIR, "meta": {"character": name, "era": "old"}} for name in THREE], "meta"),
        ([{**PAIR, "info": {"角色": name}} for name in THREE], "info"),
        ([{**PAIR, "characters": [name]} for name in THREE], "characters"),
    ],
)
def test_names_within_a_column_are_characters_too(tmp_path: Path, rows: list[Any], column: str) -> None:
    path = write(tmp_path, rows)
    with pytest.raises(UsageError, match=rf"2 characters \({column}: Mara, Ben…\)\n.* ignore={column}"):
        load([path])
    loaded = load([path], options=ReadingOptions(character="Mara"))
    assert [row.origin.line for row in loaded.conversations] == [1, 3]
    assert len(load([path], options=ReadingOptions(columns={"ignore": column})).conversations) == 4


def test_who_answers_may_be_named_within_a_column(tmp_path: Path) -> None:
    path = write(tmp_path, [{**PAIR, "meta": {"speaker": name}} for name in THREE])
    with pytest.raises(UsageError, match=r"'meta.speaker' names 2 people .*\n.* character=meta.speaker"):
        load([path])
    options = ReadingOptions(columns={"character": "meta.speaker"}, character="Ben")
    assert [row.origin.line for row in load([path], options=options).conversations] == [2, 4]
    models = write(tmp_path, [{**PAIR, "model": {"name": name}} for name in THREE])
    assert len(load([models]).conversations) == 4


def test_a_folder_with_a_file_for_each_character_is_not_learned_as_one(tmp_path: Path) -> None:
    for name in ("Mara", "Ben"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(PAIR), encoding="utf-8")
    with pytest.raises(UsageError, match=r"Mara.jsonl bears the character's name, .*: Ben.jsonl\n"):
        load([tmp_path], options=ReadingOptions(character="Mara"))
    assert len(load([tmp_path], options=ReadingOptions(character="Tom")).conversations) == 2
    (tmp_path / "Ben.jsonl").rename(tmp_path / "mara_2.jsonl")
    assert len(load([tmp_path], options=ReadingOptions(character="Mara")).conversations) == 2


def test_files_whose_rows_name_their_characters_may_lie_side_by_side(tmp_path: Path) -> None:
    for name in ("Mara", "Ben"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({**PAIR, "role": name}), encoding="utf-8")
    loaded = load([tmp_path], options=ReadingOptions(character="Mara"))
    assert loaded.left_out == {"rows are of other characters": 1}


def test_one_system_prompt_does_not_tell_characters_apart(tmp_path: Path) -> None:
    rows = [{**PAIR, "role": name, "system": "Stay in character."} for name in THREE]
    with pytest.raises(UsageError, match="2 characters"):
        load([write(tmp_path, rows)])
    prompts = [{**row, "system": f"You are {row['role']}."} for row in rows]
    assert len(load([write(tmp_path, prompts)]).conversations) == 4


@pytest.mark.parametrize("column", ["name", "Speaker", "responder", "说话人"])
def test_a_column_that_may_name_who_answers_has_to_be_explained(tmp_path: Path, column: str) -> None:
    path = write(tmp_path, [{**PAIR, column: name} for name in THREE])
    for character in (None, "Mara"):
        with pytest.raises(UsageError, match=rf"'{column}' names 2 people \(Mara, Ben…\)"):
            load([path], options=ReadingOptions(character=character))
    mapped = load([path], options=ReadingOptions(columns={"character": column}, character="Mara"))
    assert [row.origin.line for row in mapped.conversations] == [1, 3]
    assert len(load([path], options=ReadingOptions(columns={"ignore": column})).conversations) == 4
    assert len(load([path], options=ReadingOptions(character="Tom")).conversations) == 4


@pytest.mark.parametrize(
    "names", [("Ann", "Tom", "Kit", "Lee"), ("user", "assistant", "user", "assistant"), ("x",) * 4]
)
def test_a_column_of_names_that_tells_no_characters_is_no_matter(tmp_path: Path, names: tuple[str, ...]) -> None:
    rows = [{**PAIR, "name": name} for name in names]
    assert len(load([write(tmp_path, rows)]).conversations) == 4


@pytest.mark.parametrize("column", ["by", "answered_by", "author", "npc_1"])
def test_a_column_in_which_the_character_recurs_beside_others_has_to_be_explained(tmp_path: Path, column: str) -> None:
    path = write(tmp_path, [{**PAIR, column: name} for name in THREE])
    with pytest.raises(UsageError, match=rf"'{column}' names 2 people \(Mara, Ben…\)"):
        load([path], options=ReadingOptions(character="Mara"))
    assert len(load([path]).conversations) == 4
    once = [{**PAIR, "translation": text} for text in ("Mara", "So it is.", "No.", "Half a can.")]
    assert len(load([write(tmp_path, once)], options=ReadingOptions(character="Mara")).conversations) == 4


@pytest.mark.parametrize("empty", ["", "  ", None])
def test_rows_below_a_character_s_name_are_not_taken_for_another_s(tmp_path: Path, empty: str | None) -> None:
    rows = [{**PAIR, "character": name} for name in ("Mara", empty, "Ben", empty)]
    with pytest.raises(
        UsageError, match=r"2 rows have nothing in the column 'character'.*\nWrite the character's name"
    ):
        load([write(tmp_path, rows)], options=ReadingOptions(character="Mara"))
    assert len(load([write(tmp_path, rows[:2])], options=ReadingOptions(character="Mara")).conversations) == 2
    of_anybody = [{**PAIR, "character": "Mara"}, PAIR, {**PAIR, "character": "Ben"}]
    assert len(load([write(tmp_path, of_anybody)], options=ReadingOptions(character="Mara")).conversations) == 2


def test_rows_under_names_in_an_object_have_to_be_explained(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"Mara": PAIR, "Ben": {**PAIR, "output": "No."}}))
    for character in (None, "Mara", "Tom"):
        with pytest.raises(UsageError, match=r"under 2 names \(Mara, Ben…\)[^\n]*\n.* character=object_key"):
            load([path], options=ReadingOptions(character=character))
    mapped = load([path], options=ReadingOptions(columns={"character": "object_key"}, character="Ben"))
    assert [row.turns[-1].text for row in mapped.conversations] == ["No."]
    assert len(load([path], options=ReadingOptions(columns={"ignore": "object_key"})).conversations) == 2


def test_rows_under_ids_in_an_object_are_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"talk-a1": PAIR, "talk-b7": PAIR}))
    assert len(load([path], options=ReadingOptions(character="Mara")).conversations) == 2


def test_messages_in_the_cells_of_a_table_name_their_characters_too(tmp_path: Path) -> None:
    cells = [json.dumps([{"role": "assistant", "name": name, "content": "Aye."}]) for name in ("Mara", "Ben")]
    path = tmp_path / "rows.csv"
    path.write_text("messages\n" + "".join('"{}"\n'.format(cell.replace('"', '""')) for cell in cells))
    with pytest.raises(UsageError, match=r"2 characters \(name: Mara, Ben\)"):
        load([path])
    assert load([path], options=ReadingOptions(character="Ben")).left_out == {"rows are of other characters": 1}


@pytest.mark.parametrize(
    "mark",
    [
        {"accepted": False}, {"is_good": 0}, {"is_good": "0"}, {"chosen": "False"}, {"liked": False}, {"deleted": True},
        {"is_deleted": 1}, {"rejected": True}, {"skip": "true"}, {"keep": "no"}, {"keep": "0"}, {"use": 0},
        {"is_correct": False}, {"valid": "FALSE"}, {"thumbs_up": False}, {"delete": "1"}, {"是否采用": "否"},
        {"采纳": "否"}, {"合格": "0"}, {"删除": "是"}, {"状态": "已删除"}, {"审核结果": "不通过"},
        {"feedback": "thumbs-down"},
        {"feedback": "negative"}, {"user_feedback": "👎"}, {"status": "Rejected"}, {"quality": "bad"}, {"rating": -1},
        {"loss_scale": 0.0}, {"weight": "0"}, {"sample_weight": 0}, {"is_ok": "no"}, {"启用": "否"},
        {"enabled": "FALSE"}, {"user feedback": "dislike"},
        {"rating": [{"user_id": "a", "value": 1, "status": "discarded"}]},
        {"train": "0"}, {"answer.responses.status": ["discarded"]},
    ],
)  # fmt: skip
def test_what_somebody_turned_down_is_left_out(mark: dict[str, Any]) -> None:
    with pytest.raises(LeftOut, match="not to be learned"):
        to_conversation({**PAIR, **mark}, HERE)


@pytest.mark.parametrize(
    "mark",
    [
        {"accepted": True}, {"deleted": False}, {"is_good": 1}, {"like": 0}, {"bad": ""}, {"chosen_index": 0},
        {"loss": 0}, {"thumbs_down": 1},
        {"x.responses.status": ["submitted", "discarded"]}, {"是否采用": "是"}, {"删除": ""}, {"status": "ready"},
        {"quality": "good"}, {"rating": 0}, {"label": "positive"}, {"label": "joy"}, {"loss_scale": 1},
    ],
)  # fmt: skip
def test_what_nobody_turned_down_is_learned(mark: dict[str, Any]) -> None:
    assert to_conversation({**PAIR, **mark}, HERE).replies == ("Since four.",)


@pytest.mark.parametrize("label", ["否", "no", "reject", "thumbs_down", "👎", "不合格"])
def test_a_label_that_says_no_in_a_word_turns_an_answer_down(label: str) -> None:
    with pytest.raises(LeftOut, match="marked as bad answers"):
        to_conversation({**PAIR, "label": label}, HERE)


@pytest.mark.parametrize("label", ["negative", "差", -1, 0.0, "0"])
def test_a_label_that_may_turn_an_answer_down_has_to_be_explained(label: Any) -> None:
    with pytest.raises(ColumnsError, match=f"its label is {label}, which may mark a bad answer"):
        to_conversation({**PAIR, "label": label}, HERE)


@pytest.mark.parametrize("weight", [0.5, "0.25"])
def test_a_weight_between_is_not_overlooked(weight: Any) -> None:
    with pytest.raises(ColumnsError, match=rf"its weight is {weight}: .* ignore=weight"):
        to_conversation({**PAIR, "weight": weight}, HERE)
    assert to_conversation({**PAIR, "loss": weight}, HERE).replies == ("Since four.",)


def test_an_answer_of_a_pair_may_be_yes_or_no() -> None:
    pair = {"prompt": "Lit?", "chosen": "No", "rejected": "Yes"}
    assert to_conversation(pair, HERE).replies == ("No",)


def test_a_list_of_marks_for_turns_is_not_overlooked() -> None:
    with pytest.raises(ColumnsError, match="its mask may say which replies are not learned"):
        to_conversation({"messages": [{"role": "assistant", "content": "Lit."}], "mask": [0]}, HERE)


@pytest.mark.parametrize("both", [["Ben", "Mara"], "Ben, Mara", "Ben、Mara", "Ben and Mara"])
def test_who_takes_part_tells_whose_row_it_may_be(tmp_path: Path, both: Any) -> None:
    rows = write(tmp_path, [{**PAIR, "characters": cast} for cast in (both, ["Mara"], "Tom")])
    with pytest.raises(UsageError, match=r"3 characters \(characters: Ben, Mara, Mara, Tom…\)"):
        load([rows])
    of_ben = load([rows], options=ReadingOptions(character="Ben"))
    assert [row.origin.line for row in of_ben.conversations] == [1]
    assert of_ben.left_out == {"rows are of other characters": 2}
    same = write(tmp_path, [{**PAIR, "characters": both}] * 2)
    assert len(load([same]).conversations) == 2


def test_from_and_to_may_say_who_answers(tmp_path: Path) -> None:
    rows = write(tmp_path, [{**PAIR, "from": "Ben", "to": "Mara"}, {**PAIR, "from": "Mara", "to": "Ben"}])
    with pytest.raises(UsageError, match="the column 'from' names 2 people"):
        load([rows], options=ReadingOptions(character="Mara"))
    sites = write(tmp_path, [{**PAIR, "from": "a forum"}, {**PAIR, "from": "a blog"}] * 2)
    assert len(load([sites], options=ReadingOptions(character="Mara")).conversations) == 4


@pytest.mark.parametrize(
    "text", ["You are a keeper.", "a grumpy old keeper", "你是一位守塔人", "She keeps the light. Mara"]
)
def test_a_short_description_in_the_column_of_names_is_not_lost(text: str) -> None:
    with pytest.raises(ColumnsError, match=r"its column 'role' looks like a part of the prompt .* system=role"):
        to_conversation({**PAIR, "role": text}, HERE)


@pytest.mark.parametrize("name", ["Dr. Watson", "A Lady", "St. John", "The Keeper", "阿澈", "An"])
def test_a_name_is_no_description(name: str) -> None:
    assert to_conversation({**PAIR, "role": name}, HERE).replies == ("Since four.",)


@pytest.mark.parametrize("names", [("Mara", "Old Ben"), ("阿澈", "小安")])
def test_files_that_may_be_called_after_characters_are_not_learned_as_one(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    for name in names:
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(PAIR), encoding="utf-8")
    with pytest.raises(UsageError, match="may be called after the characters who answer in them"):
        load([tmp_path])
    assert len(load(sorted(tmp_path.iterdir())).conversations) == 2
    assert len(load([tmp_path], options=ReadingOptions(of_anybody=True)).conversations) == 2
