"""Interviews whose questions stand in bold and name nobody."""

from offbook.data.extract.script import interview, play
from tests.data.extract.reading import cues, left, numbered, texts

CHEF = """
# “I never wanted to be a chef”

Lena Hart runs a small kitchen in Leeds.

**When did you start cooking?**

I was nine. My grandmother had a stall.

She let me peel things. (laughs)

**The early years**

**And did you like it?** Not at all.

**Tell me about the onions.**

I cook them every day. **Every** day.

---

Her book is out on Friday.

**Would you go back?**

No.
"""


def test_unnamed_questions_in_bold_are_one_side_and_what_follows_is_the_other() -> None:
    assert texts(interview.read, CHEF) == [
        ("Q", "When did you start cooking?"),
        ("A", "I was nine. My grandmother had a stall.\nShe let me peel things."),
        ("Q", "And did you like it?"),
        ("A", "Not at all."),
        ("Q", "Tell me about the onions."),
        ("A", "I cook them every day. Every day."),
        ("Q", "Would you go back?"),
        ("A", "No."),
    ]


def test_titles_and_what_stands_before_the_first_question_or_behind_a_rule_are_left_out() -> None:
    assert left(interview.read, numbered(CHEF)) == {"heading": [1, 11], "narration": [3, 21]}
    scenes = [cue.scene for cue in cues(interview.read, numbered(CHEF))]
    assert scenes[0] != scenes[-1]


def test_an_answer_may_have_a_name() -> None:
    text = "**What is it about?**\n**Mara:** Water.\n\n**Water?**\n**Mara:** The sea.\n\n**And you?**\n**Tom:** Wind.\n"
    assert texts(interview.read, text + "\n**Who plays?**\n**Tom:** We do.") == [
        ("Q", "What is it about?"),
        ("Mara", "Water."),
        ("Q", "Water?"),
        ("Mara", "The sea."),
        ("Q", "And you?"),
        ("Tom", "Wind."),
        ("Q", "Who plays?"),
        ("Tom", "We do."),
    ]


def test_chinese_sides_have_chinese_names_and_headings_may_ask() -> None:
    text = "## 您什么时候开始写作的？\n\n九岁。\n\n## 写什么？\n\n写鱼。\n\n## 现在呢？\n\n还写。"
    assert texts(interview.read, text)[:2] == [("问", "您什么时候开始写作的？"), ("答", "九岁。")]


def test_what_is_no_such_interview_is_not_taken_for_one() -> None:
    assert interview.looks_like(CHEF.split("\n")) == 1.0
    named = (
        "**GQ: What is it?**\n\n**Mara:** Water.\n\n**GQ: Water?**\n\n**Mara:** Yes.\n\n**GQ: Why?**\n\n**Mara:** So."
    )
    assert interview.looks_like(named.split("\n")) == 0.0
    assert interview.looks_like(["**Who’s there?**", "It rained on the town."] * 2) == 0.0
    story = ["**Who was he?**", *["It rained on the town."] * 30] * 4
    assert interview.looks_like(story) == 0.0


def test_a_line_in_bold_may_hold_its_speakers_name() -> None:
    text = "**GQ: What is it about?**\n\n**Mara:** Water.\n\n**GQ: Water?**\n\n**Mara:** The sea."
    assert texts(play.read, text)[2:] == [("GQ", "Water?"), ("Mara", "The sea.")]
