from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offbook.evaluation import copying
from offbook.evaluation.copying import RUN, SEED, TrainingLines
from tests.evaluation.fakes import TRAIN, line, outputs

LINES = TrainingLines(
    [
        "To be, or not to be, that is the question: whether 'tis nobler in the mind to suffer",
        "Well, God-a-mercy.",
        "家父是大理寺少卿甄远道，臣妾给皇上请安，皇上万福金安。",
    ]
)


def test_a_training_line_is_verbatim_whatever_its_punctuation() -> None:
    result = LINES.find("well god a mercy!!")
    assert (result.verbatim, result.near_verbatim, result.line) == (True, True, 1)
    assert result.marks == ((0, 16),)


def test_a_lifted_run_is_found_and_marked_where_it_stands() -> None:
    text = "My lord, that is the question: whether 'tis nobler in the mind! And so good night to all of you here."
    result = LINES.find(text)
    assert (result.verbatim, result.near_verbatim, result.longest, result.line) == (False, False, 10, 0)
    assert [text[start:end] for start, end in result.marks] == ["that is the question: whether 'tis nobler in the mind"]
    assert result.lifted == 10


def test_a_reply_that_is_four_fifths_lifted_is_a_near_copy() -> None:
    result = LINES.find("Ay: to be or not to be that is the question whether 'tis nobler")
    assert (result.verbatim, result.near_verbatim) == (False, True)


def test_short_runs_are_chance() -> None:
    result = LINES.find("To be, or not to be, I cannot tell you.")
    assert (result.lifted, result.marks, result.longest) == (0, (), 6)


def test_chinese_is_compared_character_by_character() -> None:
    text = "臣妾给皇上请安，皇上万福金安，今日天气真好。"
    result = LINES.find(text)
    assert [text[start:end] for start, end in result.marks] == ["臣妾给皇上请安，皇上万福金安"]
    assert result.longest == 13


def test_an_empty_reply_copies_nothing() -> None:
    result = LINES.find("…")
    assert (result.near_verbatim, result.words, result.longest) == (False, 0, 0)


def test_copying_is_measured_against_the_characters_own_unseen_lines() -> None:
    result = copying.measure(outputs(lambda _: TRAIN[0].replies[-1]))
    assert result.tuned.verbatim_share == result.tuned.near_verbatim_share == 1.0
    assert result.tuned.longest_run_line == line(0)
    assert result.base.near_verbatim_share == 0.0
    assert result.reference.verbatim_share == 0.0
    assert result.excess == 1.0 - result.reference.near_verbatim_share


@given(st.lists(st.text("ab", min_size=1, max_size=30), min_size=1, max_size=4), st.text("ab", max_size=40))
def test_repeated_words_share_what_a_comparison_of_everything_finds(lines: list[str], text: str) -> None:
    copied = TrainingLines([" ".join(line) for line in lines]).find(" ".join(text))
    if copied.verbatim:
        assert (copied.longest, copied.lifted) == (len(text), len(text))
        return
    shared = {part for line in lines for part in parts(line) if part in text}
    assert copied.longest == max((len(part) for part in shared if len(part) >= SEED), default=0)
    starts = [start for start in range(len(text)) if text[start : start + RUN] in shared and start + RUN <= len(text)]
    assert copied.lifted == len({place for start in starts for place in range(start, start + RUN)})


def parts(text: str) -> set[str]:
    """All runs of letters in a text."""
    return {text[start:end] for start in range(len(text)) for end in range(start + 1, len(text) + 1)}
