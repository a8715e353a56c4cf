"""The story by clicks, from a script to an exported character, on a tiny model: reloaded in the middle of each page."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from offbook.studio.edits import append
from tests.browser import Browser
from tests.conftest import LINES
from tests.studio.pages import CANARY, StudioProcess, answer, drawn, fill, menu, press, running_studio, visit

PAGES = ("", "text/night.txt", "lines/Hamlet", "character/Hamlet", "rehearse/Hamlet", "verdict/Hamlet", "take/Hamlet")
SETTINGS = {
    "train.epochs": "8",
    "train.log_steps": "1",
    "train.heldout_steps": "5",
    "train.batch_size": "4",
    "train.learning_rate": "0.01",
    "data.heldout": "0.2",
    "generation.max_new_tokens": "8",
    "evaluate.prompts": "2",
    "evaluate.learning_curve": "false",
    "track.trackers": "[]",
}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    with running_studio(tmp_path_factory.mktemp("story") / "studio") as it:
        yield it


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as it:
        yield it


def script_of_lines() -> str:
    """The lines as a script, one of them hostile."""
    pairs = [line.split("|") for line in LINES.strip().splitlines()]
    pairs[3][1] += f" {CANARY}"
    return "\n\n".join(f"OPHELIA: {prompt}\n\nHAMLET: {reply}" for prompt, reply in pairs)


def choose(browser: Browser, studio: StudioProcess, script: Path) -> None:
    visit(browser, studio)
    press(browser, "Start with a text")
    drawn(browser, "Which text")
    browser.type("#file", str(script))
    drawn(browser, "Who is to speak?")
    browser.reload()
    drawn(browser, "Who is to speak?")
    assert sorted(browser.text(".speaker b")) == ["HAMLET", "OPHELIA"]
    press(browser, "HAMLET", ".speaker b")
    fill(browser, "[name=name]", "Hamlet")
    press(browser, "Take the lines of HAMLET")
    drawn(browser, "Are these the right lines?")


def change_rows(browser: Browser, studio: StudioProcess) -> None:
    """By keys and by buttons: left out, edited, joined, taken back; each change is on the disk at once."""
    rows = studio.folder / "characters" / "Hamlet" / "rows.jsonl"

    def texts() -> list[str]:
        return rows.read_text(encoding="utf-8").splitlines()

    browser.wait("document.querySelectorAll('.entry[data-state=full]').length > 5")
    assert browser.text(".tools-row [role=status]") == ["24 lines"]
    browser.type(".virtual", "x")
    browser.wait("document.querySelector('.entry.excluded')")
    assert len(texts()) == 23
    browser.click("#undo-edit")
    browser.wait("!document.querySelector('.entry.excluded')")
    browser.type(".virtual", "e")
    fill(browser, ".editor textarea[required]", "I am nobody tonight.")
    press(browser, "Save")
    browser.wait("document.querySelector('.entry').innerText.includes('nobody tonight')")
    assert "I am nobody tonight." in texts()[0]
    browser.type(".virtual", "m")
    browser.wait("document.querySelector('#notice-text').textContent === 'Joined.'")
    assert len(texts()) == 23
    assert "I am nobody tonight." in texts()[0]
    browser.click("#undo")
    browser.wait("document.querySelector('#notice-text').textContent === 'Undone.'")
    assert len(texts()) == 24
    press(browser, "Leave out")
    browser.wait("document.querySelector('.entry.excluded')")
    browser.reload()
    browser.wait("document.querySelector('.entry.excluded')")
    assert len(texts()) == 23
    assert "HAMLET: " in browser.wait("document.querySelector('.source .here')?.textContent")


def see_what_another_changes(browser: Browser, studio: StudioProcess) -> None:
    """A second person, or a terminal, writes into the journal: the page shows it by itself."""
    journal = studio.folder / "characters" / "Hamlet" / "edits.jsonl"
    append(journal, {"op": "undo"})
    browser.wait("!document.querySelector('.entry.excluded') && document.querySelector('.entry')")
    append(journal, {"op": "exclude", "row": browser.run("document.querySelector('.entry').dataset.row")})


def say_who_it_is(browser: Browser, studio: StudioProcess) -> None:
    press(browser, "Next: the character")
    drawn(browser, "Who is the character?")
    fill(browser, "#persona textarea", "You are Hamlet, and it is late.")
    browser.wait("document.querySelector('#notice-text').textContent === 'Saved.'")
    browser.reload()
    drawn(browser, "Who is the character?")
    assert browser.run("document.querySelector('#persona textarea').value") == "You are Hamlet, and it is late."
    press(browser, "Next: rehearse")
    drawn(browser, "rehearses")


def rehearse(browser: Browser, studio: StudioProcess, model: Path) -> None:
    press(browser, "Details")
    for option, value in {**SETTINGS, "model.source": str(model)}.items():
        fill(browser, f'[data-option="{option}"]', value)
    settings = studio.folder / "characters" / "Hamlet" / "run.yaml"
    values = "fetch('/api/characters/Hamlet/config').then((answer) => answer.json())"
    browser.wait(f"{values}.then(({{ set }}) => set['model.source'] === {str(model)!r})")
    fill(browser, '[data-option="train.epochs"]', "-1")
    browser.wait("document.querySelector('.problem')")
    assert "epochs: 8" in settings.read_text(encoding="utf-8"), "a bad value is not kept"
    press(browser, "Begin the rehearsal")
    points = "Number(document.querySelector('.chart')?.dataset.points ?? 0)"
    before = browser.wait(f"{points} > 2 && {points}", 120)
    browser.wait("document.querySelector('.heard article .reply')")
    first = browser.window
    browser.open_window()  # a second one beside it
    visit(browser, studio, "rehearse/Hamlet")
    browser.wait(f"{points} > {before}", 120)
    browser.switch(first)
    before = browser.wait(f"{points} > {before} && {points}", 120)
    browser.reload()
    browser.wait(f"{points} > {before}", 120)


def read_the_verdict(browser: Browser) -> None:
    browser.wait("location.pathname.startsWith('/verdict/')", 120)
    browser.wait("document.querySelectorAll('ul.verdict > li').length > 0", 120)
    browser.reload()
    assert drawn(browser)
    assert browser.wait("document.querySelectorAll('.pair').length") > 0


def take_along(browser: Browser) -> None:
    """It is made while one talks."""
    press(browser, "Take along", "#story a span")
    drawn(browser, "Take the character along")
    browser.click('[data-format="merged"] button')
    browser.wait("document.querySelector('.working .job')")
    browser.reload()
    browser.wait("document.querySelector('.working .job')")


def talk(browser: Browser) -> None:
    press(browser, "Talk", "#story a span")
    drawn(browser, "Talk")
    chat = "document.querySelector('iframe.chat')?.contentDocument"
    browser.wait(f"{chat}?.querySelector('#name')?.textContent === 'Hamlet'", 120)
    browser.reload()
    browser.wait(f"{chat}?.querySelector('#name')?.textContent === 'Hamlet'", 120)
    send = "page.querySelector('#line').value = 'Good night'; page.querySelector('#send').click();"
    browser.run(f"((page) => {{ {send} }})({chat})")
    browser.wait(f"{chat}.querySelectorAll('.assistant').length && !{chat}.querySelector('.growing')", 60)


@pytest.fixture(scope="module")
def played(
    browser: Browser, studio: StudioProcess, tiny: Path, tmp_path_factory: pytest.TempPathFactory
) -> StudioProcess:
    """The studio in which the story has been told once, by clicks: it holds a character and its run."""
    script = tmp_path_factory.mktemp("text") / "night.txt"
    script.write_text(script_of_lines(), encoding="utf-8")
    choose(browser, studio, script)
    change_rows(browser, studio)
    see_what_another_changes(browser, studio)
    say_who_it_is(browser, studio)
    rehearse(browser, studio, tiny)
    read_the_verdict(browser)
    take_along(browser)
    talk(browser)
    shutil.copytree(studio.folder / "runs" / "Hamlet", studio.folder / "runs" / "a copy")
    return studio


def test_the_story(browser: Browser, played: StudioProcess) -> None:
    visit(browser, played, "take/Hamlet")
    browser.wait("document.querySelector('[data-format=\"merged\"].made')", 120)
    assert browser.text('[data-format="merged"] .primary') == ["Download"]
    assert browser.run("document.title").endswith("offbook"), "nothing hostile has run"
    run = json.loads((played.folder / "runs" / "Hamlet" / "adapter" / "persona.json").read_text(encoding="utf-8"))
    assert run["system"] == "You are Hamlet, and it is late."
    visit(browser, played)
    (card,) = browser.text('[data-name="Hamlet"]')
    assert "off book" in card
    assert re.search(r"\d [KM]B", card)
    assert browser.text('[data-name="Hamlet"] blockquote') != ["Has not spoken yet."]
    assert "free on the disk" in browser.text("main")[0]


def test_a_phone_in_chinese_by_day_and_by_night(played: StudioProcess) -> None:
    with Browser((390, 844), language="zh-CN") as phone:
        for page in (*PAGES, "compare/Hamlet/a%20copy", "jobs"):
            visit(phone, played, page)
            phone.wait("document.querySelector('main.shown')")
            assert phone.wait("document.querySelector('.command') && location.pathname", 60) == f"/{page}"
            assert phone.run("document.documentElement.lang") == "zh-CN"
            assert phone.run("document.documentElement.scrollWidth") == 390, page
            assert not phone.run("[...document.querySelectorAll('.scroll')].some((each) => each.scrollWidth > 390)"), (
                page
            )
            assert phone.accessibility_violations() == [], page
            phone.dark()
            assert phone.accessibility_violations() == [], page
            phone.dark(False)


def test_characters_and_runs_are_renamed_copied_and_deleted(browser: Browser, played: StudioProcess) -> None:
    visit(browser, played)
    place = '[data-name="Hamlet"]'
    menu(browser, place, "Duplicate")
    browser.wait("document.querySelectorAll('.card').length === 2")
    menu(browser, '[data-name="Hamlet (2)"]', "Rename")
    answer(browser, name="Prince")
    browser.wait("document.querySelector('[data-name=Prince]')")
    menu(browser, '[data-name="Prince"]', "Delete")
    browser.wait(
        "document.querySelector('#ask').open && document.querySelector('#ask').innerText.includes('its lines')"
    )
    answer(browser)
    browser.wait("!document.querySelector('[data-name=Prince]')")
    assert not (played.folder / "characters" / "Prince").exists()
    shutil.move(played.folder / "characters" / "Hamlet", played.folder / "away")  # in a terminal, say
    browser.wait("document.querySelector('[data-run=Hamlet]')")
    shutil.move(played.folder / "away", played.folder / "characters" / "Hamlet")
    browser.wait("document.querySelector('[data-name=Hamlet]')")
    visit(browser, played, "verdict/a copy")
    menu(browser, ".heading", "Rename")
    answer(browser, name="first try")
    browser.wait("location.pathname === '/verdict/first%20try'")
    drawn(browser)
    assert (played.folder / "runs" / "first try" / "adapter").is_dir()
    browser.reload()
    drawn(browser)
    menu(browser, ".heading", "Delete")
    browser.wait("document.querySelector('#ask').innerText.includes('the character')")
    answer(browser)
    browser.wait("location.pathname === '/'")
    assert not (played.folder / "runs" / "first try").exists()
    assert (played.folder / "characters" / "Hamlet" / "lines.jsonl").is_file()
