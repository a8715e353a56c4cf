"""The page of `extract --html`: rows beside their source, what was left out, on a phone and on a desk."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from offbook.cli.main import main
from offbook.data.extract import rows_page, stream
from offbook.data.extract.rows_page import RowsPage, is_page
from tests.browser import Browser

SCRIPT = """ACT I

ADA. Is the </script><img src=x onerror=alert(1)> boat in?

DICK. Not yet. The tide is out.

ADA. Then we wait.

[They wait.]

DICK. I brought tea.

FERRYMAN. Time to go.

DICK. So it is.
"""


def made(tmp_path: Path, lang: str = "en") -> str:
    script = tmp_path / "play.txt"
    script.write_text(SCRIPT, encoding="utf-8")
    extraction = stream([script], "Dick")
    page = RowsPage()
    for item in extraction.items:
        page.add(item)
    return page.render(extraction.summary, lang)


def test_the_page_overwrites_nothing_but_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, rows, script = tmp_path / "page.html", tmp_path / "rows.jsonl", tmp_path / "play.txt"
    page.write_text(made(tmp_path, "zh"), encoding="utf-8")
    for place, wrong in ((script, "did not write it"), (rows, "name one file"), (tmp_path, "directory"), (page, "")):
        with pytest.raises(SystemExit) as ended:
            main(["extract", str(script), "--role", "Dick", "--out", str(rows), "--html", str(place)])
        assert bool(ended.value.code) == bool(wrong)
        assert wrong in capsys.readouterr().err
        assert script.read_text(encoding="utf-8") == SCRIPT
    assert is_page(page)
    assert not is_page(script)


def test_each_row_stands_beside_its_lines(tmp_path: Path) -> None:
    content = re.search(r'id="data">(.*?)</script>', made(tmp_path), re.DOTALL)
    assert content
    data = json.loads(content[1])
    file, first, last, replies, where, confidence, turns, excerpt = data["rows"][0]
    assert excerpt == ""
    assert (first, last, replies, where, confidence) == (2, 12, [5], "ACT I", 1.0)
    assert data["lines"][file]["5"] == "DICK. Not yet. The tide is out."
    assert turns[1] == ["assistant", "Not yet. The tide is out.", 1]
    assert "onerror=alert" in turns[0][1]


def test_what_was_left_out_is_told_with_its_line_and_reason(tmp_path: Path) -> None:
    html = made(tmp_path, "zh")
    assert "1 × 舞台提示" in html
    assert "play.txt:9</code> [They wait.]" in html
    assert "<img" not in html


def test_more_rows_than_a_browser_bears_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_page, "MOST_ROWS", 1)
    assert "2 further rows" in made(tmp_path)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("size", [(390, 844), (1280, 900)])
def test_the_page_is_read_and_searched_by_everybody(tmp_path: Path, lang: str, size: tuple[int, int]) -> None:
    path = tmp_path / "rows.html"
    path.write_text(made(tmp_path, lang), encoding="utf-8")
    with Browser(size) as browser:
        for dark in (False, True):
            browser.dark(dark)
            browser.open(path.as_uri())
            assert browser.accessibility_violations() == []
            assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        assert len(browser.text("article")) == 3
        browser.type("#search", "brought")
        browser.wait("document.querySelectorAll('article').length == 1")
        (shown,) = browser.text("article")
        assert "I brought tea." in shown
        assert browser.text("mark") == ["DICK. I brought tea."]


def test_a_message_of_telegrams_is_shown_with_its_text(tmp_path: Path) -> None:
    sent = {"type": "message", "date": "2024-01-05T20:00:00", "date_unixtime": "1704484800"}
    messages = [
        {"id": number, **sent, "from": name, "from_id": f"user{name}", "text": text}
        for number, (name, text) in enumerate([("Ben", "Lit at last?"), ("Mara", "Since four."), ("Ben", "Good.")])
    ]
    chat = {"name": "Ben", "type": "personal_chat", "id": 1, "messages": messages}
    (tmp_path / "result.json").write_text(json.dumps(chat, indent=1))
    gathered = RowsPage()
    stream_of = stream([tmp_path / "result.json"], "Mara")
    for item in stream_of.items:
        gathered.add(item)
    content = re.search(r'id="data">(.*?)</script>', gathered.render(stream_of.summary), re.DOTALL)
    assert content
    assert any('"text": "Since four."' in line for line in json.loads(content[1])["lines"].popitem()[1].values())


def test_of_a_line_that_is_a_whole_chat_what_stands_about_the_reply_is_shown(tmp_path: Path) -> None:
    messages = [
        {
            "type": "message",
            "id": number,
            "date": "2024-01-05T20:00:00",
            "from": "BM"[number % 2],
            "text": f"Né {number}?",
        }
        for number in range(40)
    ]
    chat = {"name": "B", "type": "personal_chat", "id": 1, "messages": messages}
    path = tmp_path / "result.json"
    for escaped in (True, False):
        path.write_text(json.dumps(chat, ensure_ascii=escaped), encoding="utf-8")
        extraction = stream([path], "M")
        gathered = RowsPage()
        for item in extraction.items:
            gathered.add(item)
        gathered.render(extraction.summary)
        assert len(gathered.rows) > 10
        for row in gathered.rows:
            written = json.dumps(row[6][-1][1], ensure_ascii=escaped)
            assert written in row[-1]
            assert len(row[-1]) <= rows_page.LONGEST_LINE
