"""A scene on the chat page: several characters and the user in one conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Browser
from tests.server.conftest import Served, serving
from tests.server.pages import CANARY, click_text, look_again, messages

IDLE = "!document.querySelector('.growing') && document.querySelector('#stop').hidden"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with Browser() as it:
        yield it


@pytest.fixture
def cast() -> Iterator[Served]:
    with serving(names=("ann", "ben", "cleo"), slots=2) as it:
        it.tuned.words = "Heard: "
        yield it


@pytest.fixture
def page(browser: Browser, cast: Served) -> Any:
    open_scene(browser, cast.address)
    return browser


def open_scene(browser: Browser, address: str, names: Sequence[str] = ("Ann", "Ben"), rule: str = "addressed") -> None:
    """Begin a scene as Tom."""
    browser.open(f"{address}/#scene")
    fill(browser, names, rule)


def fill(browser: Browser, names: Sequence[str], rule: str = "addressed") -> None:
    browser.wait("document.querySelector('#scene-settings').open")
    browser.run("document.querySelector('#scene-form').user.value = ''")
    browser.type("#scene-form [name=user]", "Tom")
    for name in names:
        click_text(browser, "#players label:not(:has(:checked))", name)
    browser.run(f"document.querySelector('#scene-form').rule.value = {rule!r}")
    browser.click("#scene-begin")
    # A dialog tells that it was closed a moment after it is.
    browser.wait(f"!document.querySelector('#scene-settings').open && document.title.endsWith({names[-1]!r})")


def speak_as_tom(browser: Browser, text: str, lines: int) -> Any:
    """Say something, wait until so many lines are there, and give them back."""
    browser.type("#line", f"{text}\n")
    return lines_when(browser, lines)


def lines_when(browser: Browser, count: int) -> Any:
    browser.wait(f"{IDLE} && document.querySelectorAll('#script li').length === {count}")
    return messages(browser)


def edit(browser: Browser, index: int, text: str) -> None:
    browser.run(f"document.querySelectorAll('#script li')[{index}].querySelector('.edit').click()")
    browser.run("document.querySelector('.editor textarea').value = ''")
    browser.type(".editor textarea", text)
    browser.click(".editor .buttons button:last-child")


def test_whoever_is_addressed_speaks_and_hears_the_others_by_name(page: Browser, cast: Served) -> None:
    assert page.run("document.title") == "Ann, Ben"
    assert page.run("location.hash") == "#scene"
    assert speak_as_tom(page, "Good evening, Ben.", 2) == [
        ["Tom", "Good evening, Ben."],
        ["Ben", "Heard: Tom: Good evening, Ben."],
    ]
    assert speak_as_tom(page, "And you, Ann?", 4)[3][0] == "Ann"
    heard = "Tom: Good evening, Ben.\nBen: Heard: Tom: Good evening, Ben.\nTom: And you, Ann?"
    assert f"<|im_start|>user\n{heard}<|im_end|>" in cast.tuned.prompts[-1]


def test_it_goes_on_without_the_user_and_one_is_asked(page: Browser) -> None:
    page.click("#go-on")
    assert [name for name, _ in lines_when(page, 1)] == ["Ann"]
    page.type("#line", "\n")
    assert [name for name, _ in lines_when(page, 2)] == ["Ann", "Ben"]
    click_text(page, "#stage .speak", "Ben")
    assert [name for name, _ in lines_when(page, 3)] == ["Ann", "Ben", "Ben"]


def test_in_a_round_all_speak(browser: Browser, cast: Served) -> None:
    open_scene(browser, cast.address, ("Ann", "Ben", "Cleo"), "round")
    assert [name for name, _ in speak_as_tom(browser, "Good evening.", 4)] == ["Tom", "Ann", "Ben", "Cleo"]
    assert "Ben: Heard: " in cast.tuned.prompts[-1], "Cleo has heard those before her"


def test_nobody_speaks_who_is_not_named(browser: Browser, cast: Served) -> None:
    open_scene(browser, cast.address, rule="named")
    assert speak_as_tom(browser, "It is cold.", 1) == [["Tom", "It is cold."]]
    browser.wait("document.querySelector('#notice').textContent.includes('nobody was named')")
    assert cast.tuned.prompts == []


def test_who_leaves_hears_nothing_until_it_comes_back(page: Browser, cast: Served) -> None:
    page.click("#stage li:first-child .move")
    assert messages(page) == [["", "(Ann leaves.)"]]
    assert page.text("#stage .away") == ["Ann\n+"]
    assert [name for name, _ in speak_as_tom(page, "She hides the matches.", 3)] == ["", "Tom", "Ben"]
    page.click("#stage li:first-child .move")
    assert speak_as_tom(page, "Ann, there you are.", 6)[5][0] == "Ann"
    assert "(Ann leaves.)\n(Ann enters.)\nTom: Ann, there you are." in cast.tuned.prompts[-1]
    assert "matches" not in cast.tuned.prompts[-1]
    assert speak_as_tom(page, "Ann leaves", 8)[6:] == [["", "(Ann leaves.)"], ["Ben", messages(page)[7][1]]]
    assert page.text("#stage .away") == ["Ann\n+"]


def test_what_happens_stands_in_parentheses(page: Browser, cast: Served) -> None:
    assert speak_as_tom(page, "(It rains.)", 2)[0] == ["", "(It rains.)"]
    assert page.run("document.querySelector('#script li').className") == "direction"
    assert "<|im_start|>user\n(It rains.)<|im_end|>" in cast.tuned.prompts[-1]


def test_a_line_is_stopped(page: Browser, cast: Served) -> None:
    cast.tuned.endless, cast.tuned.delay = True, 0.01
    page.type("#line", "Ann, go on\n")
    page.wait("document.querySelector('.growing .said')?.textContent.length > 12")
    page.type("#line", "\ue00c")
    lines_when(page, 2)
    assert cast.tuned.closed.wait(5), "the server is told"
    assert page.text("li:last-child .end") == ["interrupted"]


def test_a_line_is_changed_deleted_and_said_anew(page: Browser, cast: Served) -> None:
    speak_as_tom(page, "Good evening, Ben.", 2)
    edit(page, 1, "Well.")
    assert messages(page)[1] == ["Ben", "Well."]
    speak_as_tom(page, "Ben?", 4)
    assert "<|im_start|>assistant\nWell.<|im_end|>" in cast.tuned.prompts[-1]
    cast.tuned.words = "Anew: "
    page.click(".again")
    assert lines_when(page, 4)[3] == ["Ben", "Anew: Tom: Ben?"]
    page.click("#undo")
    assert messages(page)[3] == ["Ben", "Heard: Tom: Ben?"]
    page.run("document.querySelector('#script li .delete').click()")
    assert [text for _, text in messages(page)] == ["Well.", "Ben?", "Heard: Tom: Ben?"]
    page.click("#undo")
    assert [text for _, text in messages(page)] == ["Good evening, Ben.", "Well.", "Ben?", "Heard: Tom: Ben?"]


def test_scenes_are_kept_and_one_cut_off_by_a_reload_too(page: Browser, cast: Served) -> None:
    lines = speak_as_tom(page, "Good evening, Ben.", 2)
    page.click("#reset")
    fill(page, ["Cleo"])
    assert page.run("document.title") == "Ann, Ben, Cleo", "who played last is chosen already"
    assert messages(page) == []
    cast.tuned.endless, cast.tuned.delay = True, 0.01
    page.type("#line", "Cleo, go on\n")
    page.wait("document.querySelector('.growing .said')?.textContent.length > 20")
    page.reload()
    page.wait("document.querySelector('.again')")
    assert page.text("li:last-child .end") == ["interrupted"]
    page.click("#talks-button")
    assert page.text("#talk-list .open") == ["Ann, Ben, Cleo: Cleo, go on", "Ann, Ben: Good evening, Ben."]
    click_text(page, "#talk-list .open", "Ann, Ben: Good evening, Ben.")
    assert messages(page) == lines
    assert page.run("document.title") == "Ann, Ben"


def test_a_scene_that_has_begun_takes_others_in_and_another_rule(page: Browser) -> None:
    speak_as_tom(page, "Good evening, Ben.", 2)
    page.click("#settings-button")
    assert page.run("[...document.querySelectorAll('#players :disabled')].length") == 2
    fill(page, ["Cleo"], "round")
    assert page.text("#stage .speak") == ["Ann", "Ben", "Cleo"]
    assert [name for name, _ in speak_as_tom(page, "All of you?", 6)][2:] == ["Tom", "Ann", "Ben", "Cleo"]


def test_two_are_chosen_and_none_has_the_users_name(browser: Browser, cast: Served) -> None:
    browser.open(f"{cast.address}/#scene")
    browser.wait("document.querySelector('#scene-settings').open")
    browser.click("#scene-begin")
    assert browser.text("#scene-fault") == ["Choose two or more."]
    for name in ("Ann", "Ben"):
        click_text(browser, "#players label", name)
    browser.run("document.querySelector('#scene-form').user.value = 'ben'")
    browser.click("#scene-begin")
    assert browser.text("#scene-fault") == ["One of them has that name. Take another."]
    browser.click("#scene-cancel")
    browser.wait("document.title === 'Ann'")


def test_one_of_the_scene_has_left_the_server(page: Browser, cast: Served) -> None:
    speak_as_tom(page, "Good evening, Ann.", 2)
    cast.cast.remove("ann")
    look_again(page)
    page.wait("document.querySelector('#stage .away')")
    assert page.text("#stage .away") == ["Ann"]
    assert [name for name, _ in speak_as_tom(page, "Ann?", 4)] == ["Tom", "Ann", "Tom", "Ben"]
    cast.cast.remove("ben")
    look_again(page)
    page.wait("document.querySelector('#composer').hidden")
    assert page.text("#away") == ["None of them is here now. What was said can be read."]
    assert len(messages(page)) == 4


def test_the_script_is_saved_and_extract_reads_it_again(page: Browser, tmp_path: Path) -> None:
    from offbook.cli.main import main

    speak_as_tom(page, "Ann, is the stove lit?", 2)
    edit(page, 1, "Since four.")
    speak_as_tom(page, "(It rains.)", 4)
    speak_as_tom(page, "And is it warm, Ann?", 6)
    edit(page, 5, "Warm enough\nfor a winter.")
    page.run("URL.createObjectURL = (blob) => (blob.text().then((text) => { window.saved = text }), '#scene')")
    page.run("HTMLAnchorElement.prototype.click = function () { window.file = this.download }")
    page.click("#download")
    page.wait("window.saved")
    assert page.run("window.file") == "Ann, Ben.txt"
    (tmp_path / "scene.txt").write_text(page.run("window.saved"), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["extract", str(tmp_path / "scene.txt"), "--role", "Ann", "--out", str(tmp_path / "rows.jsonl")])
    assert not ended.value.code
    rows = [json.loads(row) for row in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    replies = [row["messages"][-1]["content"] for row in rows]
    assert replies == ["Since four.", "Warm enough for a winter."]
    assert "And is it warm, Ann?" in rows[1]["messages"][-2]["content"]


def test_hostile_lines_stay_text(page: Browser) -> None:
    line = f"Ann, {CANARY}"
    assert speak_as_tom(page, line, 2) == [["Tom", line], ["Ann", f"Heard: Tom: {line}"]]
    page.reload()
    page.wait("document.querySelector('.user')")
    page.click("#talks-button")
    assert page.run("document.title") == "Ann, Ben"
    assert page.run("document.querySelectorAll('main img, main script, main b, dialog img, dialog script').length") == 0


def test_hostile_names_stay_text(browser: Browser) -> None:
    name = "<img src=x onerror=document.title='taken'>"
    with serving(names=("ann", name)) as served:
        open_scene(browser, served.address, ("Ann", name.title()))
        assert [name for name, _ in speak_as_tom(browser, "Good evening.", 2)] == ["Tom", "Ann"]
        browser.click("#go-on")
        assert lines_when(browser, 3)[2][0] == name.title()
        browser.run("document.querySelectorAll('#stage .move')[1].click()")
        browser.click("#settings-button")
        assert browser.run("document.querySelectorAll('main img, footer img, header img, dialog img').length") == 0
        assert browser.run("document.title") == f"Ann, {name.title()}"


def test_an_error_of_the_server_leaves_what_was_said(page: Browser, cast: Served) -> None:
    cast.scheduler.draining = True
    page.type("#line", "Good evening, Ben.\n")
    page.wait(f"document.querySelector('#notice').textContent.includes('stopping') && {IDLE}")
    assert messages(page) == [["Tom", "Good evening, Ben."]]
    cast.scheduler.draining = False
    page.click("#go-on")
    assert [name for name, _ in lines_when(page, 2)] == ["Tom", "Ben"]


def test_it_is_played_with_the_keyboard(page: Browser) -> None:
    page.run("document.querySelector('#stage .speak').focus()")
    page.run("document.activeElement.dataset.mark = 'pressed'")
    page.type("#stage .speak", "\n")
    assert [name for name, _ in lines_when(page, 1)] == ["Ann"]
    assert page.run("document.activeElement.textContent") == "Ann", "the button that was pressed keeps the focus"
    page.run("document.querySelector('#script .delete').focus()")
    assert page.run("getComputedStyle(document.activeElement.parentElement).opacity") == "1"
    labels = page.run("[...document.querySelectorAll('#stage button')].map((part) => part.getAttribute('aria-label'))")
    assert labels == ["Let Ann speak", "Ann leaves", "Let Ben speak", "Ben leaves"]


def test_on_a_phone(cast: Served) -> None:
    with Browser((390, 844), "zh-CN") as phone:
        open_scene(phone, cast.address, ("Ann", "Ben", "Cleo"))
        speak_as_tom(phone, "Ann? " * 30, 2)
        assert phone.run("document.documentElement.scrollWidth") <= 390, "nothing sticks out at the side"
        assert phone.run("document.querySelector('#send').getBoundingClientRect().bottom") <= 844
        small = phone.run(
            "[...document.querySelectorAll('button')].filter((b) => b.offsetParent)"
            ".filter((b) => b.offsetHeight < 38 || b.offsetWidth < 38).map((b) => b.textContent)"
        )
        assert small == [], "buttons that a thumb finds"


@pytest.mark.parametrize("size", [(1100, 800), (390, 844)], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_axe_finds_nothing_to_complain_of(cast: Served, size: tuple[int, int], language: str) -> None:
    result = []
    with Browser(size, language) as browser:
        for dark in (False, True):
            browser.dark(dark)
            browser.open(f"{cast.address}/#scene")
            if dark:
                browser.reload()
                browser.wait("document.title === 'Ann, Ben' || document.title === 'Ann、Ben'")
                browser.click("#reset")
            browser.wait("document.querySelector('#scene-settings').open")
            result += browser.accessibility_violations()
            if dark:
                browser.click("#scene-cancel")
            else:
                fill(browser, ["Ann", "Ben"])
                speak_as_tom(browser, "(It rains.)", 2)
                speak_as_tom(browser, "And you, Ann?", 4)
                browser.click("#stage li:last-child .move")
            result += browser.accessibility_violations()
            for button in ("#cast-button", "#talks-button", "#settings-button"):
                browser.click(button)
                result += browser.accessibility_violations()
                browser.run("document.querySelector('dialog[open]').close()")
            browser.run("document.querySelectorAll('#script li')[2].querySelector('.edit').click()")
            result += browser.accessibility_violations()
    assert result == []
