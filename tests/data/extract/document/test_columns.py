"""PDF pages set in columns."""

from pathlib import Path

import pytest

from offbook.data.extract import extract
from offbook.data.extract.document.columns import in_columns, is_read_across
from tests.data.extract.document.test_document import pdf

LEFT = """\
MARA. Is the lamp lit on the
northern pier?
TOM. Not before the ferry comes
in, they said.
MARA. Then we wait here in the
cold, as we did last year.
TOM. I have brought a blanket
and some bread.""".splitlines()
RIGHT = """\
MARA. What is that light out
there by the rocks?
TOM. It is nothing but the moon
on the water.
MARA. It moves about, the moon
never does that.
TOM. Then it is a boat without
a light of its own.""".splitlines()
PAGE = ["A NIGHT ON THE PIER", "", *(f"{left:<40}{right}" for left, right in zip(LEFT, RIGHT, strict=True))]


def test_columns_are_read_one_after_the_other_below_their_title() -> None:
    assert in_columns(PAGE) == ["A NIGHT ON THE PIER", "", *LEFT, *RIGHT]


def test_three_columns_are_three() -> None:
    page = [f"{a:<40}{b:<40}{a[::-1]}" for a, b in zip(LEFT, RIGHT, strict=True)]
    assert in_columns(page) == [*LEFT, *RIGHT, *(line[::-1] for line in LEFT)]


def test_a_text_in_the_order_of_its_columns_is_left_as_it_is() -> None:
    assert is_read_across(PAGE, "\n".join(" ".join(line.split()) for line in PAGE))
    assert not is_read_across(PAGE, " ".join([*LEFT, *RIGHT]))


@pytest.mark.parametrize(
    "page",
    [
        [f"{name:<24}{line}" for name, line in zip(["MARA THE SAILOR", "TOM OF THE PIER"] * 4, RIGHT, strict=True)],
        [line for pair in zip(LEFT, RIGHT, strict=True) for line in (pair[0], " " * 40 + pair[1])],
        [f"{left} and {right}" for left, right in zip(LEFT, RIGHT, strict=True)],
        PAGE[:6],
    ],
    ids=["names beside speeches", "bubbles of a chat", "whole lines", "too little to tell"],
)
def test_what_is_in_no_columns(page: list[str]) -> None:
    assert in_columns(page) is None


@pytest.mark.parametrize("font", ["Helvetica", "Courier10"])
def test_a_pdf_whose_file_runs_across_its_columns_is_read_column_by_column(tmp_path: Path, font: str) -> None:
    path = tmp_path / "pier.pdf"
    path.write_bytes(pdf(["\n".join(PAGE)]).replace(b"Helvetica", font.encode()))
    replies = [row["messages"][-1]["content"] for row in extract([path], "TOM").rows]
    assert [" ".join(reply.split()) for reply in replies] == [
        "Not before the ferry comes in, they said.",
        "I have brought a blanket and some bread.",
        "It is nothing but the moon on the water.",
        "Then it is a boat without a light of its own.",
    ]
