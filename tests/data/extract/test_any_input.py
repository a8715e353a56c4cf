"""Any file in any format: who speaks and whole rows, or one error that names the file. Never a traceback."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offbook.core.errors import UsageError
from offbook.data.extract import EXTRACTORS, ChatOptions, extract, listing
from offbook.data.extract.document import DOCUMENTS
from offbook.data.extract.formats import choose
from tests.data.extract.any_input import damaged_files, samples

FORMATS = ["auto", *EXTRACTORS]
SUFFIXES = ["", ".txt", ".json", ".csv", ".gz", *DOCUMENTS]


def check(path: Path, format: str, options: ChatOptions) -> None:
    """Read a file as the commands do; everything that comes of it must be sound."""
    try:
        listed = listing([path], format=format, chat=options)
        rows = extract([path], listed.speakers[0].name, format=format, chat=options).rows
    except UsageError as error:
        assert str(path) in error.what
        assert error.fix
        return
    assert set(listed.formats) == {str(path)}
    for row in rows:
        assert json.loads(json.dumps(row)) == row
        assert row["source"]["line"] >= 1
        assert 0 <= row["confidence"] <= 1
        spoken = [message["role"] for message in row["messages"] if message["role"] != "system"]
        assert spoken[0] == "user"
        assert spoken[-1] == "assistant"
        assert all(first != second for first, second in pairwise(spoken))
        assert all(message["content"].strip() for message in row["messages"])


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=damaged_files(), suffix=st.sampled_from(SUFFIXES), options=st.booleans())
def test_any_file_is_rows_or_one_error(tmp_path: Path, format: str, data: Any, suffix: Any, options: Any) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(data)
    try:
        check(path, format, ChatOptions(whole_conversations=options, time_of_day=options))
    finally:
        path.unlink()


@pytest.mark.torture
@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=3000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=damaged_files(), suffix=st.sampled_from(SUFFIXES), options=st.booleans())
def test_many_files_are_rows_or_one_error(tmp_path: Path, format: str, data: Any, suffix: Any, options: Any) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(data)
    check(path, format, ChatOptions(whole_conversations=options, time_of_day=options))


def outcome(path: Path) -> Any:
    """Who speaks in a file, or the error without the file's name."""
    try:
        return [(speaker.name, speaker.lines) for speaker in listing([path]).speakers]
    except UsageError as error:
        return error.what.replace(str(path), "")


FEWEST_CHINESE = 12


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.sampled_from(samples()), encoding=st.sampled_from(["utf-8-sig", "utf-16", "gb18030"]))
def test_a_text_reads_the_same_in_every_encoding(tmp_path: Path, text: Any, encoding: Any) -> None:
    first, other = tmp_path / "plain", tmp_path / "other"
    first.write_bytes(text.encode())
    other.write_bytes(text.replace("\r\n", "\n").replace("\n", "\r\n").encode(encoding))
    result = outcome(other)
    if encoding == "gb18030" and not is_chinese(text):
        return  # nobody writes Thai in a Chinese encoding, and a few characters may be of any
    assert result == outcome(first)


def is_chinese(text: str) -> bool:
    """Whether nearly all letters that are not ASCII are Chinese characters, and enough to tell their encoding."""
    letters = [letter for letter in text if letter.isalpha() and not letter.isascii()]
    chinese = sum("\u4e00" <= letter <= "\u9fff" for letter in letters)
    return chinese >= FEWEST_CHINESE and chinese > 0.9 * len(letters)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.sampled_from(samples()), share=st.floats(0.1, 1))
def test_the_head_of_a_chat_is_read_as_the_whole_or_refused(tmp_path: Path, text: Any, share: Any) -> None:
    path = tmp_path / "any"
    path.write_text(text, encoding="utf-8")
    try:
        row_format = choose(path, "auto")
        if not EXTRACTORS[row_format].is_chat:
            return
        complete = {speaker.name for speaker in listing([path]).speakers}
    except UsageError:
        return
    lines = text.splitlines(keepends=True)
    path.write_text("".join(lines[: max(3, int(share * len(lines)) + 1)]), encoding="utf-8")
    try:
        head = {speaker.name for speaker in listing([path]).speakers}
    except UsageError:
        return
    assert choose(path, "auto") == row_format or head <= complete  # a few lines may be two apps'
