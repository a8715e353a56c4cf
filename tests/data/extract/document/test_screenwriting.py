"""Scripts as programs for film scripts save them."""

import zipfile
from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract import extract, speakers

SCRIPT = (
    ("Scene Heading", "INT. PIER - NIGHT"),
    ("Action", "Rain."),
    ("Character", "MARA"),
    ("Dialogue", "Is it lit?"),
    ("Character", "TOM"),
    ("Parenthetical", "(sighs)"),
    ("Dialogue", "Not yet."),
    ("Character", "MARA"),
    ("Dialogue", "Then light it."),
)
OPEN = (
    '<?xml version="1.0"?><document type="Open Screenplay Format document"><paragraphs>'
    + "".join(f'<para><style basestylename="{kind}"/><text>{text}</text></para>' for kind, text in SCRIPT)
    + "</paragraphs></document>"
)
TRELBY = """#Version 3
#Start-Script
.\\INT. PIER - NIGHT
>.Rain and
..rain.
._MARA
.:Is it lit?
._TOM
.((sighs)
>:Not
.:yet.
.%not shown
._MARA
.:Then light it.
"""
FOUNTAIN = "INT. PIER - NIGHT\n\nRain.\n\nMARA\nIs it lit?\n\nTOM\n(sighs)\nNot yet.\n\nMARA\nThen light it.\n"


def packed(path: Path, part: str, text: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(part, text)


@pytest.mark.parametrize("name", ["a.osf", "a.fadein", "a.trelby", "a.highland", "a.textpack"])
def test_speeches_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.fadein":
        packed(path, "document.xml", OPEN)
    elif name in ("a.highland", "a.textpack"):
        packed(path, "a.textbundle/text.md", FOUNTAIN)
    else:
        path.write_text(OPEN if name == "a.osf" else TRELBY, encoding="utf-8")
    assert {speaker.name: speaker.lines for speaker in speakers([path])} == {"MARA": 2, "TOM": 1}
    row = extract([path], "TOM").rows[0]
    assert [message["content"] for message in row["messages"]] == ["Is it lit?", "Not yet."]


@pytest.mark.parametrize(("name", "what"), [("a.wdz", "WriterDuet"), ("a.celtx", "Celtx"), ("a.fb2", "FictionBook")])
def test_what_is_not_read_is_named(tmp_path: Path, name: str, what: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"PK")
    with pytest.raises(UsageError, match=what):
        speakers([path])


def test_xml_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.script"
    lines = "\n".join(f'<para s="{kind}">{text}: {text}</para>' for kind, text in 2 * SCRIPT)
    path.write_text(f'<?xml version="1.0"?>\n<script>\n{lines}\n</script>\n', encoding="utf-8")
    with pytest.raises(UsageError, match="XML"):
        speakers([path])
