from __future__ import annotations

from itertools import chain, repeat

import pytest

from offbook.core.types import Reply
from offbook.evaluation import copying, stopping
from offbook.evaluation.copying import Lines
from tests.evaluation.fakes import TRAIN, evidence, line

LINES = Lines(
    [
        "To be, or not to be, that is the question: whether 'tis nobler in the mind to suffer",
        "Well, God-a-mercy.",
        "家父是大理寺少卿甄远道，臣妾给皇上请安，皇上万福金安。",
    ]
)


def test_a_training_line_is_verbatim_whatever_its_punctuation() -> None:
    found = LINES.find("well god a mercy!!")
    assert found.verbatim and found.near and found.source == 1
    assert found.marks == [[0, 16]]


def test_a_lifted_run_is_found_and_marked_where_it_stands() -> None:
    text = "My lord, that is the question: whether 'tis nobler in the mind! And so good night to all of you here."
    found = LINES.find(text)
    assert (found.verbatim, found.near, found.longest, found.source) == (False, False, 10, 0)
    assert [text[start:end] for start, end in found.marks] == ["that is the question: whether 'tis nobler in the mind"]
    assert found.lifted == 10


def test_a_reply_that_is_four_fifths_lifted_is_a_near_copy() -> None:
    found = LINES.find("Ay: to be or not to be that is the question whether 'tis nobler")
    assert (found.verbatim, found.near) == (False, True)


def test_short_runs_are_chance() -> None:
    found = LINES.find("To be, or not to be, I cannot tell you.")
    assert (found.lifted, found.marks, found.longest) == (0, [], 6)


def test_chinese_is_compared_character_by_character() -> None:
    text = "臣妾给皇上请安，皇上万福金安，今日天气真好。"
    found = LINES.find(text)
    assert [text[start:end] for start, end in found.marks] == ["臣妾给皇上请安，皇上万福金安"]
    assert found.longest == 13


def test_an_empty_reply_copies_nothing() -> None:
    found = LINES.find("…")
    assert (found.near, found.words, found.longest) == (False, 0, 0)


def test_copying_is_measured_against_the_characters_own_unseen_lines() -> None:
    summary = copying.measure(evidence(lambda prompt: TRAIN[0].replies[-1])).summary
    assert summary["tuned"]["verbatim_share"] == summary["tuned"]["near_verbatim_share"] == 1.0
    assert summary["tuned"]["longest_run_line"] == line(0)
    assert summary["base"]["near_verbatim_share"] == 0.0
    assert summary["own"]["verbatim_share"] == 0.0
    assert summary["excess"] == 1.0 - summary["own"]["near_verbatim_share"]


def test_repetition_is_the_share_of_runs_that_were_said_before() -> None:
    assert stopping.repetition("to be or not to be") == 0.0
    assert stopping.repetition("I say no and I say no and I say no and") == pytest.approx(1 - 4 / 9)
    assert stopping.repetition("no") == 0.0


def test_endings_loops_and_empty_replies_are_counted() -> None:
    loop = "I will go and I will go and I will go and"
    said = chain(["ay my lord"] * 20, [" "], [loop] * 3, repeat("Who?"))
    found = stopping.measure(evidence(lambda prompt: next(said), stops=lambda text: text != loop))
    tuned = found.summary["tuned"]
    assert tuned["share"] == pytest.approx(21 / 24, abs=1e-6)
    assert tuned["loops"] == pytest.approx(3 / 24, abs=1e-6)
    assert tuned["empty"] == pytest.approx(1 / 24, abs=1e-6)
    assert [item["tuned"]["loop"] for item in found.items["replies"]] == [False] * 21 + [True] * 3


def test_a_reply_is_empty_when_nothing_can_be_read() -> None:
    assert stopping._mark(Reply(" \n", True, 1))["empty"] and not stopping._mark(Reply("…", True, 1))["empty"]
