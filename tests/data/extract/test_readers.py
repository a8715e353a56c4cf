"""The readers of books and scripts on any text whatever: cues and pieces left out, never an error."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbook.data.extract import subtitles
from offbook.data.extract.cue import Cue, Skipped
from offbook.data.extract.novel import reader
from offbook.data.extract.script import fountain, play, screenplay

SIGNS = list("：；:“”‘’'\"「」()[]（）_*#,.!?…—|{}@\\\n ")
WORDS = """
Ada Dick ADA. 阿澈 ** said replied she 道 笑道 -- Enter Curtain Мара. Да. I you Mr. ’s 0 12:30 INT. --> 00:01.000
"""
PHRASES = ["\n\n", "ACT I", "第一幕", "the old man ", "<v Ada>", "said the ", "{\\p1}"]
PIECES = st.sampled_from([*SIGNS, *WORDS.split(), *PHRASES])
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=60).map("".join)


@pytest.mark.parametrize("module", [reader, play, screenplay, fountain, subtitles], ids=lambda module: module.__name__)
@settings(max_examples=80, deadline=None)
@given(text=TEXTS)
def test_any_text_gives_cues_of_its_lines(module: Any, text: str) -> None:
    lines = list(enumerate(text.split("\n"), 1))
    for item in module.read(lines):
        assert isinstance(item, Cue | Skipped)
        assert 1 <= item.line <= len(lines)
        if isinstance(item, Cue):
            assert item.text.strip()
            assert 0 <= item.confidence <= 1
    assert 0 <= module.looks_like(text.split("\n")) <= 1
