"""Film scripts as programs write them: typed pages of a PDF, Final Draft's notes."""

from pathlib import Path

from offbook.data.extract import extract, speakers
from tests.data.extract.document.test_document import pdf

PAGE = """INT. FERRY - NIGHT

Ada reads. The wind throws rain against the
glass.

{0}ADA
{0}\\(low\\)
{1}Close the door, will you?

{0}DICK
{1}It is closed.

She looks at it. It is not.

{0}ADA
{1}Then who came in? I heard
{1}a step, and it was
{0}\\(MORE\\)""".format(" " * 20, " " * 10)
NEXT_PAGE = """{0}ADA \\(CONT'D\\)
{1}not yours.

{0}DICK
{1}Nobody.

{0}TOM/DICK
{1}Hark!""".format(" " * 20, " " * 10)


def test_a_typed_pdf_tells_by_its_margins_and_gaps_what_a_line_is(tmp_path: Path) -> None:
    path = tmp_path / "ferry.pdf"
    path.write_bytes(pdf([PAGE, NEXT_PAGE]).replace(b"Helvetica", b"Courier10"))
    rows = extract([path], "ADA").rows
    assert [row["messages"][-1]["content"] for row in rows] == [
        "Close the door, will you?",
        "Then who came in? I heard a step, and it was not yours.",
    ]
    replies = [row["messages"][-1]["content"] for row in extract([path], "DICK").rows]
    assert replies == ["It is closed.", "Nobody.", "Hark!"]


def test_a_writer_s_note_in_final_draft_is_no_part_of_the_script(tmp_path: Path) -> None:
    note = '<ScriptNote><Paragraph Type="Dialogue"><Text>check this</Text></Paragraph></ScriptNote>'
    kinds = [("Character", "ADA", ""), ("Dialogue", "In?", note), ("Character", "ADA/TOM", ""), ("Dialogue", "No.", "")]
    body = "".join(f'<Paragraph Type="{kind}"><Text>{text}</Text>{more}</Paragraph>' for kind, text, more in kinds)
    path = tmp_path / "ferry.fdx"
    path.write_text(f"<FinalDraft><Content>{body}</Content></FinalDraft>", encoding="utf-8")
    assert {speaker.name: speaker.lines for speaker in speakers([path])} == {"ADA": 2, "TOM": 1}
    assert [row["messages"][-1]["content"] for row in extract([path], "TOM").rows] == ["No."]


def test_a_name_in_final_draft_is_in_capitals_however_it_was_typed(tmp_path: Path) -> None:
    kinds = [("Character", "Ada (V.O.)"), ("Dialogue", "In?"), ("Character", "ADA"), ("Dialogue", "No.")]
    body = "".join(f'<Paragraph Type="{kind}"><Text>{text}</Text></Paragraph>' for kind, text in kinds)
    path = tmp_path / "ferry.fdx"
    path.write_text(f"<FinalDraft><Content>{body}</Content></FinalDraft>", encoding="utf-8")
    assert {speaker.name: speaker.lines for speaker in speakers([path])} == {"ADA": 2}
