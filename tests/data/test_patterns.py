"""Marks: what is found in a line, and, as important, what is not."""

import time
from typing import Any

import pytest

from offbook.data import patterns


@pytest.mark.parametrize(
    ("mark", "text", "piece"),
    [
        (patterns.markup, "<i>臣妾</i>做不到", "<i>"),
        (patterns.markup, 'one<br/>two <a href="x">', "<br/>"),
        (patterns.markup, "Tom &amp; Jerry", "&amp;"),
        (patterns.markup, "I **must** go", "**must**"),
        (patterns.markup, "said\n## Act two", "## "),
        (patterns.markup, "[link](http://a.b)", "[link](http://a.b)"),
        (patterns.markup, r"{\an8}走吧", r"{\an8}"),
        (patterns.markup, "见 https://example.org/x", "https://example.org/x"),
        (patterns.special, "好的<|im_end|>", "<|im_end|>"),
        (patterns.special, "好的</s>", "</s>"),
        (patterns.special, "[INST] go [/INST]", "[INST]"),
        (patterns.special, "a<end_of_turn>", "<end_of_turn>"),
        (patterns.special, "a\u200bb", "\u200b"),
        (patterns.special, "a\x00b", "\x00"),
        (patterns.special, r"灯亮了\n走吧", r"\n"),
        (patterns.special, r"Since four.\ngo home", r"\n"),
        (patterns.special, r"She said \"no\".", r"\""),
        (patterns.special, "乱\ufffd码", "\ufffd"),
        (patterns.personal, "写信到 zhen.huan@gong.example 来", "zhen.huan@gong.example"),
        (patterns.personal, "我的电话是13800138000。", "13800138000"),
        (patterns.personal, "call +44 20 7946 0958 now", "+44 20 7946 0958"),
        (patterns.personal, "身份证11010519491231002X", "11010519491231002X"),
        (patterns.unbalanced, "他说：“走吧。", "“"),
        (patterns.unbalanced, "走吧）。", "）"),
        (patterns.unbalanced, "他说:(笑", "("),
        (patterns.unbalanced, "“One.\n\n“Two.", "“"),
        (patterns.special, "<image>\nWhat is it?", "<image>"),
        (patterns.special, "<｜User｜>Lit?", "<｜User｜>"),
        (patterns.unbalanced, "（a「b）c」", "）"),
        (patterns.unbalanced, 'He said "go.', '"'),
    ],
)
def test_found(mark: Any, text: str, piece: Any) -> None:
    assert mark(text) == piece


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        (patterns.markup, "1 < 2 & 3 > 2, a * b * c, #1, [pause] (softly)"),
        (patterns.special, r"It lies in C:\new\text, \\host\names."),
        (patterns.special, "皇上——\n\t臣妾<告退>…… s|t [1]"),
        (patterns.personal, "138001380001234 年，乾隆13年；110105194912310021 不是号码；a@b"),
        (patterns.unbalanced, "（一）「二『三』」“四”'tis the king's 5\" 6\""),
        (patterns.unbalanced, "I came :) (late, :-( too) and left ;)"),
        (patterns.unbalanced, "1) Oil.\n2) Wick.\na) both"),
        (patterns.unbalanced, "1）油\n2）灯芯"),
        (patterns.unbalanced, "I am 6'2\" tall."),
        (patterns.unbalanced, "“The ship sank.\n\n“Nobody came.” (I wept.)"),
    ],
)
def test_not_found(mark: Any, text: str) -> None:
    assert mark(text) is None


@pytest.mark.parametrize(
    "piece",
    ["A", "7", ".", "-", "_", "a.", "a.@", "1-1-1-", "[", "[](", "{\\a", "<a ", "**", "&", "<|", "“", "(", "+1 "],
)
def test_a_long_text_takes_no_longer_than_its_length(piece: str) -> None:
    """An example is a key or a hex dump. Quadratic patterns took a minute on this one."""
    text = ("x" + piece * 200_000)[:200_000]
    began = time.process_time()
    for mark in (patterns.markup, patterns.special, patterns.personal, patterns.unbalanced):
        mark(text)
    assert time.process_time() - began < 2
