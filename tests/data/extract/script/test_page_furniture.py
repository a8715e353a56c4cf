"""Page numbers and running heads within a script that was copied from a book."""

import pytest

from offbook.data.extract.script import play, screenplay
from offbook.data.extract.script.page_furniture import without_page_furniture
from tests.data.extract.reading import numbered, texts

PRINTED = """
MARA. It went out at four. I heard it tick, and then noth-
ing at all, and nobody will come before the morn-
ing.

TOM. The bridge was up. There was a barge, an enor-

THE STOVE                                  12

mous barge, with a man on it.

MARA. You may look at the pot, and you may think of

13                                  THE STOVE

what was in it.

TOM. You are cruel.

MARA. I am hungry, and it is a long way

THE STOVE                                  14

to your mother's.

TOM. Then let us go.
"""


def test_what_stands_at_a_pages_edge_is_no_part_of_a_speech_and_broken_words_are_whole() -> None:
    assert texts(play.read, PRINTED) == [
        (
            "MARA",
            "It went out at four. I heard it tick, and then nothing at all, and nobody will come before the morning.",
        ),
        ("TOM", "The bridge was up. There was a barge, an enormous barge, with a man on it."),
        ("MARA", "You may look at the pot, and you may think of what was in it."),
        ("TOM", "You are cruel."),
        ("MARA", "I am hungry, and it is a long way to your mother's."),
        ("TOM", "Then let us go."),
    ]


@pytest.mark.parametrize("number", ["{}", "- {} -", "Page {}", "Seite {} von 9"])
def test_a_page_number_alone_is_left_out(number: str) -> None:
    pages = "\n\n".join(
        f"MARA: Is it lit?\nTOM: No, and it\n\n{number.format(page)}\n\nwon't be." for page in (3, 4, 5)
    )
    assert texts(screenplay.read, pages) == [("MARA", "Is it lit?"), ("TOM", "No, and it won't be.")] * 3


def test_a_number_between_two_paragraphs_is_not_spoken() -> None:
    assert texts(play.read, "MARA. Is it lit?\n\nTOM. It is.\n\n2\n\nMARA. Good.\n\nTOM. Yes.")[1] == ("TOM", "It is.")


@pytest.mark.parametrize(
    "text",
    ["SCENE 1\nSCENE 2\nSCENE 3", "PANEL 1\nPANEL 2\nPANEL 3", "Tom  1\nAnn  9\nTom  2\nTom  2", "12\n7\n30", "1\n2"],
)
def test_numbers_that_tell_no_pages_stay(text: str) -> None:
    assert list(without_page_furniture(numbered(text))) == numbered(text)


def test_words_with_a_hyphen_of_their_own_keep_it_where_words_are_not_broken() -> None:
    lines = "\n".join(f"MARA. It is lit, I think, and it was lit {when}." for when in range(400))
    scene = f"MARA. He is in the smoking-\nroom, I think, and\nhe will be for\na while.\nTOM. Good.\n{lines}"
    assert texts(play.read, scene)[0][1] == "He is in the smoking-room, I think, and he will be for a while."


def test_in_prose_a_page_ends_amid_a_paragraph_or_behind_one() -> None:
    page = "He had been there for an hour or more, and the lamp was not yet\n{}lit, nor would it be."
    pages = [page.format(f"\n{number}\n\n\n") for number in (12, 13, 14)]
    joined = [page.format("") for _ in range(3)]
    read = list(without_page_furniture(numbered("\n\n".join(pages)), prose=True))
    assert [text for _, text in read] == "\n\n".join(joined).split("\n")
    ended = "\n".join(f"“Is it lit?” said Mara.\n{number}\n“No,” said Tom." for number in (1, 2, 3))
    read = list(without_page_furniture(numbered(ended), prose=True))
    assert [text for _, text in read][:3] == ["“Is it lit?” said Mara.", "", "“No,” said Tom."]


def test_running_heads_stand_beside_a_page_number_or_have_one() -> None:
    page = "{}\n\nThe Lamp of the Sea\n\nIt was dark, and\n"
    text = "".join(page.format(number) for number in (7, 8, 9))
    assert [text for _, text in without_page_furniture(numbered(text)) if text] == ["It was dark, and"] * 3
    lines = "It was dark.\n" * 12
    text = "".join(f"{head}\n{lines}" for head in ("THE LAMP 7", "8 THE LAMP", "THE LAMP 9"))
    assert {text for _, text in without_page_furniture(numbered(text)) if text} == {"It was dark."}


@pytest.mark.parametrize("numbers", [("1", "2", "3"), ("I.", "II.", "III."), ("一", "二", "三"), ("1", "2", "1", "2")])
def test_numbers_that_count_from_1_behind_whole_paragraphs_are_chapters(numbers: tuple[str, ...]) -> None:
    text = "\n\n".join(f"{number}\n\nIt was dark.\n\nTom slept." for number in numbers)
    heads = [text for _, text in without_page_furniture(numbered(text)) if text.startswith("#")]
    assert heads == [f"# {number}" for number in numbers]


def test_numbers_alone_and_beside_a_title_count_the_same_pages() -> None:
    pages = "12\nIt was dark.\n13      THE STOVE\nTom slept.\n\n14\nMara did not."
    assert [text for _, text in without_page_furniture(numbered(pages)) if text] == [
        "It was dark.",
        "Tom slept.",
        "Mara did not.",
    ]
