"""What bold, italics and styles of a document tell about who speaks."""

import time
from pathlib import Path

import pytest

from offbook.data.extract import extract, speakers
from offbook.data.extract.document import html
from tests.data.extract.document.test_document import WORD, epub, pack


def word(path: Path, paragraphs: list[str], styles: str = "") -> Path:
    """A Word document. A paragraph may begin with `style|`; **bold** and _italic_ are runs of their own."""
    body = ""
    for paragraph in paragraphs:
        style, _, text = paragraph.rpartition("|")
        runs = ""
        for place, run in enumerate(text.split("~")):
            dress = ("", "<w:b/>", "<w:i/>")[place % 3]
            runs += f"<w:r><w:rPr>{dress}</w:rPr><w:t>{run}</w:t></w:r>" if run else ""
        body += f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{runs}</w:p>'
    parts = {"word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'}
    if styles:
        parts["word/styles.xml"] = f'<w:styles xmlns:w="{WORD}">{styles}</w:styles>'
    return pack(path, parts)


def page(path: Path, body: str) -> Path:
    path.write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
    return path


def exchanges(path: Path, name: str) -> list[tuple[str, str]]:
    """(prompt, reply) of each row."""
    return [(row["messages"][0]["content"], row["messages"][-1]["content"]) for row in extract([path], name).rows]


TALK = ["~Anna~~ You are late.", "~Bert~~ I walked.", "~~Anna pours the tea.", "~Anna~~ All the way?", "~Bert~~ Yes."]


def test_bold_names_speak_and_lines_in_italics_are_directions(tmp_path: Path) -> None:
    path = word(tmp_path / "play.docx", [*TALK, "~Clara~~ (entering) Who is there?", "~Anna~~ Only us."])
    assert exchanges(path, "Bert") == [("You are late.", "I walked."), ("All the way?", "Yes.")]
    assert exchanges(path, "Clara") == [("Yes.", "Who is there?")]


def test_a_word_in_bold_at_the_head_of_a_line_is_no_name_where_none_recurs(tmp_path: Path) -> None:
    novel = ["~It~~ was late. “Is the ferry in?” asked Ada.", "~But~~ “Not yet,” said Dick.", "“It is late,” said Ada."]
    assert {speaker.name for speaker in speakers([word(tmp_path / "novel.docx", novel)])} == {"Ada", "Dick"}


def test_paragraphs_with_a_script_s_styles_are_what_the_styles_say(tmp_path: Path) -> None:
    names = {"a3": "Character", "a4": "Dialogue", "a5": "Action", "a6": "Scene Heading", "a7": "Parenthetical"}
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/></w:style>'
        for key, name in names.items()
    )
    paragraphs = ["a6|Int. kitchen", "a5|Ana stirs.", "a3|Ana", "a4|More salt.", "a5|Luis leans in.", "a3|Luis (O.S.)"]
    paragraphs += ["a7|(yawning)", "a4|Why? (beat) It", "a4|Ana.", "a5|She looks.", "a3|Ana", "a4|Taste."]
    path = word(tmp_path / "script.docx", paragraphs, styles)
    assert exchanges(path, "Luis") == [("More salt.", "Why? It\nAna.")]
    assert {row["source"]["scene"] for row in extract([path], "Ana").rows} == {"Int. kitchen"}
    html = "".join(f'<p class="{names[each[:2]].replace(" ", "").lower()}">{each[3:]}</p>' for each in paragraphs)
    assert exchanges(page(tmp_path / "script.html", html), "Luis") == [("More salt.", "Why? It\nAna.")]


def test_a_row_of_a_table_in_which_nobody_is_named_is_a_direction(tmp_path: Path) -> None:
    def row(name: str, text: str, merged: str = "") -> str:
        cells = [f"<w:tcPr>{merged}</w:tcPr><w:p><w:r><w:t>{name}</w:t></w:r></w:p>"]
        cells += [f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p><w:p><w:r><w:t>(beat)</w:t></w:r></w:p>"]
        return "<w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in cells) + "</w:tr>"

    rows = row("Mara", "Lit?") + row("Tom", "No.", '<w:vMerge w:val="restart"/>') + row("", "Oil?", "<w:vMerge/>")
    rows += row("", "Thunder.") + row("Mara", "Now.") + row("Tom", "Now?")
    body = f'<w:document xmlns:w="{WORD}"><w:body><w:tbl>{rows}</w:tbl></w:body></w:document>'
    path = pack(tmp_path / "table.docx", {"word/document.xml": body})
    assert [reply for _, reply in exchanges(path, "Tom")] == ["No.", "Oil?", "Now?"]


def test_questions_in_bold_without_a_name_make_an_interview(tmp_path: Path) -> None:
    path = word(tmp_path / "talk.docx", ["Intro.", "~When?", "At nine.", "~Why?", "Hunger.", "~And now?", "Daily."])
    assert exchanges(path, "A") == [("When?", "At nine."), ("Why?", "Hunger."), ("And now?", "Daily.")]
    named = "<p><b>GQ: Why?</b></p><p><b>Mara:</b> Hunger.</p>" * 3 + "<p>Mara: And cold.</p>"
    assert {each.name for each in speakers([page(tmp_path / "talk.html", named)])} == {"GQ", "Mara"}


PLAY = """
<h2>Dramatis Personæ</h2><table><tr><td>SIR JOHN,</td><td><i>an owner.</i></td></tr><tr><td>PETER,</td><td>
<i>his man.</i>
</td></tr></table><h2>Act I</h2>
<p><span class="smcap">Scene.</span>—<i>A hall.</i></p>
<p><span class="smcap">Sir John.</span> Is it in?<a class="fnanchor" href="#f">[1]</a></p>
<p><span class="smcap">Peter.</span> [<i>Aside</i>] Ha. [<i>Aloud</i>] No.</p><p><i>He bows.</i></p>
<p><span class="smcap">Sir John.</span> Why?</p><p><span class="smcap">Peter.</span> [<i>Going</i>] The wind.</p>
<p><span class="smcap">Sir John</span> <i>and</i> <span class="smcap">Peter</span> (<i>together</i>). Hark!</p>
<div class="footnotes"><p>[1] The mail.</p></div>
"""


def test_a_printed_play_as_a_page_names_its_speakers_in_small_capitals(tmp_path: Path) -> None:
    path = page(tmp_path / "play.html", PLAY)
    assert [reply for _, reply in exchanges(path, "Peter")] == ["Ha. No.", "The wind.", "Hark!"]
    assert [reply for _, reply in exchanges(path, "Sir John")] == ["Is it in?", "Why?", "Hark!"]
    assert {speaker.name for speaker in speakers([path])} == {"Peter", "Sir John"}


def test_a_book_says_what_is_a_direction_and_what_a_note(tmp_path: Path) -> None:
    row = '<tr><td epub:type="z3998:persona">{}</td><td>{}</td></tr>'
    acting = '<i epub:type="z3998:stage-direction">Listening.</i> The wind.<a epub:type="noteref" href="#n">1</a>'
    talk = row.format("Joan", "Who is it?") + row.format("Miller", acting) + row.format("Joan", "Open.") * 2
    notes = '<aside epub:type="footnote"><p>A later line.</p></aside>'
    path = epub(tmp_path / "play.epub", [f"<h2>Act I</h2><table>{talk}{row.format('Miller', 'No.')}</table>{notes}"])
    assert [reply for _, reply in exchanges(path, "Miller")] == ["The wind.", "No."]


def test_rich_text_has_bold_names_and_directions_in_italics_too(tmp_path: Path) -> None:
    lines = [r"{\b ANNA} You said \ldblquote six.\rdblquote", r"{\b BERT} {\i (sitting)} Yes{\deleted , really}."]
    lines += [r"\i Anna pours the tea.\i0", r"\b ANNA\b0  All the way?", r"{\b BERT} \u55357\'3f\u56898\'3f!"]
    path = tmp_path / "play.rtf"
    path.write_text(
        "{\\rtf1\\ansi " + "".join(f"\\pard\\plain {line}\\par\n" for line in lines) + "}", encoding="ascii"
    )
    assert exchanges(path, "BERT") == [("You said “six.”", "Yes.")]
    assert exchanges(path, "ANNA")[-1] == ("Yes.", "All the way?")


@pytest.mark.parametrize("piece", ["<b>x", "<b>x</b> and "])
def test_a_paragraph_of_many_pieces_takes_linear_time(piece: str) -> None:
    begin = time.process_time()
    assert len(list(html.lines(html.blocks(piece * 40_000)))) == 2
    assert time.process_time() - begin < 8
