"""Rows from tables that are stored by columns, Parquet and Arrow; kilobytes that unfold to gigabytes are refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from offbook.core.errors import UsageError
from offbook.core.text import format_bytes

LONGEST_ROW = 2**26
"""Characters; all of Shakespeare has a twelfth of that."""
UNFOLDED_BYTES, UNFOLDED_TIMES = 2**28, 200
"""A packed table may unfold to so many bytes, or to so many times its own size."""
ROWS_AT_ONCE = 256


def parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file.

    Raises:
        UsageError: it is damaged, or unfolds to what no lines do.
    """
    import pyarrow
    from pyarrow import parquet

    number = 0
    try:
        texts = [field.name for field in parquet.read_schema(path) if _is_text(field.type)]
        # As dictionaries: a text that stands in a million rows unfolds only once its length is known.
        with parquet.ParquetFile(path, read_dictionary=texts) as file:
            groups = map(file.metadata.row_group, range(file.num_row_groups))
            _refuse_bomb(path, sum(group.total_byte_size for group in groups))
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                _refuse_long_texts(path, batch)
                for row in batch.to_pylist():
                    number += 1
                    yield row
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise _unreadable(path, number, error, "Export the table again.") from None


def arrow_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file in Arrow's stream format, as `datasets` saves it, or in its file format (Feather).

    Raises:
        UsageError: it is damaged, or holds a text that is no line.
    """
    import pyarrow
    from pyarrow import ipc

    number = 0
    try:
        with pyarrow.memory_map(str(path)) as source:
            try:
                batches: Iterable[Any] = ipc.open_stream(source)
            except pyarrow.ArrowInvalid:
                source.seek(0)
                file = ipc.open_file(source)
                batches = (file.get_batch(index) for index in range(file.num_record_batches))
            for batch in batches:
                _refuse_long_texts(path, batch)
                for row in batch.to_pylist():
                    number += 1
                    yield row
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise _unreadable(path, number, error, "Save the data set again.") from None


def _unreadable(path: Path, rows: int, error: Exception, fix: str) -> UsageError:
    reason = " ".join(str(error).split())[:200]
    what = "{path}: row {number} cannot be read: {reason}"
    return UsageError(what, fix, path=path, number=rows + 1, reason=reason)


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)


def _refuse_bomb(path: Path, unfolded: int) -> None:
    """Refuse a table that unfolds to what no table of lines does.

    Args:
        path: the table.
        unfolded: bytes of its columns, unpacked.
    """
    packed = path.stat().st_size
    if unfolded > UNFOLDED_BYTES and unfolded > UNFOLDED_TIMES * packed:
        raise UsageError(
            "{path} unfolds from {packed} to {unfolded}: no lines do that",
            "Export the table again, from the lines themselves.",
            path=path,
            packed=format_bytes(packed),
            unfolded=format_bytes(unfolded),
        )


def _refuse_long_texts(path: Path, batch: Any) -> None:
    from pyarrow import DictionaryArray, compute

    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        texts = column.dictionary if isinstance(column, DictionaryArray) else column
        if not _is_text(texts.type):
            continue
        longest = compute.max(compute.binary_length(texts)).as_py() or 0
        if longest > LONGEST_ROW:
            raise UsageError(
                "{path}: a text of {size} in the column '{name}': no line is so long",
                "Cut it into rows, each with one thing that is said and the character's answer.",
                path=path,
                size=format_bytes(longest),
                name=name,
            )
