"""A regular expression that is compiled at its first use does what a compiled one does."""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest

from offbook.core.patterns import lazy_pattern


def test_it_answers_as_a_compiled_one_does() -> None:
    late, usual = (
        lazy_pattern(r"(?P<name>\w+): ?(\w+)", re.IGNORECASE),
        re.compile(r"(?P<name>\w+): ?(\w+)", re.IGNORECASE),
    )
    text = "Ann: yes, Bob: no"
    assert late.findall(text) == usual.findall(text) == [("Ann", "yes"), ("Bob", "no")]
    assert [match["name"] for match in late.finditer(text)] == ["Ann", "Bob"]
    assert late.sub(r"\2", text) == usual.sub(r"\2", text) == "yes, no"
    assert late.pattern == usual.pattern
    assert late.flags == usual.flags
    assert late.groupindex == usual.groupindex
    assert late.match(text, 9) is None
    assert late.search(text, 9) is not None
    assert late.fullmatch("Bob: no") is not None


def test_it_is_compiled_once_and_not_before_it_is_used() -> None:
    with patch("re.compile", wraps=re.compile) as compiling:
        late = lazy_pattern("a+")
        assert compiling.call_count == 0
        assert [late.search("aa") is not None, late.search("b") is not None] == [True, False]
        assert compiling.call_count == 1


def test_what_is_no_expression_is_an_error_at_its_first_use() -> None:
    late = lazy_pattern("(")
    with pytest.raises(re.error):
        late.match("")
