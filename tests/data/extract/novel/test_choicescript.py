"""ChoiceScript's scenes."""

from offbook.data.extract.novel.choicescript import looks_like, read
from tests.data.extract.reading import texts

SCENE = """
*title The Lamp
*create trust 50
*scene_list
  startup
  pier

*label pier
The keeper is already there, ${name}.

"You're late, ${name}," says Tom. @{(trust > 50) He smiles.|He does not smile.}

*choice
  #"I overslept."
    "Everybody [i]oversleeps[/i]," says Tom.
    *goto lamp
  *hide_reuse #Say nothing.
    "Well?" says Mara.
    *goto lamp

*label lamp
*if (trust > 50)
  "You'll do," says Tom.
*finish
"""


def test_prose_is_read_without_commands_and_options() -> None:
    assert looks_like(SCENE.splitlines()) == 1
    assert texts(read, SCENE) == [
        ("Tom", "You're late, {{name}}."),
        ("Tom", "Everybody oversleeps."),
        ("Mara", "Well?"),
        ("Tom", "You'll do."),
    ]


def test_names_before_what_is_said_are_read_as_a_script_s() -> None:
    scene = "*label pier\nMara: Is it lit?\nTom: No, ${name}.\n*page_break\nMara: Then wait.\nTom: Why?\n*finish"
    assert texts(read, scene)[:2] == [("Mara", "Is it lit?"), ("Tom", "No, {{name}}.")]


def test_a_list_of_markdown_is_no_scene() -> None:
    assert looks_like(["*set* the lamp", "* choice of oil", "*if* it is dark", "*goto* bed"]) == 0
