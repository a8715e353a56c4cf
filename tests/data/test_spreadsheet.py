"""Excel's workbooks are read as their sheet saved as CSV would be."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data.loading import ReadingOptions, load
from offbook.data.sources import read_rows

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
SHARED = (
    "<si><t>prompt</t></si><si><t>reply</t></si>"
    "<si><r><t xml:space='preserve'>Who is </t></r><r><rPr><b/></rPr><t>there?</t></r></si>"
    '<si><t>灯</t><rPh sb="0" eb="1"><t>ヒ</t></rPh></si>'
)
STYLES = (
    '<numFmts><numFmt numFmtId="170" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="171" formatCode="[Red]0&quot;d&quot;"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="170"/><xf numFmtId="171"/><xf numFmtId="20"/></cellXfs>'
)


def link(name: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{name}" Type="{LINKS}/{kind}" Target="{target}"/>'


def workbook(folder: Path, *sheets: str, called: Sequence[str] = ()) -> Path:
    """An .xlsx file whose sheets hold rows of cells, as Excel writes them."""
    path = folder / "lines.xlsx"
    numbers = range(1, len(sheets) + 1)
    called = called or [f"S{number}" for number in numbers]
    names = "".join(f'<sheet name="{name}" sheetId="{at}" r:id="r{at}"/>' for at, name in enumerate(called, 1))
    links = "".join(link(f"r{number}", "worksheet", f"worksheets/s{number}.xml") for number in numbers)
    links += link("texts", "sharedStrings", "sharedStrings.xml") + link("styles", "styles", "styles.xml")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", f'<workbook {MAIN} xmlns:r="{LINKS}"><sheets>{names}</sheets></workbook>')
        archive.writestr(
            "_rels/.rels",
            f"<Relationships {PACKAGE}>{link('book', 'officeDocument', 'xl/workbook.xml')}</Relationships>",
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships {PACKAGE}>{links}</Relationships>")
        archive.writestr("xl/sharedStrings.xml", f"<sst {MAIN}>{SHARED}</sst>")
        archive.writestr("xl/styles.xml", f"<styleSheet {MAIN}>{STYLES}</styleSheet>")
        for number, sheet in zip(numbers, sheets, strict=True):
            archive.writestr(f"xl/worksheets/s{number}.xml", f"<worksheet {MAIN}>{sheet}</worksheet>")
    return path


def text(place: str, value: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


HEADER = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'


def test_texts_shared_and_in_their_cells(tmp_path: Path) -> None:
    cells = f'<c r="A2" t="s"><v>2</v></c>{text("B2", "Nay,_x000D_&#10;&quot;answer&quot; me.")}'
    path = workbook(tmp_path, f'<sheetData>{HEADER}<row r="2">{cells}</row><row r="3"/></sheetData>', "<sheetData/>")
    assert [row for _, row in read_rows(path)] == [{"prompt": "Who is there?", "reply": 'Nay,\n"answer" me.'}]
    assert load([path]).conversations[0].replies == ('Nay,\n"answer" me.',)


def test_what_stands_beside_several_rows_belongs_to_each(tmp_path: Path) -> None:
    rows = f"<row>{text('A2', 'Lit?')}{text('B2', 'Yes.')}</row><row>{text('B3', 'Since four.')}</row>"
    path = workbook(tmp_path, f'<sheetData>{HEADER}{rows}</sheetData><mergeCells><mergeCell ref="A2:A3"/></mergeCells>')
    assert [row["prompt"] for _, row in read_rows(path)] == ["Lit?", "Lit?"]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ('<c r="B2" s="1"><v>45413.895833333336</v></c>', "2024-05-01 21:30:00"),
        ('<c r="B2" s="1"><v>45413</v></c>', "2024-05-01"),
        ('<c r="B2" s="3"><v>0.5</v></c>', "12:00:00"),
        ('<c r="B2" s="2"><v>45413</v></c>', "45413"),
        ('<c r="B2"><f>1+1</f><v>2</v></c>', "2"),
        ('<c r="B2" t="b"><v>0</v></c>', "FALSE"),
        ('<c r="B2" t="s"><v>3</v></c>', "灯"),
        ('<c r="B2" t="str"><f>A1</f><v>ab</v></c>', "ab"),
    ],
)
def test_a_cell_is_what_it_shows(tmp_path: Path, cell: str, shown: str) -> None:
    path = workbook(tmp_path, f"<sheetData>{HEADER}<row>{text('A2', 'Lit?')}{cell}</row></sheetData>")
    assert [row["reply"] for _, row in read_rows(path)] == [shown]


def sheet(*rows: str, merged: str = "") -> str:
    """A sheet whose rows hold texts with `|` between."""
    data = ""
    for at, row in enumerate(rows, 1):
        cells = zip("ABC", row.split("|"), strict=False)
        data += f'<row r="{at}">{"".join(text(f"{letter}{at}", cell) for letter, cell in cells if cell)}</row>'
    merges = f'<mergeCells><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
    return f"<sheetData>{data}</sheetData>{merges}"


@pytest.mark.parametrize(
    ("rows", "merged", "line"),
    [
        (("Mara's lines", "prompt|reply", "Lit?|Yes."), "A1:B1", 3),
        (("Mara's lines", "May 2024", "prompt|reply", "Lit?|Yes."), "", 4),
        (("No.|The dialogue", "|prompt|reply", "1|Lit?|Yes."), "B1:C1", 3),
    ],
    ids=["a merged title", "two lines of a title", "a name over two columns"],
)
def test_what_stands_above_the_names_of_columns_is_no_row(
    tmp_path: Path, rows: tuple[str, ...], merged: str, line: int
) -> None:
    (row,) = load([workbook(tmp_path, sheet(*rows, merged=merged))]).conversations
    assert (row.prompt, row.replies, row.origin.line) == ("Lit?", ("Yes.",), line)


def test_notes_on_a_sheet_of_their_own_and_lines_for_a_test_are_not_learned(tmp_path: Path) -> None:
    lines, held_back = sheet("prompt|reply", "Lit?|Yes."), sheet("prompt|reply", "Oil?|Half a can.")
    path = workbook(tmp_path, sheet("Made by Ben.", "Please keep."), lines, held_back, called=["说明", "训练", "测试"])
    assert [row.replies for row in load([path]).conversations] == [("Yes.",)]
    path = workbook(tmp_path, lines, held_back, called=["Sheet1", "测试"])
    assert len(load([path]).conversations) == 2


def test_sheets_with_the_same_columns_are_one_table_and_others_are_refused(tmp_path: Path) -> None:
    def sheet(prompt: str, header: str = HEADER) -> str:
        return f"<sheetData>{header}<row>{text('A2', prompt)}{text('B2', 'Yes.')}</row></sheetData>"

    assert [row["prompt"] for _, row in read_rows(workbook(tmp_path, sheet("Lit?"), sheet("Oil?")))] == ["Lit?", "Oil?"]
    strange = f"<row>{text('A1', 'x')}{text('B1', 'y')}</row>"
    with pytest.raises(UsageError, match="several sheets with different columns: S1, S2"):
        list(read_rows(workbook(tmp_path, sheet("Lit?"), sheet("Oil?", strange))))


@pytest.mark.parametrize(
    "end",
    [
        "",
        f"<row>{text('?', 'Lit?')}</row></sheetData>",
        f"<row>{text('XFE2', 'Lit?')}</row></sheetData>",
        '<row><c r="A2" t="s"><v>99</v></c></row></sheetData>',
    ],
    ids=["no end", "no place", "too far", "no text of that number"],
)
def test_a_damaged_workbook_is_told(tmp_path: Path, end: str) -> None:
    with pytest.raises(UsageError, match="cannot be read as an Excel file") as caught:
        list(read_rows(workbook(tmp_path, f"<sheetData>{HEADER}{end}")))
    assert "CSV" in caught.value.fix


def test_what_is_no_workbook_is_told(tmp_path: Path) -> None:
    (tmp_path / "lines.xlsx").write_bytes(b"PK\x03\x04\x14\0")
    with pytest.raises(UsageError, match="cannot be read as an Excel file"):
        list(read_rows(tmp_path / "lines.xlsx"))


def test_sheets_of_other_characters_are_not_learned_without_a_word(tmp_path: Path) -> None:
    mara = sheet("prompt|reply", "Lit?|Since four.", "Cold?|Not in here.")
    ben = sheet("prompt|reply", "Oil?|Half a can.", "", "Wood?|Plenty.")
    path = workbook(tmp_path, mara, ben, called=["Mara", "Ben"])
    for character in ("mara", None):
        with pytest.raises(UsageError, match=r"the rows stand on 2 sheets \(Mara, Ben…\).*\n.*character=sheet"):
            load([path], options=ReadingOptions(character=character))
    assert len(load([path], options=ReadingOptions(character="Tom")).conversations) == 4
    assert len(load([path], options=ReadingOptions({"ignore": "sheet"})).conversations) == 4
    of_ben = load([path], options=ReadingOptions({"character": "sheet"}, character="Ben"))
    assert [row.prompt for row in of_ben.conversations] == ["Oil?", "Wood?"]
    assert of_ben.left_out == {"rows are of other characters": 2}
    alone = workbook(tmp_path, mara, called=["Mara"])
    assert len(load([alone], options=ReadingOptions(character="Mara")).conversations) == 2


def test_what_a_workbook_does_not_show_is_not_learned(tmp_path: Path) -> None:
    shown, old = sheet("prompt|reply", "Lit?|Since four."), sheet("prompt|reply", "Old?|Old.")
    path = workbook(tmp_path, shown, old, called=["Lines", 'Old" state="hidden'])
    assert [row.prompt for row in load([path]).conversations] == ["Lit?"]
    path = workbook(tmp_path, shown.replace('<row r="2">', '<row r="2" hidden="1">'))
    with pytest.raises(UsageError, match=r"rows are hidden in it, by a filter or by hand \(1\)"):
        load([path])


def test_a_locked_workbook_is_told(tmp_path: Path) -> None:
    (tmp_path / "lines.xlsx").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(508))
    with pytest.raises(UsageError, match="it is locked with a password"):
        load([tmp_path / "lines.xlsx"])


def styled(path: Path, fonts: str) -> Path:
    """A workbook with these fonts, each of which is the one of the cell format with its number."""
    numbers = range(fonts.count("<font>"))
    formats = "".join(f'<xf numFmtId="0" fontId="{number}"/>' for number in numbers)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/styles.xml"] = (
        f"<styleSheet {MAIN}><fonts>{fonts}</fonts><cellXfs>{formats}</cellXfs></styleSheet>".encode()
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def test_struck_text_is_not_learned_without_a_word(tmp_path: Path) -> None:
    lines = sheet("prompt|reply", "Lit?|Since four.", "Cold?|Yes.").replace('<c r="B3"', '<c r="B3" s="1"')
    struck = "<font><sz/></font><font><strike/></font>"
    with pytest.raises(UsageError, match=r"text is struck through in it \(B3\)"):
        load([styled(workbook(tmp_path, lines), struck)])
    assert (
        len(load([styled(workbook(tmp_path, lines), struck.replace("strike/", 'strike val="0"/'))]).conversations) == 2
    )
    without_text = lines.replace("</row></sheetData>", '<c r="C3" s="1"/></row></sheetData>').replace(
        'B3" s="1"', 'B3"'
    )
    assert len(load([styled(workbook(tmp_path, without_text), struck)]).conversations) == 2


def test_a_part_of_a_text_that_is_struck_is_told(tmp_path: Path) -> None:
    runs = "<is><r><t>Yes, </t></r><r><rPr><b/><strike/></rPr><t>no milk</t></r></is>"
    lines = sheet("prompt|reply", "Tea?|Yes.").replace("<is><t>Yes.</t></is>", runs)
    with pytest.raises(UsageError, match=r"struck through in it \(no milk\)"):
        load([workbook(tmp_path, lines)])


def test_a_formula_without_a_result_is_told(tmp_path: Path) -> None:
    cell = '<c r="B3"><f>A3&amp;"!"</f><v></v></c>'
    lines = sheet("prompt|reply", "Lit?|Since four.").replace("</sheetData>", f'<row r="3">{cell}</row></sheetData>')
    with pytest.raises(UsageError, match=r"formulas in it have no results \(B3\)"):
        load([workbook(tmp_path, lines)])
    empty_text = lines.replace('<c r="B3">', '<c r="B3" t="str">')
    assert len(load([workbook(tmp_path, empty_text)]).conversations) == 1


@pytest.mark.parametrize("name", ["作废", "Drafts", "deleted lines"])
def test_a_sheet_that_was_set_aside_is_not_learned(tmp_path: Path, name: str) -> None:
    lines, old = sheet("prompt|reply", "Lit?|Since four."), sheet("prompt|reply", "Old?|Old.")
    path = workbook(tmp_path, old, lines, called=[name, "Lines"])
    assert [row.prompt for row in load([path]).conversations] == ["Lit?"]
    assert [row.prompt for row in load([workbook(tmp_path, old, called=[name])]).conversations] == ["Old?"]
