"""The story by clicks, from a script to an exported character, on a tiny model: reloaded in the middle of each page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser
from tests.conftest import LINES
from tests.studio.pages import CANARY, StudioProcess, drawn, fill, press, running_studio, visit

PAGES = ("", "text/night.txt", "lines/Hamlet", "character/Hamlet", "rehearse/Hamlet", "verdict/Hamlet", "take/Hamlet")
SETTINGS = {
    "train.epochs": "8",
    "train.log_steps": "1",
    "train.heldout_steps": "5",
    "train.batch_size": "4",
    "train.learning_rate": "0.01",
    "data.heldout": "0.2",
    "generation.max_new_tokens": "16",
    "evaluate.prompts": "4",
    "track.trackers": "[]",
}


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[StudioProcess]:
    with running_studio(tmp_path / "studio") as it:
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


def exclude_a_row(browser: Browser, studio: StudioProcess) -> None:
    rows = studio.folder / "characters" / "Hamlet" / "rows.jsonl"
    browser.wait("document.querySelectorAll('.entry[data-state=full]').length > 5")
    total = browser.text("[role=status]")[0]
    assert total == "24 lines"
    browser.type(".virtual", "x")
    browser.wait("document.querySelector('.entry.excluded')")
    assert len(rows.read_text(encoding="utf-8").splitlines()) == 23
    browser.click("#undo-edit")
    browser.wait("!document.querySelector('.entry.excluded')")
    press(browser, "Leave out")
    browser.wait("document.querySelector('.entry.excluded')")
    browser.reload()
    browser.wait("document.querySelector('.entry.excluded')")
    assert len(rows.read_text(encoding="utf-8").splitlines()) == 23
    assert "HAMLET: " in browser.wait("document.querySelector('.source .here')?.textContent")


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
    browser.reload()
    browser.wait(f"{points} > {before}", 120)


def read_the_verdict(browser: Browser) -> None:
    browser.wait("location.pathname.startsWith('/verdict/')", 120)
    browser.wait("document.querySelectorAll('ul.verdict > li').length > 0", 120)
    browser.reload()
    assert drawn(browser)
    assert browser.wait("document.querySelectorAll('.pair').length") > 0


def talk(browser: Browser) -> None:
    press(browser, "Next: talk to it")
    drawn(browser, "Talk")
    chat = "document.querySelector('iframe.chat')?.contentDocument"
    browser.wait(f"{chat}?.querySelector('#name')?.textContent === 'HAMLET'", 120)
    browser.reload()
    browser.wait(f"{chat}?.querySelector('#name')?.textContent === 'HAMLET'", 120)
    send = "page.querySelector('#line').value = 'Good night'; page.querySelector('#send').click();"
    browser.run(f"((page) => {{ {send} }})({chat})")
    browser.wait(f"{chat}.querySelectorAll('.assistant').length && !{chat}.querySelector('.growing')", 60)


def take_along(browser: Browser, studio: StudioProcess) -> None:
    press(browser, "Next: take it along")
    drawn(browser, "Take the character along")
    browser.click('[data-format="merged"] button')
    browser.wait("document.querySelector('.working .job')")
    browser.reload()
    browser.wait("document.querySelector('[data-format=\"merged\"].made')", 120)
    assert browser.text('[data-format="merged"] .primary') == ["Download"]


def test_the_story(studio: StudioProcess, tiny: Path, tmp_path: Path) -> None:
    script = tmp_path / "night.txt"
    script.write_text(script_of_lines(), encoding="utf-8")
    with Browser() as browser:
        choose(browser, studio, script)
        exclude_a_row(browser, studio)
        say_who_it_is(browser, studio)
        rehearse(browser, studio, tiny)
        read_the_verdict(browser)
        talk(browser)
        take_along(browser, studio)
        assert browser.run("document.title").endswith("offbook"), "nothing hostile has run"
        run = json.loads((studio.folder / "runs" / "Hamlet" / "adapter" / "persona.json").read_text(encoding="utf-8"))
        assert run["system"] == "You are Hamlet, and it is late."
    with Browser((390, 844), language="zh-CN") as phone:
        for page in (*PAGES, "jobs"):
            visit(phone, studio, page)
            phone.wait("document.querySelector('main.shown')")
            assert phone.run("document.documentElement.lang") == "zh-CN"
            assert phone.run("document.documentElement.scrollWidth") == 390, page
            assert phone.accessibility_violations() == [], page
            phone.dark()
            assert phone.accessibility_violations() == [], page
            phone.dark(False)
