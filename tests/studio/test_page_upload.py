"""How texts come in, and go their own way across the page: slowly, given up, pasted, written from the right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from offbook.studio.new_character import Persona, make_folder
from tests.browser import Browser
from tests.studio.pages import StudioProcess, drawn, press, running_studio, visit
from tests.studio.test_jobs import wait_until
from tests.studio.test_rows import row, write_lines

RIGHT_TO_LEFT = "שלום, מי שם?"
INDENT = """(place) => {
    const part = document.querySelector(place);
    const letters = document.createRange();
    letters.selectNodeContents(part);
    return letters.getBoundingClientRect().left - part.getBoundingClientRect().left > 40;
}"""
"""Whether a part's text stands away from its left edge."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as it:
        yield it


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    with running_studio(tmp_path_factory.mktemp("studio")) as it:
        yield it


def test_a_text_that_takes_long_to_arrive_can_be_given_up(
    browser: Browser, studio: StudioProcess, tmp_path: Path
) -> None:
    large = tmp_path / "large.txt"
    large.write_bytes(b"ANN: Is the stove lit?\n" * 400_000)
    visit(browser, studio, "text")
    browser.slow(upload=20_000)
    browser.type("#file", str(large))
    press(browser, "Cancel", "main [role=status] button")
    browser.wait("!document.querySelector('main [role=status] button')")
    browser.slow()
    assert browser.text(".problem") == []
    wait_until(lambda: list((studio.folder / "sources").iterdir()) == [])
    assert browser.run("dispatchEvent(new Event('beforeunload', { cancelable: true }))"), "nothing is on its way"


def test_of_a_folder_that_is_dropped_the_texts_are_taken(
    browser: Browser, studio: StudioProcess, tmp_path: Path
) -> None:
    folder = tmp_path / "chat"
    (folder / "more").mkdir(parents=True)
    for name in ("ep 10.txt", "ep 2.txt", "more/ep 11.txt"):
        (folder / name).write_text("ANN: Is the stove lit?\n\nTOM: Since four.\n\n" * 5, encoding="utf-8")
    for name in ("Thumbs.db", "more/desktop.ini", ".hidden.txt", "~$ep 2.docx", "more/stove.png"):
        (folder / name).touch()
    visit(browser, studio, "text")
    browser.drop(folder)
    browser.wait("decodeURIComponent(location.pathname) === '/text/ep 2.txt/ep 10.txt/ep 11.txt'")
    visit(browser, studio, "text")
    (tmp_path / "empty").mkdir()
    browser.drop(tmp_path / "empty")
    browser.wait("document.querySelector('.problem')?.innerText.includes('no text in this folder')")


def test_what_is_being_pasted_stays_when_the_language_changes(browser: Browser, studio: StudioProcess) -> None:
    visit(browser, studio, "text")
    press(browser, "Paste text instead")
    browser.type(".paste textarea", "ANN: Is the stove lit?")
    browser.click("#language")
    drawn(browser, "角色")
    assert browser.run("document.querySelector('.paste textarea').value") == "ANN: Is the stove lit?"
    assert browser.run("document.querySelector('.paste').open")
    browser.click("#language")
    drawn(browser, "Which text")


def test_back_leads_to_where_the_page_was_left(browser: Browser, studio: StudioProcess) -> None:
    for number in range(40):
        make_folder(studio.folder / "characters" / f"Ann {number}", Persona.of("Ann"))
    visit(browser, studio)
    browser.wait("document.querySelectorAll('.card').length === 40")
    browser.run("scrollTo(0, 600)")
    press(browser, "Work", "nav a span")
    drawn(browser, "Work")
    browser.run("history.back()")
    drawn(browser, "Characters")
    assert browser.wait("document.querySelector('.card') && Math.round(scrollY)") == 600


def test_what_is_written_from_the_right_is_shown_so(browser: Browser, studio: StudioProcess) -> None:
    folder = studio.folder / "characters" / "Tal"
    make_folder(folder, Persona.of("Tal"))
    turns = [{"role": "user", "content": "Who is there?"}, {"role": "assistant", "content": RIGHT_TO_LEFT}]
    write_lines(folder / "lines.jsonl", [{**row(1), "messages": turns}])
    visit(browser, studio, "lines/Tal")
    for place, is_right in {".panel .reply": True, ".panel .prompt": False, ".entry .reply": True}.items():
        browser.wait(f"document.querySelector('{place}')")
        assert browser.run(f"({INDENT})('{place}')") == is_right, place


def test_on_paper_stands_what_was_read(browser: Browser, studio: StudioProcess) -> None:
    visit(browser, studio, "lines/Tal")
    browser.wait("document.querySelector('.panel .reply')")
    browser.on_paper()
    seen = "document.querySelector({!r}).checkVisibility()".format
    assert [browser.run(seen(place)) for place in ("header", ".panel .buttons button", ".panel .reply", "h1")] == [
        False,
        False,
        True,
        True,
    ]
    browser.on_paper(False)
