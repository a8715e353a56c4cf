"""Lists in cells, as Python and numpy write them."""

from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.data.cell_lists import cell, literal
from offbook.data.loading import load

DICTS = "[{'role': 'user', 'content': 'Lit?'}\n {'role': 'assistant', 'content': \"It's lit.\"}]"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("['Lit?' 'Since four.'\n 'Why?']", ["Lit?", "Since four.", "Why?"]),
        ("['Lit?', 'Since four.']", ["Lit?", "Since four."]),
        ("""['Lit?' "It's lit."]""", ["Lit?", "It's lit."]),
        (DICTS, [{"role": "user", "content": "Lit?"}, {"role": "assistant", "content": "It's lit."}]),
        ("[array(['Lit?', 'Yes.'], dtype=object)]", [["Lit?", "Yes."]]),
        ("['Since four.']", "Since four."),
        ('["It\'s lit."]', "It's lit."),
        ('["It\'s lit.", "It\'s dry."]', ["It's lit.", "It's dry."]),
        (r'["\ud83d\ude00", "Yes."]', ["\U0001f600", "Yes."]),
        ('{"text": "Since four."}', "Since four."),
        ('{"role": "assistant", "content": "Since four."}', "Since four."),
        ('{"answer": "Since four.", "mood": "calm"}', '{"answer": "Since four.", "mood": "calm"}'),
        ("{sighs} Since four.", "{sighs} Since four."),
        ("[sighs] 'Since' 'four'", "[sighs] 'Since' 'four'"),
        ("['Since four'", "['Since four'"),
        ("[1, 2]", "[1, 2]"),
        ("['sighs'] Since four [or 'five']", "['sighs'] Since four [or 'five']"),
    ],
)
def test_a_cell_is_the_list_that_it_holds(text: str, value: Any) -> None:
    assert cell(text) == value


def test_texts_that_nothing_parts_are_not_joined() -> None:
    assert literal("['Lit?' 'Since four.']") == ["Lit?", "Since four."]


def test_numpy_s_messages_are_read_and_several_answers_refused(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    quoted = DICTS.replace('"', '""')
    table.write_text(f'messages\n"{quoted}"\n', "utf-8")
    assert [turn.text for turn in load([table]).conversations[0].turns] == ["Lit?", "It's lit."]
    table.write_text("prompt,response\nLit?,['Since four.' 'No.']\n", "utf-8")
    with pytest.raises(UsageError, match="its column 'response' is taken for output, and is not text but a list"):
        load([table])
