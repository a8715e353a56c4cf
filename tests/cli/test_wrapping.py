"""Help in Chinese is broken into lines as Chinese is."""

from __future__ import annotations

from offbook.cli.wrapping import CLOSING, OPENING, columns, wrap

TEXT = "characterai、imessage、sillytavern，“甄嬛传”这样的\n剧本（见 docs/zh/extract.md）。  [默认：0.9; 0<=x<=1]"


def test_lines_keep_within_their_columns_and_lose_nothing() -> None:
    for width in (20, 24, 31, 78):
        lines = wrap(TEXT, width)
        assert all(columns(line) <= width or line.startswith("docs/zh") for line in lines), lines
        assert "".join("".join(lines).split()) == "".join(TEXT.split())


def test_words_stay_whole_and_punctuation_stays_with_its_word() -> None:
    lines = wrap(TEXT, 20)
    for word in ("characterai", "imessage", "sillytavern", "[默认：0.9; 0<=x<=1]"):
        assert sum(word in line for line in lines) == 1, lines
    assert not any(line[0] in CLOSING or line[-1] in OPENING for line in lines)


def test_a_line_break_in_the_source_is_no_space_between_characters() -> None:
    assert wrap("一段\n话 and\nmore", 78) == ["一段话 and more"]
    assert wrap("", 10) == []
