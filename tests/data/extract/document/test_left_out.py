"""What stands in a document and is none of its text: struck out, hidden, how characters are read, text boxes."""

from pathlib import Path

from offbook.data.extract import extract
from tests.data.extract.document.test_document import WORD, pack

TALK = ["ADA: Is the ferry in?", "DICK: Not yet.", "ADA: It is late."]


def replies(path: Path, role: str) -> list[str]:
    return [row["messages"][-1]["content"] for row in extract([path], role).rows]


def test_of_a_word_document_what_is_struck_through_or_hidden_and_readings(tmp_path: Path) -> None:
    def run(text: str, dress: str = "") -> str:
        return f"<w:r><w:rPr>{dress}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"

    ruby = f"<w:r><w:ruby><w:rt>{run('とう')}</w:rt><w:rubyBase>{run('lit')}</w:rubyBase></w:ruby></w:r>"
    last = run("DICK: It ") + run("was ", "<w:strike/>") + run("is ", '<w:strike w:val="0"/>') + run("x", "<w:vanish/>")
    body = "".join(f"<w:p>{text}</w:p>" for text in [*map(run, TALK), last + ruby])
    document = f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    assert replies(pack(tmp_path / "a.docx", {"word/document.xml": document}), "DICK") == ["Not yet.", "It is lit"]


def test_of_an_opendocument_text_what_is_struck_through_and_text_boxes(tmp_path: Path) -> None:
    spaces = " ".join(f'xmlns:{each}="{each}"' for each in ("office", "text", "style", "draw", "fo"))
    style = '<style:style style:name="T1"><style:text-properties style:text-line-through-style="solid"/></style:style>'
    last = "DICK: It <text:span text:style-name='T1'>was </text:span>is<draw:frame><text:p>DRAFT</text:p></draw:frame>."
    body = "".join(f"<text:p>{text}</text:p>" for text in [*TALK, last])
    content = f"<office:document-content {spaces}>{style}<office:body>{body}</office:body></office:document-content>"
    assert replies(pack(tmp_path / "a.odt", {"content.xml": content}), "DICK") == ["Not yet.", "It is."]


def test_of_rich_text_what_is_struck_through_or_hidden(tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    lines = [*TALK, r"DICK: It {\strike was }is{\v  hidden}.", r"ADA: \striked1 No. \striked0 Yes."]
    path.write_text("{\\rtf1\\ansi " + "".join(f"{line}\\par\n" for line in lines) + "}", encoding="ascii")
    assert replies(path, "DICK") == ["Not yet.", "It is."]
    assert replies(path, "ADA")[-1] == "Yes."


def test_of_a_page_what_is_deleted_or_hidden_and_readings(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    ruby = "<ruby>lit<rp>（</rp><rt>とうだい</rt><rp>）</rp></ruby>"
    last = f"DICK: It <del>was</del> <s>never</s> is {ruby}<span style='display: none'>no</span>."
    body = "".join(f"<p>{text}</p>" for text in [*TALK, last, "<span hidden>ADA: Hm.</span>"])
    path.write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
    assert replies(path, "DICK") == ["Not yet.", "It is lit."]
    assert replies(path, "ADA") == ["It is late."]


def test_of_a_final_draft_script_what_is_struck_through(tmp_path: Path) -> None:
    path = tmp_path / "a.fdx"
    kinds = [("Character", "ADA"), ("Dialogue", "In?"), ("Character", "DICK")]
    body = "".join(f'<Paragraph Type="{kind}"><Text>{text}</Text></Paragraph>' for kind, text in kinds)
    body += '<Paragraph Type="Dialogue"><Text Style="Bold+Strikeout">Yes.</Text><Text>No.</Text></Paragraph>'
    path.write_text(f"<FinalDraft><Content>{body}</Content></FinalDraft>", encoding="utf-8")
    assert replies(path, "DICK") == ["No."]
