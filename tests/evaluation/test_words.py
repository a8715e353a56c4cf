from __future__ import annotations

from offbook.evaluation.words import spans, words


def test_words_are_words_of_spaced_writing_and_single_chinese_characters() -> None:
    assert words("'Tis bitter cold, O'er-wrought!") == ["tis", "bitter", "cold", "o'er", "wrought"]
    assert words("本宫知道了，OK？") == ["本", "宫", "知", "道", "了", "ok"]
    assert words("don’t") == words("Don't")
    assert words("… ！") == []


def test_spans_say_where_a_word_stands() -> None:
    text = "Ay, 皇上!"
    assert [text[start:end] for _, start, end in spans(text)] == ["Ay", "皇", "上"]
