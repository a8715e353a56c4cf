"""Small tables that unfold to gigabytes are refused before they do."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import ipc, parquet

from offbook.core.errors import UsageError
from offbook.data import columnar
from offbook.data.sources import BadRow, read_rows


@pytest.fixture(autouse=True)
def small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound that a test reaches with little."""
    monkeypatch.setattr(columnar, "LONGEST_ROW", 2**20)


def table(*replies: str) -> Any:
    return pyarrow.table({"instruction": ["who?"] * len(replies), "output": list(replies)})


def test_a_text_that_is_no_line_is_refused_in_every_format(tmp_path: Path) -> None:
    long = table("b" * 5_000_000, "c")
    parquet.write_table(long, tmp_path / "long.parquet", compression="zstd")
    with ipc.new_stream(tmp_path / "long.arrow", long.schema) as stream:
        stream.write_table(long)
    for name in ("long.parquet", "long.arrow"):
        with pytest.raises(UsageError, match="in the column 'output': no line is so long"):
            list(read_rows(tmp_path / name))


def test_a_text_in_a_million_rows_unfolds_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    parquet.write_table(table(*["b" * 5_000_000] * 40), path, compression="zstd")
    assert path.stat().st_size < 40_000
    tracemalloc.start()
    before = pyarrow.total_allocated_bytes()
    with pytest.raises(UsageError):
        list(read_rows(path))
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    assert pyarrow.total_allocated_bytes() - before < 20_000_000
    tracemalloc.stop()


def test_what_unfolds_beyond_all_measure_is_not_unfolded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    texts = [f"{number:06}" + "b" * 999_000 for number in range(300)]
    parquet.write_table(table(*texts), path, compression="zstd", use_dictionary=False)
    with pytest.raises(UsageError, match="unfolds from"):
        next(iter(read_rows(path)))


def test_a_row_longer_than_any_conversation_is_bad(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"instruction": "a", "output": "' + "b" * 2_000_000 + '"}\n{"instruction": "a", "output": "b"}\n')
    bad: list[BadRow] = []
    assert [row["output"] for _, row in read_rows(path, bad.append)] == ["b"]
    assert "longer than any conversation" in bad[0].reason


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.jsonl")
    for path in (tmp_path / "rows.jsonl", Path("/dev/zero")):
        with pytest.raises(UsageError, match="is a pipe or a device"):
            list(read_rows(path))
