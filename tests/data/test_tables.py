"""Tables as spreadsheets, pandas and archives hold them: the same rows, or a sentence that says what to do."""

import bz2
import io
import json
import lzma
import tarfile
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.data.loading import ReadingOptions, load
from offbook.data.sources import data_files, read_rows

ROWS = [{"question": "Lit?", "answer": "Since four."}, {"question": "Oil?", "answer": "Half a can, sir."}]


def rows(path: Path, content: str | bytes) -> list[Any]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [row for _, row in read_rows(path)]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ('question,answer\r\nLit?,Since four.\r\n,\r\n\r\nOil?,"Half a can, sir."\r\n,\r\n', [2, 5]),
        ("sep=;\r\nquestion;answer\r\nLit?;Since four.\r\nOil?;Half a can, sir.\r\n", [3, 4]),
        ('Mara\'s lines,\n,\nquestion,answer\nLit?,Since four.\nOil?,"Half a can, sir."\n', [4, 5]),
        ('question, answer\nLit?, Since four.\nOil?, "Half a can, sir."\n', [2, 3]),
    ],
)
def test_a_table_as_a_spreadsheet_writes_it(tmp_path: Path, content: str, lines: list[int]) -> None:
    assert rows(tmp_path / "a.csv", content) == ROWS
    assert [origin.line for origin, _ in read_rows(tmp_path / "a.csv")] == lines


def test_columns_without_a_name(tmp_path: Path) -> None:
    read = rows(tmp_path / "a.csv", ",question,answer,,\n0,Lit?,Since four.,,\n")
    assert read == [{"column 1": "0", **ROWS[0], "column 4": "", "column 5": ""}]


@pytest.mark.parametrize(
    "value",
    [
        {"question": {"0": "Lit?", "1": "Oil?"}, "answer": {"0": "Since four.", "1": "Half a can, sir."}},
        {"0": ROWS[0], "1": ROWS[1]},
        {"columns": ["question", "answer"], "index": [0, 1], "data": [list(row.values()) for row in ROWS]},
        {"question": ["Lit?", "Oil?"], "answer": ["Since four.", "Half a can, sir."]},
        {"schema": {"fields": []}, "data": ROWS},
        {"train": ROWS, "test": [{"question": "Wick?", "answer": "No."}]},
    ],
)
def test_a_table_in_one_json_value(tmp_path: Path, value: Any) -> None:
    assert rows(tmp_path / "a.json", json.dumps(value)) == ROWS


def test_a_list_of_turns_is_a_row(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "Lit?"}, {"role": "assistant", "content": "Since four."}]
    expected = [{"messages": talk}, {"messages": talk}]
    assert rows(tmp_path / "a.jsonl", f"{json.dumps(talk)}\n{json.dumps(talk)}\n") == expected
    assert rows(tmp_path / "a.json", json.dumps([talk, talk], indent=2)) == expected


def test_a_file_with_one_list_of_turns_is_a_conversation(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "Lit?"}, {"role": "assistant", "content": "Since four.", "weight": 0}]
    assert rows(tmp_path / "a.json", json.dumps(talk, indent=2)) == [{"messages": talk}]
    shared = [{"from": "human", "value": "Lit?"}, {"from": "gpt", "value": "Since four."}]
    assert rows(tmp_path / "b.json", json.dumps(shared)) == [{"messages": shared}]
    table = [*talk, {"role": "Mara", "content": "Who is there?"}]  # a play's, for `extract`
    assert rows(tmp_path / "c.json", json.dumps(table)) == table
    assert rows(tmp_path / "d.json", json.dumps(talk[:1])) == talk[:1]


def test_rows_that_were_written_as_texts_and_turns_as_pairs(tmp_path: Path) -> None:
    assert rows(tmp_path / "a.json", json.dumps([json.dumps(row) for row in ROWS])) == ROWS
    assert rows(tmp_path / "a.jsonl", "".join(json.dumps(json.dumps(row)) + "\n" for row in ROWS)) == ROWS
    talk = [["user", "Lit?"], ["assistant", "Since four."]]
    assert rows(tmp_path / "b.json", json.dumps(talk)) == [{"messages": talk}]
    assert rows(tmp_path / "b.jsonl", f"{json.dumps(talk)}\n{json.dumps(talk)}\n") == [{"messages": talk}] * 2


TABLE = 'question,answer\nLit?,Since four.\nOil?,"Half a can, sir."\n'


@pytest.mark.parametrize("note", ["Notes,by Ann", "Source: the log,", "备注,第二稿", ",Notes by Ann"])
def test_notes_below_a_table_are_no_rows(tmp_path: Path, note: str) -> None:
    with pytest.raises(UsageError, match=r"a\.csv:5: notes on the table .* 1 more row is bad"):
        (tmp_path / "a.csv").write_text(f"{TABLE}\n{note}\nRevised,2 May\n")
        load([tmp_path / "a.csv"])
    assert len(rows(tmp_path / "b.csv", f"{TABLE}\nNotes on the door?,Mine.\n")) == 3


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("what the player says,what Mara answers", "explain the columns"),
        ("用户的问题,角色的回答", "explain the columns"),
        ("(text),(text)", "explain the columns"),
        ("------,------", "explain the columns"),
        ("(2 rows),", "count the rows"),
        (",2 rows", "count the rows"),
        ("共 2 条,", "count the rows"),
    ],
)
def test_what_tells_of_a_table_is_no_row(tmp_path: Path, line: str, why: str) -> None:
    (tmp_path / "a.csv").write_text(f"{TABLE}{line}\n")
    loaded = load([tmp_path / "a.csv"])
    assert len(loaded.conversations) == 2
    assert [why in reason for reason in loaded.left_out] == [True]


def test_a_comment_above_the_names_of_the_columns(tmp_path: Path) -> None:
    assert rows(tmp_path / "a.csv", f"# exported 2 May\n{TABLE}") == ROWS
    numbered = '#,question,answer\n1,"Lit, sir, yet?",Since four.\n'
    assert rows(tmp_path / "b.csv", numbered) == [{"#": "1", "question": "Lit, sir, yet?", "answer": "Since four."}]


@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_a_table_without_names_says_what_it_needs(tmp_path: Path, name: str) -> None:
    csv_text = "".join(f'"{row["question"]}","{row["answer"]}"\n' for row in ROWS)
    (tmp_path / name).write_text(csv_text if name == "a.csv" else json.dumps({"Lit?": "Since four.", "Oil?": "Half."}))
    with pytest.raises(UsageError, match="look like what somebody says"):
        load([tmp_path / name])


def test_another_file_beside_the_rows_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "config.json").write_text('{"rank": 8}')
    with pytest.raises(UsageError, match=r"config\.json.*\n.*take it out of the folder"):
        load([tmp_path])


def test_parts_of_a_data_set_by_other_names(tmp_path: Path) -> None:
    for name in ("x_trn.csv", "x_tst.csv", "train_test.csv"):
        (tmp_path / name).write_text(TABLE)
    assert [path.name for path in data_files(tmp_path)] == ["x_trn.csv"]


def test_a_list_of_rows_in_a_list_is_no_row(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not an object but a list"):
        rows(tmp_path / "a.json", json.dumps([ROWS, ROWS]))


def test_text_packed_by_xz_and_bzip2(tmp_path: Path) -> None:
    content = json.dumps(ROWS).encode()
    assert rows(tmp_path / "a.json.xz", lzma.compress(content)) == ROWS
    assert rows(tmp_path / "a.json.bz2", bz2.compress(content)) == ROWS
    with pytest.raises(UsageError, match=r"b\.json\.xz cannot be unpacked"):
        rows(tmp_path / "b.json.xz", b"no xz at all")


def test_what_has_to_be_unpacked_or_converted(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(__file__)
    for name, content, kind in [
        ("a.tar.gz", packed.getvalue(), "a tar archive"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    ]:
        with pytest.raises(UsageError, match=rf"is {kind}, not text\n.*Unpack it"):
            rows(tmp_path / name, content)
    with pytest.raises(UsageError, match=r"is YAML, and rows are JSON"):
        rows(tmp_path / "a.yaml", "- question: Lit?\n  answer: Since four.\n")


def test_test_files_by_other_names_are_not_trained_on(tmp_path: Path) -> None:
    for name in ("rows.jsonl", "testset.jsonl", "EvalData.jsonl", "contest.jsonl"):
        (tmp_path / name).write_text(json.dumps(ROWS[0]))
    assert [file.name for file in data_files(tmp_path)] == ["contest.jsonl", "rows.jsonl"]


def test_files_that_were_set_aside_are_not_trained_on(tmp_path: Path) -> None:
    for name in ("rows.jsonl", "rejected.jsonl", "草稿.jsonl", "undeleted.jsonl"):
        (tmp_path / name).write_text(json.dumps(ROWS[0]))
    assert [file.name for file in data_files(tmp_path)] == ["rows.jsonl", "undeleted.jsonl"]


def test_what_nobody_answers_at_the_end_is_left_out(tmp_path: Path) -> None:
    turns = [("human", "Lit?"), ("gpt", "Since four."), ("human", "Good night.")]
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"conversations": [{"from": speaker, "value": text} for speaker, text in turns]}]))
    assert [turn.text for turn in load([path]).conversations[0].turns] == ["Lit?", "Since four."]


def test_what_a_program_writes_for_an_empty_cell_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "instruction,input,output,system\nLit?,nan,Since four.,NaN\nOil?,NULL,<NA>,null\nCold?,N/A,None,#REF!\n"
    )
    loaded = load([path], on_error="skip")
    assert [[turn.text for turn in row.turns] for row in loaded.conversations] == [["Lit?", "Since four."]]
    assert all("a reply of the character's is empty" in str(bad) for bad in loaded.skipped)
    assert len(loaded.skipped) == 2


def test_a_system_prompt_beside_the_list_of_rows_is_theirs(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    rows = [ROWS[0], {**ROWS[1], "system_prompt": "You are Ben."}]
    path.write_text(json.dumps({"name": "lamp", "system_prompt": "You are Mara.", "data": rows}))
    assert [row.system for row in load([path]).conversations] == ["You are Mara.", "You are Ben."]


def test_who_the_character_is_is_not_lost_beside_the_list_of_rows(tmp_path: Path) -> None:
    row = {"prompt": "Lit?", "reply": "Since four."}
    wrapped = {"name": "lines", "persona": "Mara keeps the light.", "rows": [row]}
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(wrapped), encoding="utf-8")
    with pytest.raises(UsageError, match="its column 'persona' looks like a part of the prompt"):
        load([path])
    assert load([path], options=ReadingOptions({"system": "persona"})).conversations[0].system == wrapped["persona"]


def test_a_table_by_columns_may_hold_numbers(tmp_path: Path) -> None:
    table = {"prompt": ["Lit?", "Tom?"], "reply": ["Since four.", "Out."], "id": [1, 2], "note": [None, "x"]}
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    assert [row.replies for row in load([path]).conversations] == [("Since four.",), ("Out.",)]


def test_rows_whose_sides_are_swapped_are_refused(tmp_path: Path) -> None:
    swapped = {"conversations": [{"from": "gpt", "value": "Lit?"}, {"from": "human", "value": "Since four."}]}
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(swapped)}\n" * 3)
    with pytest.raises(UsageError, match=r"a\.jsonl:1: in this row and all others the reply comes first"):
        load([path])
    path.write_text(f"{json.dumps(swapped)}\n{json.dumps(ROWS[0])}\n")
    assert len(load([path]).conversations) == 2


def test_lines_that_were_cut_out_of_a_list_end_with_its_commas(tmp_path: Path) -> None:
    assert rows(tmp_path / "a.jsonl", "".join(f"{json.dumps(row)},\n" for row in ROWS)) == ROWS


def test_an_object_may_name_its_rows(tmp_path: Path) -> None:
    named = {"q1": {**ROWS[0], "tag": "x"}, "q2": ROWS[1]}
    assert rows(tmp_path / "a.json", json.dumps(named)) == [named["q1"], ROWS[1]]
    message = {"role": "user", "content": "Lit?"}
    pair = {"chosen": message, "rejected": message}
    assert rows(tmp_path / "a.json", json.dumps(pair)) == [pair]


@pytest.mark.parametrize("name", ["x.csv", "x.txt"])
def test_bars_may_part_cells(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("prompt|reply\nLit?|Since four, it says.\n", "utf-8")
    assert [row for _, row in read_rows(path)] == [{"prompt": "Lit?", "reply": "Since four, it says."}]


MARKDOWN = "| prompt | reply |\n|:---|---|\n| Lit? | Since<br>four. |\n| A\\|B? | No. |\n"
PSQL = " prompt |   reply    \n--------+------------\n Lit?   | Since<br>four.\n A\\|B?  | No.\n(2 rows)\n"
EDGE = "+--------+-------+\n"
MYSQL = f"{EDGE}| prompt | reply |\n{EDGE}| Lit? | Since<br>four. |\n| A\\|B? | No. |\n{EDGE}"


@pytest.mark.parametrize("drawn", [MARKDOWN, PSQL, MYSQL], ids=["Markdown", "psql", "mysql"])
@pytest.mark.parametrize("name", ["x.csv", "x.txt", "x.md"])
def test_a_drawn_table_is_read(tmp_path: Path, name: str, drawn: str) -> None:
    path = tmp_path / name
    path.write_text(drawn, "utf-8")
    assert [row for _, row in read_rows(path)] == [
        {"prompt": "Lit?", "reply": "Since\nfour."},
        {"prompt": "A|B?", "reply": "No."},
    ]


def test_cells_may_stand_between_single_quotes(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("'prompt','reply'\n'Lit?','Since four, isn''t it?'\n")
    assert [row for _, row in read_rows(path)] == [{"prompt": "Lit?", "reply": "Since four, isn't it?"}]
    path.write_text("prompt,reply\n'Lit?',Since four.\n")
    assert [row["prompt"] for _, row in read_rows(path)] == ["'Lit?'"]


def test_the_rows_of_a_hub_s_viewer(tmp_path: Path) -> None:
    features = [{"feature_idx": 0, "name": "prompt", "type": {"dtype": "string"}}]
    rows = [{"row_idx": 0, "row": {"prompt": "Lit?", "reply": "Since four."}, "truncated_cells": []}]
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"features": features, "rows": rows, "num_rows_total": 1}), "utf-8")
    assert [row for _, row in read_rows(path)] == [{"prompt": "Lit?", "reply": "Since four."}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.db", b"SQLite format 3\0" + bytes(84), r"is a database \(SQLite\)"),
        ("rows.npy", b"\x93NUMPY\1\0", "is a NumPy file, not text"),
        ("rows.jsonl", b"\x80\x04\x95" + bytes(9), "is a pickle of Python's.*\n.*opens a pickle runs"),
    ],
)
def test_what_only_programs_read_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        load([path])


@pytest.mark.parametrize("header", ["question, answer", "Question,ANSWER", "prompt,reply"])
def test_a_header_that_stands_there_once_more_is_no_row(tmp_path: Path, header: str) -> None:
    content = f'question,answer\nLit?,Since four.\n{header}\nOil?,"Half a can, sir."\n'
    (tmp_path / "a.csv").write_text(content)
    assert [row.prompt for row in load([tmp_path / "a.csv"]).conversations] == ["Lit?", "Oil?"]


def test_another_table_below_the_first_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "question,answer,n\nLit?,Since four.,1\nanswer,question,score\nHalf a can.,Oil?,2\n"
    )
    with pytest.raises(UsageError, match=r"a.csv:3: it holds names of columns \(answer, question, score\)"):
        load([tmp_path / "a.csv"])


@pytest.mark.parametrize("row", ["Total,2", "合计：,2", ",Sum"])
def test_the_sums_of_a_table_are_no_row(tmp_path: Path, row: str) -> None:
    (tmp_path / "a.csv").write_text(f"question,answer\nLit?,Since four.\nTotal?,Two cans.\n{row}\n", "utf-8")
    loaded = load([tmp_path / "a.csv"])
    assert [row.prompt for row in loaded.conversations] == ["Lit?", "Total?"]
    assert loaded.left_out == {"rows hold the sums of the table": 1}


@pytest.mark.parametrize("value", ["TRUE", "2024-05-01", "2024/5/1", "12:05:00"])
def test_a_reply_that_a_spreadsheet_made_a_value_of_is_told(tmp_path: Path, value: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"prompt,reply\nLit?,Since four.\nWhen?,{value}\n")
    with pytest.raises(UsageError, match=f"its reply is {value}, which nobody says"):
        load([path])
    path.write_text(f"prompt,reply\nLit?,Since four.\nWhen?,On {value}\n")
    assert len(load([path]).conversations) == 2


@pytest.mark.parametrize("note", [",Notes by Ann", "Source: a diary,", ",备注：小安整理"])
def test_a_note_right_below_a_table_is_no_row(tmp_path: Path, note: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"prompt,reply\nLit?,Since four.\n{note}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"a\.csv:3: a note on the table, it seems"):
        load([path])


@pytest.mark.parametrize("nothing", ["无", "略", "（略）", "N.A.", "暂无", "—"])
def test_what_stands_for_no_reply_is_none(tmp_path: Path, nothing: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"prompt,input,reply\nLit?,无,Since four.\nCold?,,{nothing}\nTea?,,无。\n", encoding="utf-8")
    loaded = load([path], on_error="skip")
    assert [row.prompt for row in loaded.conversations] == ["Lit?", "Tea?"]
    assert [bad.origin.line for bad in loaded.skipped] == [3]


def test_rows_may_lie_in_an_object_within_one(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": {"train": ROWS[:1], "test": ROWS[1:]}}))
    assert len(load([path]).conversations) == 1
    path.write_text(json.dumps({"characters": {"Mara": ROWS[0], "Ben": ROWS[1]}}))
    with pytest.raises(UsageError, match=r"the rows stand under 2 names \(Mara, Ben…\)"):
        load([path])


def test_the_history_of_the_only_row_is_no_list_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    history = [{"question": "Lit?", "answer": "Since four."}]
    path.write_text(json.dumps({"prompt": "Cold?", "reply": "No.", "history": history}))
    assert [turn.text for turn in load([path]).conversations[0].turns] == ["Lit?", "Since four.", "Cold?", "No."]


def test_a_reply_alone_in_a_numbered_table_may_go_on_with_the_row_above(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("序号,问题,回答\n1,亮了吗？,四点就亮了。\n,,一直亮着。\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"a\.csv:3: it has a reply alone, without a number"):
        load([path])
    path.write_text("序号,问题,回答\n1,亮了吗？,四点就亮了。\n2,,一直亮着。\n", encoding="utf-8")
    assert len(load([path]).conversations) == 2
