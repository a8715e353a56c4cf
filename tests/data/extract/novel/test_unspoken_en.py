"""English novels: words in quotation marks that nobody says."""

import pytest

from offbook.data.extract.cue import Cue, Skipped
from offbook.data.extract.novel import reader
from tests.data.extract.reading import cues, numbered

BEFORE = "“You came,” said Tom.\n\n“I did,” said Ann.\n\n"


def reasons(paragraph: str) -> list[str]:
    """Why the words of a paragraph behind two turns are not spoken."""
    read = list(reader.read(numbered(BEFORE + paragraph)))
    assert len([each for each in read if isinstance(each, Cue)]) >= 2
    return [each.reason for each in read if isinstance(each, Skipped) and "Go home" in each.text]


@pytest.mark.parametrize(
    "paragraph",
    [
        "The sign on its dash read “Go home.” Ruiz got out.",
        "The banner above the stage said “Go home.”",
        "Ann's text said, “Go home.”",
        "It was a text from Theo: “Go home.” I turned it face down.",
        "She opened the letter, which read: “Go home.”",
        "The note he'd left on my pillow had said only “Go home,” and I had.",
    ],
)
def test_what_is_written_somewhere_is_nobodys_speech(paragraph: str) -> None:
    assert reasons(paragraph) == ["something written"]


@pytest.mark.parametrize(
    "paragraph",
    [
        "“Go home,” Tom almost said, but didn't.",
        "“Go home,” he doesn't say. “Go home now.”",
        "“Go home?” he wants to ask.",
        "Tom did not say “Go home.” He left.",
        "“Go home,” Tom would have said, if he had been braver.",
        "“Go home,” he imagined her saying.",
    ],
)
def test_what_somebody_does_not_say_is_no_speech(paragraph: str) -> None:
    assert set(reasons(paragraph)) == {"a thought"}


@pytest.mark.parametrize(
    "paragraph",
    [
        "Tom looked at the sign and said, “Go home.”",
        "When he saw the note Tom said, “Go home.”",
        "A man with a sign said, “Go home.”",
        "“Go home--” Tom could not say the word.",
        "“Go home.” He had never said it before.",
        "Tom, who had never said much, said, “Go home.”",
    ],
)
def test_who_speaks_beside_something_written_or_left_unsaid_is_heard(paragraph: str) -> None:
    assert reasons(paragraph) == []


def test_whom_somebody_quotes_in_his_paragraph_is_another() -> None:
    text = BEFORE + "“Ten.” But she was smiling in spite of herself. Her father used to say, “A bad part is worse.”"
    assert [cue.text for cue in cues(reader.read, numbered(text))][2:] == ["Ten.", "A bad part is worse."]
