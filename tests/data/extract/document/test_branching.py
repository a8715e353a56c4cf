"""Scripts of branching stories: speeches without what the program does."""

from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract import extract, speakers
from offbook.data.extract.script import play
from offbook.data.extract.source import open_source
from tests.data.extract.reading import cues

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


def spoken(tmp_path: Path, name: str, script: str) -> list[tuple[str, str]]:
    path = tmp_path / name
    path.write_text(script, encoding="utf-8")
    return [(cue.speaker, cue.text) for cue in cues(play.read, list(open_source(path)))]


def test_links_within_a_sentence_of_twine_s_are_said_and_choices_behind_it_are_not(tmp_path: Path) -> None:
    script = """:: Pier
Ada: I saw a [[red lamp|Lamp]] up there. [[Look->Up]]
Dick: <<if $lit>>It is lit.<<else>>It is dark.<</if>> See http://lamp.example for more.
Ada: A [big]<size| one, $keeper.name. @@.red;Careful!@@
/* Dick: This
Dick: is cut. */
Dick: [[Row with me!|Boat]]
"""
    assert spoken(tmp_path, "pier.twee", script) == [
        ("Ada", "I saw a red lamp up there."),
        ("Dick", "It is lit. See http://lamp.example for more."),
        ("Ada", "A big one, {{keeper.name}}. Careful!"),
        ("Dick", "Row with me!"),
    ]


def test_comments_of_ink_over_several_lines_are_not_said(tmp_path: Path) -> None:
    script = "/*\nAda: Cut.\nAda: Cut, too.\n*/\nAda: Is it in? /* low */\nDick: Not yet.\nAda: Then we wait.\n"
    assert spoken(tmp_path, "pier.ink", script) == [
        ("Ada", "Is it in?"), ("Dick", "Not yet."), ("Ada", "Then we wait."),
    ]  # fmt: skip


def test_of_what_yarn_spinner_chooses_from_the_first_is_taken(tmp_path: Path) -> None:
    script = """title: Pier
---
Ada: [select value={$who} m="He" f="She"/] has [plural value={$n} one="% oar" other="% oars" /], {worth($n)}.
=> Dick: Has she?
Ada: Yes.
===
"""
    assert spoken(tmp_path, "pier.yarn", script) == [
        ("Ada", "He has {{n}} oar, {{worth n}}."), ("Dick", "Has she?"), ("Ada", "Yes."),
    ]  # fmt: skip


def test_quotation_marks_around_the_speeches_of_a_story_are_not_said(tmp_path: Path) -> None:
    script = ':: Pier\nAda: "Is it in?"\nDick: "Not yet."\nAda: "Then we wait."\nDick: Good.\n'
    assert [text for _, text in spoken(tmp_path, "pier.twee", script)][:2] == ["Is it in?", "Not yet."]


def test_what_stands_around_a_story_of_twine_s_and_its_marks_are_not_said(tmp_path: Path) -> None:
    script = """:: StoryCaption
Trust: $trust

:: Pier
**Ada:** Is it **in**?
Dick: Not yet,\\
Ada: It is ==late== dark.
"""
    assert spoken(tmp_path, "pier.twee", script) == [("Ada", "Is it in?"), ("Dick", "Not yet,"), ("Ada", "It is dark.")]


def test_macros_of_sugarcube_s_that_name_who_speaks_hold_speeches(tmp_path: Path) -> None:
    script = """:: Pier
<<speech "Ada" "ada.png">>Is it in?<</speech>>
<<say 'Dick'>>
Not yet.
<<if $late>>So late?<</if>>
<</say>>
<<speech "Ada">>Then we wait.
"""
    assert spoken(tmp_path, "pier.twee", script) == [("Ada", "Is it in?"), ("Dick", "Not yet. So late?")]
