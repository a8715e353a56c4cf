"""Marks: what is found in a line, and, as important, what is not."""

import pytest

from offbook.data import marks


@pytest.mark.parametrize(
    ("mark", "text", "piece"),
    [
        (marks.markup, "<i>臣妾</i>做不到", "<i>"),
        (marks.markup, 'one<br/>two <a href="x">', "<br/>"),
        (marks.markup, "Tom &amp; Jerry", "&amp;"),
        (marks.markup, "I **must** go", "**must**"),
        (marks.markup, "said\n## Act two", "## "),
        (marks.markup, "[link](http://a.b)", "[link](http://a.b)"),
        (marks.markup, r"{\an8}走吧", r"{\an8}"),
        (marks.markup, "见 https://example.org/x", "https://example.org/x"),
        (marks.special, "好的<|im_end|>", "<|im_end|>"),
        (marks.special, "好的</s>", "</s>"),
        (marks.special, "[INST] go [/INST]", "[INST]"),
        (marks.special, "a<end_of_turn>", "<end_of_turn>"),
        (marks.special, "a\u200bb", "\u200b"),
        (marks.special, "a\x00b", "\x00"),
        (marks.special, "乱\ufffd码", "\ufffd"),
        (marks.personal, "写信到 zhen.huan@gong.example 来", "zhen.huan@gong.example"),
        (marks.personal, "我的电话是13800138000。", "13800138000"),
        (marks.personal, "call +44 20 7946 0958 now", "+44 20 7946 0958"),
        (marks.personal, "身份证11010519491231002X", "11010519491231002X"),
        (marks.unbalanced, "他说：“走吧。", "“"),
        (marks.unbalanced, "走吧）。", "）"),
        (marks.unbalanced, "（a「b）c」", "）"),
        (marks.unbalanced, 'He said "go.', '"'),
    ],
)
def test_found(mark, text, piece):
    assert mark(text) == piece


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        (marks.markup, "1 < 2 & 3 > 2, a * b * c, #1, [pause] (softly)"),
        (marks.special, "皇上——\n\t臣妾<告退>…… s|t [1]"),
        (marks.personal, "138001380001234 年，乾隆13年；110105194912310021 不是号码；a@b"),
        (marks.unbalanced, "（一）「二『三』」“四”'tis the king's 5\" 6\""),
    ],
)
def test_not_found(mark, text):
    assert mark(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("臣妾做不到啊", "Chinese"),
        ("OK，臣妾知道了", "Chinese"),
        ("My lord, I know not.", "Latin"),
        ("私は行きます", "Japanese"),
        ("안녕하세요 여러분", "Korean"),
        ("Здравствуйте", "Cyrillic"),
        ("是", None),
        ("Oh!", None),
        ("……", None),
    ],
)
def test_script(text, name):
    assert marks.script(text) == name
