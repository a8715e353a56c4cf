"""Files in whose place something else was downloaded."""

import json
from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data.encoding import read_text
from offbook.data.loading import load

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0a1b\nsize 4711\n"
NAMES = ["a.jsonl", "a.json", "a.csv", "a.xlsx", "a.parquet", "a.arrow"]


@pytest.mark.parametrize("name", [*NAMES, "a.jsonl.gz"])
def test_a_pointer_of_git_s_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(POINTER)
    with pytest.raises(UsageError, match=r"is not the file, but a pointer to it \(Git LFS\)\n.*git lfs pull"):
        load([tmp_path / name])


def test_a_pointer_in_place_of_a_book_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(POINTER)
    with pytest.raises(UsageError, match="Git LFS"):
        read_text(tmp_path / "a.txt")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "page", ["<!DOCTYPE html>\n<title>Sign in</title>", "\n<HTML>", "<?xml version='1.0'?><Error/>"]
)
def test_a_page_in_place_of_rows_is_told(tmp_path: Path, name: str, page: str) -> None:
    (tmp_path / name).write_text(page)
    with pytest.raises(UsageError, match="holds a web page"):
        load([tmp_path / name])


@pytest.mark.parametrize("indent", [None, 1])
def test_rows_of_json_may_be_called_a_table(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "a.csv"
    path.write_text(json.dumps([{"prompt": "Lit?", "reply": "Since four."}], indent=indent))
    assert [row.prompt for row in load([path]).conversations] == ["Lit?"]
    path.write_text('{"prompt": "Lit?", "reply": "Since four."}\n{"prompt": "Oil?", "reply": "Half a can."}\n')
    assert [row.prompt for row in load([path]).conversations] == ["Lit?", "Oil?"]


def test_a_pair_of_texts_has_to_say_which_is_which(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('["Lit?", "Since four."]\n["Oil?", "Half a can."]\n')
    with pytest.raises(UsageError, match=r"a list of 2 texts: write which is which, as in .*prompt.*reply"):
        load([tmp_path / "a.jsonl"])
