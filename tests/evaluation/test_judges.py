from __future__ import annotations

from offbook.core.text import is_chinese
from offbook.evaluation.judges import impostors, shuffled
from tests.evaluation.fakes import HELDOUT, line, outputs, rows


def test_shuffled_words_are_the_same_words() -> None:
    text = line(7)
    assert shuffled(text) != text
    assert sorted(shuffled(text).split()) == sorted(text.split())
    assert shuffled(text) == shuffled(text)
    assert sorted(shuffled("臣妾给皇上请安")) == sorted("臣妾给皇上请安")


def test_plain_answers_are_in_the_characters_language() -> None:
    chinese = rows([(f"第{number}问？", f"臣妾给皇上请安，第{number}回。") for number in range(30)])
    for heldout, letters in ((chinese, True), (HELDOUT, False)):
        lines = [row.replies[-1] for row in heldout]
        answers = impostors(outputs(heldout=heldout, prompts=2), lines, [])["plain"]
        assert sum(is_chinese(text) == letters for text in answers) > 20
        assert not (letters and "Fish" in "".join(answers))
