"""Tables, row by row."""

import pytest

from offbook.data.extract.chat_log.table_stream import columns, read_table, unnamed_columns
from offbook.data.extract.cue import ParseError
from tests.data.extract.reading import numbered


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_stand_under_their_columns(delimiter: str) -> None:
    text = f"Who{delimiter}What\nAnn{delimiter}Hi\n\nBen{delimiter}Yo"
    assert list(read_table(numbered(text))) == [(2, {"who": "Ann", "what": "Hi"}), (4, {"who": "Ben", "what": "Yo"})]


def test_a_cell_may_hold_line_breaks_and_the_next_row_has_its_own_line() -> None:
    assert list(read_table(numbered('a,b\n1,"x\ny"\n2,z'))) == [(2, {"a": "1", "b": "x\ny"}), (4, {"a": "2", "b": "z"})]


@pytest.mark.parametrize(("text", "line"), [('a,b\n1,2\n3,"x\ny', 3), ("a,b\n1,2,3", 2)])
def test_a_damaged_table_names_the_line(text: str, line: int) -> None:
    with pytest.raises(ParseError) as damage:
        list(read_table(numbered(text)))
    assert damage.value.line == line


def test_column_names_are_compared_without_case_and_spaces() -> None:
    assert columns("\ufeffDate, User ,MESSAGE") == ["date", "user", "message"]
    assert columns('"unclosed') == []


def test_cells_that_are_missing_are_empty() -> None:
    assert list(read_table(numbered("a,b\n1"))) == [(2, {"a": "1", "b": ""})]


def test_a_table_whose_names_are_unknown_is_not_taken_for_one_without() -> None:
    rows = [
        f"{at},2024-05-01 21:3{at}:11,{name},Is the lamp lit yet?{at}" for at, name in enumerate(["ann", "tom"] * 3)
    ]
    assert unnamed_columns(rows) == {"sender": "2", "text": "3", "time": "1"}
    assert unnamed_columns(["no,quando,chi,che cosa", *rows]) == {}
