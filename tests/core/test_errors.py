"""Errors: which ones mean that memory ran out."""

from __future__ import annotations

import pytest

from offbook.core.errors import is_out_of_memory


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), True),
        (RuntimeError("could not create a primitive"), True),
        (OSError("Cannot allocate memory (os error 12)"), True),
        (RuntimeError("could not create a primitive descriptor for the matmul primitive"), False),
        (ValueError("shapes differ"), False),
    ],
)
def test_exhausted_memory_is_told_from_other_failures(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected
