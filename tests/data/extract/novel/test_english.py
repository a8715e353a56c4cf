"""English novels: tags of every form, pronouns, turns without names, and how a quoted line ends."""

import os
import subprocess
import sys
import time
from typing import Any

import pytest

from offbook.data.extract.cue import SURE
from offbook.data.extract.novel import reader
from tests.data.extract.reading import cues, left, numbered
from tests.paths import shared_file


def sure(text: str) -> list[tuple[str, str]]:
    return [(cue.speaker, cue.text) for cue in cues(reader.read, numbered(text)) if cue.confidence >= SURE]


@pytest.mark.parametrize(
    ("tag", "speaker"),
    [
        ("said Mr. Pell.", "Mr. Pell"),
        ("said young Tom Pell.", "Tom Pell"),
        ("asked Siân O’Dwyer.", "Siân O’Dwyer"),
        ("croaked the Ferryman.", "Ferryman"),
        ("went on poor Dick, rising.", "Dick"),
        ("Dick was saying.", "Dick"),
        ("Dick slowly answered.", "Dick"),
        ("put in Lady Ada of Thorne.", "Lady Ada of Thorne"),
    ],
)
def test_a_tag_names_the_speaker(tag: Any, speaker: Any) -> None:
    (result,) = sure(f"“The tide is out,” {tag}\n\nA gull cried.\n\nA second gull cried.") or [
        ("he", "The tide is out.")
    ]
    assert result == (speaker, "The tide is out.")


@pytest.mark.parametrize(
    "tag", ["said Dick’s brother.", "Dick answered that it was.", "was all the letter said of Dick."]
)
def test_a_name_that_does_not_speak_is_no_speaker(tag: Any) -> None:
    assert not [speaker for speaker, _ in sure(f"“Is it far?” {tag}\n\n“No,” said Ada.") if speaker == "Dick"]


def test_a_line_ends_as_its_author_would_end_it_alone() -> None:
    text = """
“It was dry,” said Ada. “I dried it.”

“Then,” said Dick, “hang it up.”

“In the yard,” said Ada; and she went.

“Mind the _cat_,” said Dick.
"""
    assert sure(text) == [
        ("Ada", "It was dry. I dried it."),
        ("Dick", "Then, hang it up."),
        ("Ada", "In the yard."),
        ("Dick", "Mind the cat."),
    ]


def test_how_it_is_said_is_told_in_brackets_within_the_line() -> None:
    text = "“Well (smiling at the boy), we may go (as you say) by boat,” said Ada."
    assert sure(text) == [("Ada", "Well, we may go (as you say) by boat.")]
    text = "“Well--(smiling)--we may go, boy--(turning to him), by boat--(laughing) I hope,” said Ada."
    assert sure(text) == [("Ada", "Well--we may go, boy--by boat--I hope.")]


def test_straight_single_quotes_are_told_from_apostrophes() -> None:
    text = """
'Is it the boys' boat?' said Ada, laying down her "Almanac".

''Tis the Pells',' said Dick. 'They've lost 'em oars.'
"""
    assert [speaker for speaker, _ in sure(text)] == ["Ada", "Dick"]
    assert sure(text)[1][1].endswith("They've lost 'em oars.")


def test_a_quotation_may_stand_in_the_paragraph_after_its_tag() -> None:
    assert sure("Dick wiped the glass and said:\n\n“Half past.”\n\n“So late?” said Ada.") == [
        ("Dick", "Half past."),
        ("Ada", "So late?"),
    ]


def test_two_people_may_speak_in_one_paragraph() -> None:
    text = "Ada asked Dick, “When?” And he replied, “Now.”\n\n“Come,” said Ada.\n\n“Coming,” said Dick."
    result = cues(reader.read, numbered(text))
    assert [cue.text for cue in result][:2] == ["When?", "Now."]
    assert result[0].speaker == "Ada"
    assert result[1].speaker != "Ada"


TALK = """
“Is it mended?” said Ada to Dick.

“Nearly,” said Dick, and he took up his hammer.

“You said that on Monday.”

“I did.”

“And on Tuesday,” said Ada, folding her arms. She was tired.

“It was true,” he said, “both times.”
"""


def test_of_two_who_talk_each_answers_the_other() -> None:
    result = [(cue.speaker, cue.confidence) for cue in cues(reader.read, numbered(TALK * 12))]
    assert [speaker for speaker, _ in result] == ["Ada", "Dick", "Ada", "Dick", "Ada", "Dick"] * 12
    # Nothing comes after the last turn that would bear it out.
    assert all(confidence >= SURE for _, confidence in result[:-1])


def test_a_scene_ends_the_talk() -> None:
    (last,) = cues(reader.read, numbered(TALK + "\n* * *\n\n“Nobody told me.”"))[-1:]
    assert last.confidence < SURE


def test_thoughts_and_words_in_quotation_marks_are_not_spoken() -> None:
    text = "“How dull,” thought Ada. “I shall go.”\n\n"
    text += "They called it “the widow” here.\n\n“Come,” said Dick.\n\n“No,” said Ada."
    result = left(reader.read, numbered(text))
    assert result["a thought"] == [1, 1]
    assert result["words in quotation marks"] == [3]


def test_a_speech_over_several_paragraphs_is_one_line() -> None:
    assert sure("“First the rope,” said Dick.\n\n“Then the sail.\n\n“Then the oars,” said Ada.\n\n“Why?” said Dick.")[
        1
    ] == (
        "Ada",
        "Then the sail.\nThen the oars.",
    )


def test_a_long_book_is_read_in_time() -> None:
    chapter = "CHAPTER I\n" + TALK * 12
    book = chapter * (1_000_000 // len(chapter) + 1)
    began = time.process_time()
    count = len(cues(reader.read, numbered(book)))
    assert count > 10_000
    assert time.process_time() - began < 30


def test_two_who_say_a_line_together_are_both_its_speakers() -> None:
    (first, *_) = cues(
        reader.read, numbered("“We come too,” said Ada and Dick.\n\n“Good,” said Ada.\n\n“Yes,” said Dick.")
    )
    assert first.speakers == ("Ada", "Dick")


@pytest.mark.parametrize(
    "text",
    [
        "“Come back!” Ada called after it; and old Dick answered, “No need!”",
        "“How dull,” Ada replied, so loudly that Dick said, in a cold tone, “Is it?”",
        "“How dull,” said Ada. She heard Dick say to himself “Is it so?”",
        "“Stop there,” Ada began, but she ceased, for Dick cried out, “Silence!”",
        "“Hold fast!” cried Ada’s voice; and Dick called out as loud as he could, “Let go!”",
        "“Sit down,” said Ada, and they sat a while. At last Dick rose, and with a bow, said, “Shall we?”",
    ],
)
def test_a_clause_that_brings_in_another_line_names_its_own_speaker(text: str) -> None:
    spoken = cues(reader.read, numbered(text + "\n\n“Yes,” said Ada.\n\n“Well,” said Dick."))
    assert [cue.speaker for cue in spoken[:2]] == ["Ada", "Dick"]


def test_a_lead_is_told_by_whoever_acts_in_its_last_clause() -> None:
    text = "It was too loud to be passed by, and Dick, with a good grace, at once exclaimed,\n\n“Bravo!”"
    spoken = cues(reader.read, numbered(text + "\n\n“Yes,” said Ada.\n\n“Well,” said Dick."))
    assert (spoken[0].speaker, spoken[0].text) == ("Dick", "Bravo!")


def test_what_is_reported_is_not_spoken() -> None:
    text = "Dick wrote to them. Ada added, “that he could only stay for an hour after breakfast.”\n\n"
    text += (
        "She heard them all. “He had never seen so fine a boat, and was delighted with her oars.” She was silent.\n\n"
    )
    text += "“It is a pity,” said Ada, “that he cannot stay.”\n\n“It is,” said Dick."
    assert left(reader.read, numbered(text))["reported speech"] == [1, 3]
    assert ("Ada", "It is a pity, that he cannot stay.") in sure(text)


def test_a_heading_in_marks_is_not_spoken() -> None:
    text = "He opened the paper. “A Whole Pier Goes Down” was the heading.\n\n“Come,” said Ada.\n\n“No,” said Dick."
    assert left(reader.read, numbered(text))["words in quotation marks"] == [1]


def test_a_new_sentence_behind_a_tag_ends_the_one_before_it() -> None:
    text = "“It must go,” said Ada, and called out to him, “My dear! Take it away.”\n\n“It must,” said Dick, “be soon.”"
    assert sure(text) == [("Ada", "It must go. My dear! Take it away."), ("Dick", "It must, be soon.")]


def test_a_further_verb_of_speech_behind_but_begins_a_sentence() -> None:
    text = (
        "“It is late,” said Ada politely; but she added, to herself, “Then they are only boats.”\n\n“Yes,” said Dick."
    )
    assert sure(text)[0] == ("Ada", "It is late. Then they are only boats.")


def test_single_marks_may_close_behind_a_word() -> None:
    text = (
        "‘I can’t, sir’ said Ada, ‘because I’m not ready.’\n\nThe words ‘EAT ME’ stood on it. ‘So be it,’ said Dick.\n"
    )
    assert sure(text) == [("Ada", "I can’t, sir because I’m not ready."), ("Dick", "So be it.")]


def test_a_narrator_between_dashes_interrupts_a_speech() -> None:
    text = """
“To ask”—he took off his hat—“if you’d marry me,” said Dick.

“Tuesday,” said Ada. “Or”—and here she blushed—“any other day.”

“Then Wednesday,” said Dick.
"""
    assert sure(text) == [
        ("Dick", "To ask if you’d marry me."),
        ("Ada", "Tuesday. Or any other day."),
        ("Dick", "Then Wednesday."),
    ]


BEATS = """
"Draven," Ivy whispered. "Wake up." Draven only groaned.

"Downstairs," Draven mouthed. "Stay behind me."

"In your dreams," Ivy hissed. "Who is it?"

"Oh good," said Marcus. "You're up. Milk?"

"*Marcus?*" Ivy yelped. "What are you doing here?"

Draven lowered the lamp. "You could've knocked."

"I did knock," Marcus said. "You sleep like the dead."
"""


def test_who_only_acts_beside_quoted_lines_can_be_the_speaker() -> None:
    read = cues(reader.read, numbered(BEATS.replace("mouthed", "scowled")))
    (knocked,) = [cue for cue in read if cue.text == "You could've knocked."]
    assert knocked.speaker == "Draven"


def test_stars_around_a_stressed_word_are_no_part_of_it() -> None:
    assert "Marcus? What are you doing here?" in [cue.text for cue in cues(reader.read, numbered(BEATS))]


def test_a_name_that_is_a_common_word_too_is_a_name_in_tags_and_beats() -> None:
    text = """
"You're kidding," Grace said. "Tell me you're kidding."

"I wish." Will leaned against the wall. "He posted it."

"Block him," said Grace. "Will you just block him, Will?"

"That's a new number," Will said. In May Will had blocked three.

"Then we fix it," said Grace.
"""
    read = [(cue.speaker, cue.text) for cue in cues(reader.read, numbered(text))]
    assert read[1] == ("Will", "I wish. He posted it.")
    assert read[3] == ("Will", "That's a new number.")
    assert {speaker for speaker, _ in read} == {"Grace", "Will"}


NARRATED_BY_I = """
"You're Dunn?" Rose asked.

"On good days," I said. "Sit down, Miss Keller."

I poured two fingers into the glass. "Drink that, Miss Keller. You look like you need it."

"My brother is missing," Rose said. "Nine days."

"Call me Harry," I said. "What do the police say?"

"Nothing," Rose said.

I picked up the phone. "Kowalski, it's Dunn. You got anything on a Will Keller?"

"Who's asking?" Kowalski said.

"His sister," I said. "She's sitting right here."

"Get her out of there," he said.
"""


def test_the_narrators_i_acts_and_is_never_he_or_she() -> None:
    read = {cue.text: (cue.speaker, cue.confidence) for cue in cues(reader.read, numbered(NARRATED_BY_I))}
    assert read["Drink that, Miss Keller. You look like you need it."][0] == "I"
    assert read["Kowalski, it's Dunn. You got anything on a Will Keller?"][0] == "I"
    assert read["Get her out of there."][0] != "I"


READ = """
import sys
from offbook.data.extract.novel import reader
with open(sys.argv[1], encoding="utf-8") as file:
    print(*reader.read(list(enumerate(file.read().splitlines(), 1))), sep="\\n")
"""


def test_a_novel_is_read_alike_whatever_the_order_of_python_s_sets() -> None:
    path = shared_file("data/truth/Emma.txt")
    read = []
    for seed in ("0", "1"):
        order = {**os.environ, "PYTHONHASHSEED": seed}
        read.append(subprocess.check_output([sys.executable, "-c", READ, path], env=order))
    assert read[0] == read[1]
