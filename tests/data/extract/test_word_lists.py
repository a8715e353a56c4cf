"""Word lists: data files, one for each language, from which the patterns of the readers are put together."""

import re

import pytest

from offbook.data.extract.word_lists import load, load_all, one_of, words


def test_an_underscore_stands_for_a_space() -> None:
    assert words("at_last then") == {"at last", "then"}


def test_the_longest_word_is_tried_first_and_signs_mean_themselves() -> None:
    result = re.match(one_of({"a", "a.b"}), "a.b")
    assert result is not None
    assert result[0] == "a.b"
    assert not re.fullmatch(one_of({"a.b"}), "axb")


def test_an_empty_list_matches_nothing() -> None:
    assert not re.search(one_of(()), "anything")


def test_lists_of_one_name_are_put_together_from_all_languages() -> None:
    acts = load_all("script")["act"]
    assert load("script", "en")["act"] < acts
    assert {"act", "aufzug", "acte", "acto", "действие"} <= acts


def test_a_language_without_lists_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        load("script", "tlh")
