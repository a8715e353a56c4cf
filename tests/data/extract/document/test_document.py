"""Documents: their lines, the place of each, and a clear error for what cannot be read."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offbook.core.errors import UsageError
from offbook.data.extract import extract, speakers
from offbook.data.extract.document import DOCUMENTS, html, line, open_document

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TALK = ["“Is the ferry in?” asked Ada.", "“Not yet,” said Dick.", "“It is late,” said Ada.", "“It is,” said Dick."]


def pack(path: Path, parts: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def epub(path: Path, pages: list[str]) -> Path:
    items = "".join(
        f'<item id="p{n}" href="p{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(pages))
    )
    spine = "".join(f'<itemref idref="p{n}"/>' for n in range(len(pages)))
    package = (
        f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest><spine>{spine}</spine></package>'
    )
    container = '<container><rootfiles><rootfile full-path="in/book.opf"/></rootfiles></container>'
    chapters = {f"in/p{n}.xhtml": f"<html><body>{page}</body></html>" for n, page in enumerate(pages)}
    return pack(path, {"META-INF/container.xml": container, "in/book.opf": package, **chapters})


def docx(path: Path, paragraphs: list[str], head: str = "") -> Path:
    title = f'<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>{head}</w:t></w:r></w:p>' if head else ""
    body = title + "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    return pack(path, {"word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'})


def test_a_book_s_rows_say_chapter_and_paragraph(tmp_path: Path) -> None:
    pages = [f"<h2>{name}</h2>" + "".join(f"<p>{text}</p>" for text in TALK) for name in ("Low Tide", "High Tide")]
    rows = extract([epub(tmp_path / "ferry.epub", pages)], "Dick").rows
    assert [row["messages"][-1]["content"] for row in rows] == ["Not yet.", "It is."] * 2
    places = [(row["source"]["chapter"], row["source"]["paragraph"]) for row in rows]
    assert places == [("Low Tide", 2), ("Low Tide", 4), ("High Tide", 2), ("High Tide", 4)]


def test_a_word_document_s_headings_are_scenes(tmp_path: Path) -> None:
    rows = extract([docx(tmp_path / "ferry.docx", TALK, "Low Tide")], "Dick").rows
    assert [row["source"]["paragraph"] for row in rows] == [3, 5]
    assert {row["source"]["scene"] for row in rows} == {"Low Tide"}


def test_a_final_draft_script_is_read_by_the_kinds_of_its_paragraphs(tmp_path: Path) -> None:
    kinds = [
        ("Scene Heading", "INT. FERRY - DAY"),
        ("Action", "ADA waits."),
        ("Character", "ADA"),
        ("Parenthetical", "(low)"),
        ("Dialogue", "Is it in?"),
        ("Character", "Dick"),
        ("Dialogue", "Not yet."),
    ]
    body = "".join(f'<Paragraph Type="{kind}"><Text>{text}</Text></Paragraph>' for kind, text in kinds)
    path = tmp_path / "ferry.fdx"
    path.write_text(f"<FinalDraft><Content>{body}</Content></FinalDraft>", encoding="utf-8")
    (row,) = extract([path], "Dick").rows
    assert [message["content"] for message in row["messages"]] == ["Is it in?", "Not yet."]
    assert row["source"]["scene"] == "INT. FERRY - DAY"
    assert row["source"]["paragraph"] == 6


def test_a_ren_py_script_names_its_characters(tmp_path: Path) -> None:
    path = tmp_path / "ferry.rpy"
    path.write_text(
        'define a = Character("Ada")\nlabel pier:\n    scene bg pier\n    "Fog."\n    a "Is it {i}in{/i}?"\n'
        '    "Dick" "Not yet."\n    a happy "Soon."\n    "Dick" "Soon."\n'
        '    a """Then we\n    wait.\n\n    And "row"."""\n',
        encoding="utf-8",
    )
    assert {speaker.name: speaker.lines for speaker in speakers([path])} == {"Ada": 4, "Dick": 2}
    assert [row["messages"][-1]["content"] for row in extract([path], "Ada").rows][-2:] == [
        "Then we wait.",
        'And "row".',
    ]
    rows = extract([path], "Dick").rows
    assert rows[0]["messages"][0]["content"] == "Is it in?"
    assert rows[0]["source"]["script_line"] == 6


def test_gutenberg_s_header_and_licence_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "ferry.txt"
    before = "Title: The Ferry\n\n*** START OF THE PROJECT GUTENBERG EBOOK THE FERRY ***\n\n"
    after = "\n\n*** END OF THE PROJECT GUTENBERG EBOOK THE FERRY ***\n\n“Give,” said the Foundation."
    path.write_text(before + "\n\n".join(TALK) + after, encoding="utf-8")
    result = {speaker.name: speaker.first_line for speaker in speakers([path])}
    assert result == {"Ada": 5, "Dick": 7}


def pdf(pages: list[str]) -> bytes:
    """A PDF of one text line for each line of a page."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for page in pages:
        shown = "".join(f"({text}) Tj T* " for text in page.split("\n"))
        stream = f"BT /F1 12 Tf 14 TL 40 700 Td {shown}ET"
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
        kids.append(len(objects) + 1)
        font = "/Resources<</Font<</F1 3 0 R>>>>"
        objects.append(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]{font}/Contents {len(objects)} 0 R>>")
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(f'{kid} 0 R' for kid in kids)}]>>"
    content, offsets = "%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        offsets.append(len(content))
        content += f"{number} 0 obj{each}endobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    return f"{content}{end}trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(content)}\n%%EOF".encode()


def test_a_pdf_s_rows_say_the_page(tmp_path: Path) -> None:
    path = tmp_path / "ferry.pdf"
    path.write_bytes(pdf(["ADA. Is the ferry in?\n\nDICK. Not yet.", "ADA. It is late.\n\nDICK. It is."] * 2))
    rows = extract([path], "DICK").rows
    assert [(row["messages"][-1]["content"], row["source"]["page"]) for row in rows][:2] == [
        ("Not yet.", 1),
        ("It is.", 2),
    ]


def test_a_scan_is_refused_with_a_word_about_text_recognition(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf(["", ""]))
    with pytest.raises(UsageError, match="scan") as caught:
        speakers([path])
    assert "recognized" in caught.value.fix


def test_an_entity_bomb_and_a_zip_bomb_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bomb.fdx"
    bomb.write_text('<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><FinalDraft>&b;</FinalDraft>', encoding="utf-8")
    with pytest.raises(UsageError, match="entities"):
        speakers([bomb])
    monkeypatch.setattr(line, "LARGEST", 1000)
    with pytest.raises(UsageError, match="unpacks to more"):
        speakers([docx(tmp_path / "bomb.docx", ["x" * 5000])])


@pytest.mark.parametrize("name", ["card.png", "IMG_1.HEIC", "old.doc", "book.mobi", "notes.pages"])
def test_what_is_not_read_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UsageError, match="does not read") as error:
        speakers([path])
    assert ("recognized" in error.value.fix) is (path.suffix in (".png", ".HEIC"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from(sorted(DOCUMENTS)), content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode)
)
def test_any_bytes_are_lines_or_one_clear_error(tmp_path: Path, suffix: Any, content: Any) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(content)
    try:
        document = open_document(path)
    except UsageError as error:
        assert str(path) in error.what
        assert error.fix
    else:
        assert all(isinstance(text, str) and json.dumps(document.place(number)) for number, text in document)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="<&>"), min_size=1)
    )
)
def test_the_paragraphs_of_a_document_are_its_lines(tmp_path: Path, texts: Any) -> None:
    path = docx(tmp_path / "any.docx", texts)
    assert [text for _, text in open_document(path)] == texts


RICH = (
    rb"{\rtf1\ansi\ansicpg1252\uc1{\fonttbl{\f0\fnil\fcharset0 Serif;}{\f1\fnil\fcharset134 SimSun;}}"
    rb"{\*\generator Pen;}\f0 "
    rb"ADA. The caf\'e9 is \{shut\}.\par "
    rb"DICK. {\i Is\~it}? \u8220?No\u8221?\emdash\par\n"
    rb"{\f1 \'b2\'e8}\par ADA. \u-10179?\u-8704?\par DICK. Well.\par}"
)


def test_rich_text_is_read_with_its_signs_and_code_pages(tmp_path: Path) -> None:
    path = tmp_path / "play.rtf"
    path.write_bytes(RICH)
    document = open_document(path)
    assert [text for _, text in document if text] == [
        "ADA. The café is {shut}.",
        "DICK. Is\xa0it? “No”—",
        "茶",
        "ADA. 😀",
        "DICK. Well.",
    ]
    assert document.place(2) == {"paragraph": 2}


@given(
    st.lists(
        st.sampled_from([b"{", b"}", b"\\", b"\\u8220", b"\\'e9", b"\\f1 ", b"\\uc9", b"a", b"\n", b"\\*", b"\xff"]),
        max_size=40,
    )
)
def test_any_rich_text_gives_lines(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.rtf"
    path.write_bytes(b"{\\rtf1 " + b"".join(parts))
    for _, text in open_document(path):
        text.encode()


def test_a_kirikiri_script_is_read_in_each_way_of_naming(tmp_path: Path) -> None:
    path = tmp_path / "pier.ks"
    path.write_text(
        ';a comment\n*start|The pier\n@bg storage="pier.jpg"\n[iscript]\nf.x = "Ada";\n[endscript]\n'
        '[name text="Ada"]\n「Is it [font size=20]in[resetfont]?」[l][r]\n[p]\n【Dick】\n「Not yet.」[p]\n'
        "It rained.[p]\n@nm t=Ada\n「So late?」[pcm]\n#Dick\nIt is.[p]\nIt is late.[p]\n#\n"
        "The fog came.[p]\nAda「Come.」[p]\n",
        encoding="utf-8",
    )
    rows = extract([path], "Dick").rows
    assert [row["messages"][-1]["content"] for row in rows] == ["Not yet.", "It is.", "It is late."]
    assert [row["messages"][0]["content"] for row in rows] == ["Is it in?", "So late?", "It is."]
    assert rows[0]["source"] == {"file": str(path), "line": 5, "scene": "The pier", "script_line": 11}
    assert {speaker.name: speaker.lines for speaker in speakers([path])} == {"Ada": 3, "Dick": 3}


def test_a_kirikiri_script_without_dialogue_says_so(tmp_path: Path) -> None:
    path = tmp_path / "config.ks"
    path.write_text("*start\n@jump storage=first.ks\n", encoding="utf-8")
    with pytest.raises(UsageError, match="nobody speaks in this KiriKiri script"):
        speakers([path])


def test_a_kirikiri_name_begins_a_speech_within_a_page(tmp_path: Path) -> None:
    path = tmp_path / "pier.ks"
    path.write_text("【Ada】\n「Is it in?」[l][r]\n【Dick】\n「Not yet.」[p]\n", encoding="utf-8")
    assert [row["messages"][-1]["content"] for row in extract([path], "Dick").rows] == ["Not yet."]


def test_a_renpy_string_may_hold_line_ends_and_variables(tmp_path: Path) -> None:
    path = tmp_path / "pier.rpy"
    path.write_text(
        'define a = Character("Ada")\ndefine d = Character("Dick")\n'
        'a "Is it {b}in{/b}, [player]?"\nd "Not yet.\\nIt is [[late]."\na "Come, [player!t]."\nd "I come."\n',
        encoding="utf-8",
    )
    rows = extract([path], "Dick").rows
    assert rows[0]["messages"][0]["content"] == "Is it in, {{player}}?"
    assert rows[1]["messages"][0]["content"] == "Come, {{player}}."
    assert rows[0]["messages"][1]["content"].startswith("Not yet.\nIt is")


def test_tags_that_never_end_are_text() -> None:
    """Python's own parser looks for the end from each of them: an hour for these."""
    begun = "<a href=" * 100_000
    assert [block.text for block in html.blocks(f"<p>“Good day,” said Ada.</p>{begun}")] == [
        "“Good day,” said Ada.",
        begun,
    ]


def test_of_a_wiki_s_page_its_navigation_is_left_out_and_the_player_s_choices_are_named(tmp_path: Path) -> None:
    icon = '<span typeof="mw:File"><img alt="Icon Dialogue Talk" src="talk.png"></span>'
    page = tmp_path / "lyra.html"
    page.write_text(
        f"<h2>Dialogue</h2><dl><dd><b>Lyra:</b> In time!</dd><dd><b>Paimon:</b> For what?</dd>"
        f"<dl><dd>{icon} What is it?</dd></dl><dd><b>Lyra:</b> The lamp.</dd><dd><b>Paimon:</b> Again?</dd></dl>"
        '<table class="navbox"><tr><td>Season 1: "Pilot"</td></tr></table>',
        encoding="utf-8",
    )
    assert {speaker.name: speaker.lines for speaker in speakers([page])} == {"Lyra": 2, "Paimon": 2, "Player": 1}
    assert [row["messages"][-1]["content"] for row in extract([page], "Paimon").rows] == ["For what?", "Again?"]


def test_summaries_and_notes_of_a_fan_fiction_page_are_not_the_story(tmp_path: Path) -> None:
    page = tmp_path / "lamp.html"
    page.write_text(
        '<html><body><div id="preface"><p>Summary</p><blockquote class="userstuff"><p>"A lamp!"</p></blockquote>'
        '</div><div id="chapters"><h2 class="heading">Dark</h2><div class="userstuff"><p>"Is it lit?" said Mara.</p>'
        '<blockquote><p>"No," said Tom.</p></blockquote></div></div></body></html>',
        encoding="utf-8",
    )
    text = "\n".join(line for _, line in open_document(page))
    assert "A lamp!" not in text
    assert "Is it lit?" in text
    assert "No," in text
