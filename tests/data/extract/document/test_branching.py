"""Scripts of branching stories: speeches without what the program does."""

from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract import extract, speakers

STORIES = {
    "ferry.yarn": """title: Pier
tags: fog
position: 4,7
---
<<set $fare to 2>>
Ada: Is it in? #line:0a
Dick: Not yet, {$name}. // he lies
-> Ada: Then we wait.
    Dick: [wave]Good[/wave].
<<jump Boat>>
===
title: Boat
---
The fog lifts.
Ada: There! #line:0b
===
""",
    "ferry.ink": """VAR fare = 2
=== pier ===
# fog
Ada: Is it in? #low
Dick: Not yet, {name}. // he lies
* (wait) [Wait] Ada: Then we wait.
  Dick: Good.<>
  ~ fare = 3
-> boat
= boat
The fog lifts.
- Ada: There! -> END
""",
    "ferry.twee": """:: StoryData
{
"ifid": "4D",
"start": "Pier"
}

:: Style [stylesheet]
body: x

:: Pier [fog] {"position":"4,7"}
(set: $fare to 2)
Ada: Is it in?
Dick: Not yet, $name. <<set $fare to 2>>
Ada: ''Then we wait.''
Dick: Good.
[[Row->Boat]]

:: Boat
The fog lifts.
Ada: There!
""",
}


@pytest.mark.parametrize("name", STORIES)
def test_the_same_story_in_each_language(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(STORIES[name], encoding="utf-8")
    assert {speaker.name: speaker.lines for speaker in speakers([path])} == {"Ada": 3, "Dick": 2}
    rows = extract([path], "Ada").rows
    assert [row["messages"][-1]["content"] for row in rows][-2:] == ["Then we wait.", "There!"]
    assert rows[-1]["messages"][0]["content"] == "(The fog lifts.)"
    assert STORIES[name].splitlines()[rows[-1]["source"]["script_line"] - 1].lstrip("- ").startswith("Ada: There!")
    assert extract([path], "Dick").rows[0]["messages"][-1]["content"] == "Not yet, {{name}}."


def test_naninovel_names_have_an_appearance(tmp_path: Path) -> None:
    path = tmp_path / "pier.nani"
    path.write_text(
        "# Pier\n@back Pier\n; fog\nAda.Happy: Is it <b>in</b>, {name}?[i]\nDick: Not yet.[-]\n@stop\n",
        encoding="utf-8",
    )
    rows = extract([path], "Dick").rows
    assert [message["content"] for message in rows[0]["messages"]] == ["Is it in, {{name}}?", "Not yet."]


def test_a_story_in_which_nobody_is_named_says_so(tmp_path: Path) -> None:
    path = tmp_path / "fog.ink"
    path.write_text("=== pier ===\nThe fog lifts.\n-> END\n", encoding="utf-8")
    with pytest.raises(UsageError, match="nobody speaks"):
        speakers([path])


def test_of_what_ink_chooses_from_the_first_is_taken_and_its_tags_and_ways_on_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "ferry.ink"
    path.write_text(
        "-> pier\n=== pier ===\nAda: Is it in? # mood: low\n{fare: Dick: Not yet.|Dick: No.}\nAda: {~Well|So}, then.\n"
        'Dick: {We wait.|We row.} -> boat\n* "Yes." -> END\n',
        encoding="utf-8",
    )
    assert [row["messages"][-1]["content"] for row in extract([path], "Ada").rows] == ["Is it in?", "Well, then."]
    assert [row["messages"][-1]["content"] for row in extract([path], "Dick").rows] == ["Not yet.", "We wait."]


def test_naninovel_s_text_identifiers_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "ferry.nani"
    path.write_text("Ada: Is it in?|#1f|\nDick|#2|: Not yet.|#3|\nAda: Then we wait.|#~4|\n", encoding="utf-8")
    assert {speaker.name for speaker in speakers([path])} == {"Ada", "Dick"}
    assert [row["messages"][-1]["content"] for row in extract([path], "Dick").rows] == ["Not yet."]


def test_what_twine_s_macros_show_is_said_and_of_alternatives_the_first(tmp_path: Path) -> None:
    path = tmp_path / "pier.twee"
    path.write_text(
        ":: Pier\n"
        "Ada: Is it in?\n"
        "Dick: (if: (random: 1, 2) is 1)[Yes.](else:)[No.] (text-colour: red)[Careful!]\n"
        "(if: $late)[Ada: So late, (print: $name)?]\n"
        "Dick: //Very// late. /* he lies */\n"
        "Ada: <<print $name>>!\n",
        encoding="utf-8",
    )
    rows = [[message["content"] for message in row["messages"]] for row in extract([path], "Dick").rows]
    assert rows == [["Is it in?", "Yes. Careful!"], ["So late, {{name}}?", "Very late."]]
    assert extract([path], "Ada").rows[-1]["messages"][-1]["content"] == "{{name}}!"
