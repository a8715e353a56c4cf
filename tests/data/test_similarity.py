"""The index finds what a comparison of all pairs finds."""

import random
from collections.abc import Sequence

import pytest

from offbook.data.similarity import THRESHOLD, SimilarityIndex, TrigramSets


def trigrams(text: str) -> set[str]:
    return {text[place : place + 3] for place in range(max(1, len(text) - 2))}


def jaccard(one: str, other: str) -> float:
    first, second = trigrams(one), trigrams(other)
    return len(first & second) / len(first | second)


def found_by_index(texts: Sequence[str | None]) -> set[int]:
    """Numbers of the texts that are similar to an earlier one which is similar to none before."""
    index, result = SimilarityIndex(TrigramSets(texts)), set()
    for number in range(len(texts)):
        if index.find(number) is None:
            index.add(number)
        else:
            result.add(number)
    return result


def found_by_all_pairs(texts: list[str]) -> set[int]:
    kept: list[str] = []
    result = set()
    for number, text in enumerate(texts):
        if any(jaccard(text, other) >= THRESHOLD for other in kept):
            result.add(number)
        else:
            kept.append(text)
    return result


def variations(seed: int) -> list[str]:
    """Texts of letters, most of them an earlier one with some letters exchanged: likeness of every degree."""
    rng = random.Random(seed)
    texts = ["".join(rng.choices("abcdefghij甄嬛皇上", k=rng.randint(1, 60))) for _ in range(20)]
    for _ in range(180):
        letters = list(rng.choice(texts))
        for _ in range(rng.randint(0, 1 + len(letters) // 12)):
            letters[rng.randrange(len(letters))] = rng.choice("klmno臣妾")
        texts.append("".join(letters))
    return texts


@pytest.mark.parametrize("seed", range(5))
def test_the_index_finds_what_comparing_all_pairs_finds(seed: int) -> None:
    texts = variations(seed)
    expected = found_by_all_pairs(texts)
    assert 20 < len(expected) < 180
    assert found_by_index(texts) == expected


def test_signs_case_and_width_do_not_count() -> None:
    texts = [
        "臣妾恭送皇上。",
        "臣妾、恭送皇上——",
        "ＡＢＣ def",
        "abc, DEF!",
        "。",
        "？",
        "。",
        "是",
        "是。",
        "是是",
        "是aa",
    ]
    assert found_by_index(texts) == {1, 3, 6, 8}


def test_a_missing_text_is_similar_to_none() -> None:
    assert found_by_index([None, None, "a", None, "a"]) == {4}
    assert found_by_index([None, None]) == set()
    assert found_by_index([]) == set()


def test_many_copies_of_a_pattern_cost_no_quadratic_time() -> None:
    texts = [
        f"这是一段每一行都要重复出现的很长很长的开场白，只有末尾的编号有所不同，第{number}号" for number in range(3000)
    ]
    assert len(found_by_index(texts)) == 2999
