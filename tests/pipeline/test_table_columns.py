"""The columns of tables."""

from pathlib import Path

import pytest

from offbook.pipeline.table_columns import table_columns

ROWS = [("Tom", "Is the stove lit?", "2021-05-01 10:00"), ("Anna", "Since four.", "2021-05-01 10:01")] * 3


def table(tmp_path: Path, *names: str, sign: str = ",") -> Path:
    path = tmp_path / "table.csv"
    rows = [names, *ROWS] if names else ROWS
    path.write_text("\n".join(sign.join(f'"{cell}"' for cell in row) for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_columns_go_by_their_names_and_show_what_is_in_them(tmp_path: Path, sign: str) -> None:
    speaker, text, _ = table_columns(table(tmp_path, "Wer", "Was", "Gesendet am", sign=sign))
    assert (speaker.key, speaker.title, speaker.samples) == ("Wer", "Wer", ["Tom", "Anna", "Tom"])
    assert text.samples[0] == "Is the stove lit?"


@pytest.mark.parametrize("names", [("wer", "was, genau", "am"), ("wer", "wer", "am"), ("wer", "", "am")])
def test_columns_whose_names_cannot_be_told_apart_go_by_number(tmp_path: Path, names: tuple[str, ...]) -> None:
    columns = table_columns(table(tmp_path, *names))
    assert [(each.key, each.title) for each in columns] == list(zip("123", names, strict=True))


def test_a_table_without_names_has_numbers_alone(tmp_path: Path) -> None:
    assert [(each.key, each.title) for each in table_columns(table(tmp_path))] == [("1", ""), ("2", ""), ("3", "")]


@pytest.mark.parametrize(
    ("name", "text"), [("a.txt", "ANN: Hello, you.\n\nBOB: Yes.\n"), ("a.png", "x"), ("a.csv", "")]
)
def test_what_is_no_table_has_no_columns(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert table_columns(tmp_path / name) == []
