"""Readers: the rows of every kind of file, and the position of what is wrong with one."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import ipc, parquet

from offbook.core.errors import UsageError
from offbook.core.i18n import in_language
from offbook.core.types import Origin
from offbook.data.loading import load
from offbook.data.sources import BadRow, data_files, read_rows, refuse_no_rows

ROWS = [
    {"instruction": "皇上驾到！", "input": "", "output": "皇上万福金安。"},
    {"instruction": "Who,\n“you”?", "input": "", "output": 'I said "me".\nTwice; or thrice.'},
]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(path)]


def lines_and_bad(path: Path) -> tuple[list[int], list[BadRow]]:
    bad: list[BadRow] = []
    return [origin.line for origin, _ in read_rows(path, bad.append)], bad


def as_csv(delimiter: str) -> str:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    table = [list(ROWS[0]), *(list(row.values()) for row in ROWS)]
    return "".join(delimiter.join(map(cell, cells)) + "\r\n" for cells in table)


JSONL = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps(ROWS)),
        ("a.json", json.dumps(ROWS, indent=4)),
        ("a.json", json.dumps({"version": 1, "data": ROWS})),
        ("a.json", JSONL),
        ("a.jsonl", JSONL),
        ("a.jsonl", json.dumps(ROWS)),
        ("a.ndjson", "\n" + JSONL.replace("\n", "\n\n")),
        ("a.txt", JSONL),
        ("a", json.dumps(ROWS, indent=1)),
        ("a.csv", as_csv(",")),
        ("a.csv", as_csv(";")),
        ("a.csv", "\ufeff" + as_csv(",")),
        ("a.tsv", as_csv("\t")),
        ("a.txt", as_csv(",")),
    ],
)
def test_every_kind_gives_the_same_rows(tmp_path: Path, name: str, content: Any) -> None:
    assert rows(write(tmp_path, name, content)) == ROWS


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize(
    ("name", "content"), [("a.json", json.dumps(ROWS, ensure_ascii=False)), ("a.csv", as_csv(","))]
)
def test_20_in_every_encoding(tmp_path: Path, encoding: Any, name: str, content: Any) -> None:
    assert rows(write(tmp_path, name, content.encode(encoding))) == ROWS


@pytest.mark.parametrize("name", ["a.parquet", "a.json", "a"])
def test_parquet_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    parquet.write_table(pyarrow.Table.from_pylist(ROWS * 1500), tmp_path / name)
    result = list(read_rows(tmp_path / name))
    assert [row for _, row in result] == ROWS * 1500
    assert [origin.line for origin, _ in result] == list(range(1, 3001))


def test_one_object_with_turns_is_one_row(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    assert rows(write(tmp_path, "a.json", json.dumps(row, indent=2))) == [row]
    row = {"conversations": [{"from": "human", "value": "a"}]}
    assert rows(write(tmp_path, "a.json", json.dumps(row))) == [row]


def test_lines_count_lines_and_rows_count_rows(tmp_path: Path) -> None:
    assert [o.line for o, _ in read_rows(write(tmp_path, "a.jsonl", "\n" + JSONL))] == [2, 3]
    assert [o.line for o, _ in read_rows(write(tmp_path, "a.json", json.dumps(ROWS, indent=4)))] == [1, 2]
    # The second row's cells hold line breaks, so a third would begin on line 6.
    csv_text = as_csv(",") + "x,y,z\n"
    assert [o.line for o, _ in read_rows(write(tmp_path, "a.csv", csv_text))] == [2, 3, 6]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": }', "column 7: expecting value"),
        ('{"a": "b"', "column 10: expecting ',' delimiter"),
        ('{"a": "b"} ["c"]', "column 12: something follows"),
        ('{"a": NaN}', "column 7: NaN is no JSON value"),
        ('{"NaN": [-Infinity]}', "column 10: -Infinity is no JSON value"),
        ('{"a": {"b": 1}, "b": {"b": 2, "b" : 3}}', "column 31: the key 'b' stands there twice"),
        ('{"a\\n": "a\\n:", "\\u0061\\n": 1}', "column 17: the key 'a\\n' stands there twice"),
        ("[1]", "not an object but a list"),
        ("null", "not an object but nothing"),
        ("[" * 200_000, "column 1: nested too deeply"),
        ("9" * 10_000, "column 1: a number of too many digits"),
    ],
)
def test_21_a_bad_line_is_named_and_the_others_are_read(tmp_path: Path, line: Any, reason: Any) -> None:
    path = write(tmp_path, "a.jsonl", JSONL + line + "\n" + JSONL)
    good, bad = lines_and_bad(path)
    assert good == [1, 2, 4, 5]
    assert [item.origin for item in bad] == [Origin(str(path), 3)]
    assert bad[0].reason.startswith(reason)
    with pytest.raises(UsageError, match=r"a\.jsonl:3: .*\n.*on_error skip"):
        rows(path)


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        ('[\n// lit\n{"a": "1"}]', "line 2, column 1: .*JSON has no comments: delete this one"),
        ('[\n{"a": "1",}]', "line 2, .*no comma may stand after the last item: delete it"),
        ("[\n{'a': '1'}]", "line 2, column 2: .*between straight double quotes"),
        ("[\n{“a”: “1”}]", "line 2, column 2: .*between straight double quotes"),
        ('[\n{"a": "1\n2"}]', r"line 2, column 9: .*a line break is written \\n"),
        ('[\n{"a": "C:\\d"}]', r"line 2, column \d+: .*a backslash is written \\\\"),
        ('[\n{"a": "1" "b": "2"}]', "line 2, column 11: .*a comma is missing before it"),
        ('[\n{"a": "He said "no" twice"}]', r"line 2, column \d+: .*inside a text is written"),
        ('```[{"a": "1"}]```', "line 1, column 1: .*delete the lines with ``` before and after"),
        ('Here they are:\n[{"a": "1"}]', "line 1, column 1: .*delete what stands before"),
        ('[{"a": "1"}]\n[{"a": "2"}]', "line 2, column 1: .*of several lists make one"),
        ('[\n{a: "1"}]', "line 2, column 2: .*keys and texts need double quotes"),
        ('[\n{"a": "1"', "line 2, column 10: .*was the file cut off"),
        ('[\n{"a": "1", "b', "line 2, column 12: .*a quote behind it"),
    ],
)
def test_what_is_no_json_is_named_with_what_to_do(tmp_path: Path, content: str, advice: str) -> None:
    with pytest.raises(UsageError, match=advice):
        rows(write(tmp_path, "a.json", content))


def test_a_liberty_in_a_list_costs_its_row_alone(tmp_path: Path) -> None:
    path = write(tmp_path, "a.json", '[{"a": "1"},\n {"a": 1, "a": 2},\n {"a": NaN}, 7, {"a": "}, NaN"}]')
    good, bad = lines_and_bad(path)
    assert good == [1, 5]
    assert [(item.origin.line, item.reason) for item in bad] == [
        (2, "line 2, column 11: the key 'a' stands there twice"),
        (3, "line 3, column 8: NaN is no JSON value (in 'a'): write null"),
        (4, "not an object but a number"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"a": "1"}\n {"a": "2"}]', "line 2, column 2: expected a comma or the end of the list"),
        ('[{"a": "1"},\n,]', "line 2, column 1: expecting value"),
        ('[{"a": "1"},', "line 1, column 13: expecting value"),
        ('[{"a": "x\n', "line 1, column 8: unterminated string"),
        ('[{"a": "1"}]\n\nand more', "line 3, column 1: something follows"),
        ("[" * 200_000, "line 1, column 2: nested too deeply"),
        ('{"a": [{"x": 1}],\n "b": [{"x": 1}]}', "line 1, column 1: several lists of rows (a, b)"),
        (
            '{"Mara": {"q": "Lit?", "a": "Aye."}, "Ben": [{"q": "Cold?", "a": "No."}]}',
            "line 1, column 1: several lists of rows (Mara, Ben)",
        ),
        ('{"data":\n [{"x": NaN}]}', "line 2, column 9: NaN is no JSON value"),
        ('"text"', "neither a list of rows nor an object"),
        ("", "is empty"),
    ],
)
def test_21_a_broken_file_is_named_with_its_position(tmp_path: Path, content: Any, message: Any) -> None:
    path = write(tmp_path, "a.json", content)
    with pytest.raises(UsageError) as error:
        lines_and_bad(path)
    assert error.value.what.startswith(str(path))
    assert message in error.value.what


def test_an_empty_list_has_no_rows(tmp_path: Path) -> None:
    assert rows(write(tmp_path, "a.json", " [ ] \n")) == []


def test_21_a_line_of_50_megabytes(tmp_path: Path) -> None:
    text = "戏" * (50 * 2**20 // 3)
    assert rows(write(tmp_path, "a.jsonl", json.dumps({"output": text}, ensure_ascii=False)))[0]["output"] == text
    with pytest.raises(UsageError, match=r"a\.jsonl:1: column 12: unterminated string"):
        rows(write(tmp_path, "a.jsonl", '{"output": "' + text))


@pytest.mark.parametrize(
    ("body", "bad_line", "reason"),
    [
        ("1,2\n", 2, "2 cells under 3 columns"),
        ("1,2,3,4\n", 2, "4 cells under 3 columns"),
        ('1,"2"x,3\n', 2, "not a row of a CSV table"),
    ],
)
def test_21_a_bad_table_row_is_named_and_the_others_are_read(
    tmp_path: Path, body: Any, bad_line: Any, reason: Any
) -> None:
    good, bad = lines_and_bad(write(tmp_path, "a.csv", "a,b,c\n" + body + '"1\n",2,3\n\n4,5,6\n'))
    assert good == [3, 6]
    assert bad[0].origin.line == bad_line
    assert bad[0].reason.startswith(reason)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", '{"a": NaN}\n{"a": "b}\n'),
        ("a.jsonl", '{"a": "1"}\n{"a": "2",}\n{"a": }\n"text"\n'),
        ("a.json", '[{"a": "1"} {"a": "2"}]'),
        ("a.json", '[{"a": "1"}]\n[{"a": "2"}]'),
        ("a.csv", "a,b\n1,2,3\n"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_in_the_reader_s_language(tmp_path: Path, name: str, content: str) -> None:
    path = write(tmp_path, name, content)
    with in_language("zh"), pytest.raises(UsageError) as raised:
        load([path])
    assert not re.search("[a-z]{3}", str(raised.value).replace(str(path), "").replace("--data.on_error skip", ""))


def test_one_object_over_several_lines_is_read_in_jsonl(tmp_path: Path) -> None:
    objects = [json.dumps({"a": text, "b": [text]}, indent=2) for text in ("1", "2")]
    assert rows(write(tmp_path, "a.jsonl", "\n".join(objects))) == [{"a": "1", "b": ["1"]}, {"a": "2", "b": ["2"]}]


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.csv:3: a quote opens there and is never closed"):
        rows(write(tmp_path, "a.csv", 'a,b\n1,2\n3,"4\n5,6\n'))


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.csv:1: two columns are named 'a'"):
        rows(write(tmp_path, "a.csv", "a, a\n1,2\n"))


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("\n")
    with pytest.raises(UsageError, match="is empty"):
        list(read_rows(path))


def test_a_script_is_sent_to_extract(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="offbook extract"):
        rows(write(tmp_path, "play.txt", "第一幕\n甄嬛：是。\n"))


def test_files_that_are_not_there_or_not_whole(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.parquet: no such file"):
        rows(tmp_path / "none.parquet")
    with pytest.raises(UsageError, match=r"a\.parquet: row 1 cannot be read"):
        rows(write(tmp_path, "a.parquet", b"PAR1 not really"))


def test_a_folder_gives_its_training_files(tmp_path: Path) -> None:
    for name in ("README.md", "dataset_infos.json", ".cache/train.json", "data/test.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path, name, "[]")
    assert [path.name for path in data_files(tmp_path)] == ["test.jsonl"]
    write(tmp_path, "data/train-00001.json", "[]")
    write(tmp_path, "data/train-00000.json", "[]")
    write(tmp_path, "data/constraints.json", "[]")
    assert [path.name for path in data_files(tmp_path)] == ["train-00000.json", "train-00001.json"]
    assert data_files(tmp_path / "data/test.jsonl") == [tmp_path / "data/test.jsonl"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no file of rows"):
        data_files(tmp_path / "empty")


def test_a_test_file_beside_others_is_not_trained_on(tmp_path: Path) -> None:
    for name in ("lines.jsonl", "more.jsonl", "test.jsonl", "valid_0.jsonl", "对话_测试.jsonl", "contest.jsonl"):
        write(tmp_path, name, JSONL)
    assert [path.name for path in data_files(tmp_path)] == ["contest.jsonl", "lines.jsonl", "more.jsonl"]


def test_a_folder_saved_by_datasets(tmp_path: Path) -> None:
    table = pyarrow.Table.from_pylist(ROWS)
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        with ipc.new_stream(tmp_path / split / "data-00000-of-00001.arrow", table.schema) as stream:
            stream.write_table(table)
        write(tmp_path, f"{split}/state.json", "{}")
        write(tmp_path, f"{split}/dataset_info.json", "{}")
    write(tmp_path, "dataset_dict.json", '{"splits": ["train", "test"]}')
    (file,) = data_files(tmp_path)
    assert file.parent.name == "train"
    assert rows(file) == ROWS
    with ipc.new_file(tmp_path / "lines.feather", table.schema) as feather:
        feather.write_table(table)
    assert rows(tmp_path / "lines.feather") == ROWS
    with pytest.raises(UsageError, match=r"bad\.arrow: row 1 cannot be read"):
        rows(write(tmp_path, "bad.arrow", b"ARROW1 not really"))


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_packed_text_is_read_as_it_stands_unpacked(tmp_path: Path, encoding: Any) -> None:
    text = JSONL.encode(encoding)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text))
    with pyarrow.CompressedOutputStream(str(tmp_path / "b.jsonl.zst"), "zstd") as file:
        file.write(text)
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(as_csv(",").encode(encoding)))
    assert all(rows(path) == ROWS for path in data_files(tmp_path))
    with pytest.raises(UsageError, match=r"d\.jsonl\.gz cannot be unpacked"):
        rows(write(tmp_path, "d.jsonl.gz", b"no gzip at all"))


def test_objects_that_follow_one_another_are_rows(tmp_path: Path) -> None:
    glued = "".join(json.dumps(row) for row in ROWS)
    assert rows(write(tmp_path, "a.jsonl", glued)) == ROWS
    assert rows(write(tmp_path, "a.json", "\n".join(json.dumps(row, indent=1) for row in ROWS))) == ROWS


def test_a_comma_after_the_last_row_is_overlooked(tmp_path: Path) -> None:
    assert rows(write(tmp_path, "a.json", json.dumps(ROWS)[:-1] + ",\n]")) == ROWS


@pytest.mark.parametrize(
    "text",
    [
        "Late, as ever\n\n“The tide is out,” said Ada.\n\n“Then wait.”\n",
        "Act one, scene two\nADA: The tide, is out.\nBEN: Then, wait, and see.\n",
    ],
)
def test_prose_with_a_comma_in_its_first_line_is_no_table(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="holds no rows but prose") as error:
        rows(write(tmp_path, "tale.txt", text))
    assert "offbook extract" in error.value.fix
    assert rows(write(tmp_path, "table.txt", as_csv(","))) == ROWS


PIECES = st.sampled_from(['{"a":"b"}', '{"a":', "[", "]", "{", "}", '"', ",", ";", "\n", "\r", "\t", "NaN", "\\u", "1"])


@pytest.mark.parametrize("name", ["f.json", "f.jsonl", "f.csv", "f.tsv", "f.parquet", "f"])
@given(content=st.binary(max_size=300) | st.lists(PIECES, max_size=40).map(lambda parts: "".join(parts).encode()))
def test_21_any_bytes_give_rows_or_a_position(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: Any
) -> None:
    path = write(tmp_path_factory.getbasetemp(), name, content)
    bad: list[BadRow] = []
    try:
        for origin, row in read_rows(path, bad.append):
            assert isinstance(row, dict)
            assert origin.line >= 1
    except UsageError as error:
        assert str(path) in error.what
        assert error.fix
    assert all(item.reason for item in bad)


@given(content=st.binary(min_size=1, max_size=60), at=st.integers(0, 10_000))
def test_damaged_parquet_gives_rows_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: Any, at: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    original = path.read_bytes()
    at %= len(original)
    path.write_bytes(original[:at] + content + original[at + len(content) :])
    try:
        list(read_rows(path, lambda bad: None))
    except UsageError as error:
        assert str(path) in error.what


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.json"])
def test_an_empty_file_is_told_before_it_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match=f"{name} is empty"):
        refuse_no_rows(tmp_path / name)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.txt", "a.md"])
@pytest.mark.parametrize("block", ['[\n{"a": "1"},\n{"a": "2"}\n]', '{"a": "1"}\n{"a": "2"}'])
def test_json_may_stand_in_a_block_of_markdown(tmp_path: Path, name: str, block: str) -> None:
    path = write(tmp_path, name, f"```json\n{block}\n```\n")
    assert [row for _, row in read_rows(path)] == [{"a": "1"}, {"a": "2"}]
    bad = write(tmp_path, "a.json", "```json\n[{'a': 1}]\n```\n")
    with pytest.raises(UsageError, match="line 2, column 3"):
        list(read_rows(bad))
