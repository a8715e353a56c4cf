from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from offbook.core.sequences import Bin, common_prefix, histogram

NUMBERS = st.lists(st.integers(0, 3), max_size=8)


@given(NUMBERS, NUMBERS)
def test_common_prefix_is_the_longest_one(one: Any, other: Any) -> None:
    length = common_prefix(one, other)
    assert one[:length] == other[:length]
    assert one[: length + 1] != other[: length + 1] or length == len(one) == len(other)


@given(st.lists(st.integers(0, 10_000), min_size=1), st.integers(1, 30))
def test_every_value_is_in_its_bin(values: Any, bars: Any) -> None:
    bins = histogram(values, bars)
    assert len(bins) <= bars
    assert [sum(each.low <= value <= each.high for value in values) for each in bins] == [each.count for each in bins]
    assert sum(each.count for each in bins) == len(values)


def test_no_values_make_no_histogram() -> None:
    assert histogram([]) == []


def test_bins_are_of_equal_width_and_start_at_zero() -> None:
    assert histogram([0, 1, 5, 5], bars=3) == [Bin(0, 1, 2), Bin(2, 3, 0), Bin(4, 5, 2)]
