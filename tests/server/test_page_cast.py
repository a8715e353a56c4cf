"""The chat page where several characters are there: whom it talks to, and who comes and goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import Browser
from tests.server.conftest import Served, serving, source
from tests.server.pages import click_text, look_again, messages, send

NAUGHTY = "<img src=x onerror=document.title='taken'>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with Browser() as it:
        yield it


@pytest.fixture
def cast() -> Iterator[Served]:
    with serving(names=("ann", "ben"), slots=2) as it:
        yield it


@pytest.fixture
def page(browser: Browser, cast: Served) -> Any:
    browser.open(cast.address)
    browser.wait("document.title === 'Ann'")
    return browser


def choose(page: Browser, name: str) -> None:
    page.click("#cast-button")
    click_text(page, "#cast-list b", name)


def test_the_characters_are_listed_with_their_cards(page: Browser) -> None:
    page.click("#cast-button")
    assert page.text("#cast-list b") == ["Ann", "Ben", "A scene"]
    assert page.text("#cast-list li:first-child span") == ["Who's there?"]
    assert page.text("#cast-list [aria-current] b") == ["Ann"]


def test_a_conversation_belongs_to_one_character(page: Browser, cast: Served) -> None:
    send(page, "Hello")
    choose(page, "Ben")
    page.wait("document.title === 'Ben'")
    assert messages(page) == [["Ben", "Who's there?"]]
    send(page, "Good night")
    assert "Hello" not in cast.tuned.prompts[-1]
    assert messages(page)[2][0] == "Ben"
    page.run("history.back()")
    page.wait("document.title === 'Ann'")
    assert messages(page)[1] == ["You", "Hello"]


def test_an_address_can_be_bookmarked(page: Browser, cast: Served) -> None:
    choose(page, "Ben")
    page.wait("document.title === 'Ben'")
    assert page.run("location.hash") == "#model=ben"
    page.reload()
    page.wait("document.title === 'Ben'")
    page.open(f"{cast.address}/?model=ben")
    page.wait("document.title === 'Ben'")
    page.open(f"{cast.address}/#model=nobody")
    page.wait("document.title === 'Ann'")
    page.wait("document.querySelector('#notice').textContent.includes('There is no nobody here')")


def test_the_model_that_was_chosen_is_asked_and_its_base_beside_it(page: Browser, cast: Served) -> None:
    page.run("""(() => {
        window.sent = [];
        const ask = fetch;
        window.fetch = (path, options) => {
            if (options.body) sent.push(JSON.parse(options.body).model);
            return ask(path, options);
        };
    })()""")
    choose(page, "Ben")
    page.wait("document.title === 'Ben'")
    page.click("#compare")
    send(page, "Hello")
    assert sorted(page.run("window.sent")) == ["ben", "ben:base"]


def test_a_reply_that_grows_ends_when_another_character_is_chosen(page: Browser, cast: Served) -> None:
    cast.tuned.endless, cast.tuned.delay = True, 0.01
    page.type("#line", "Go on\n")
    page.wait("document.querySelector('.growing .said')?.textContent.length > 10")
    choose(page, "Ben")
    page.wait("document.title === 'Ben'")
    assert cast.tuned.closed.wait(5)
    assert messages(page) == [["Ben", "Who's there?"]]
    assert page.run("document.querySelector('#stop').hidden")
    choose(page, "Ann")
    page.wait("document.querySelector('.end')?.textContent !== undefined && document.querySelector('.again')")
    assert page.text("li:last-child .end") == ["interrupted"]


def test_one_who_comes_is_told_and_can_be_chosen(page: Browser, cast: Served) -> None:
    cast.cast.add([source("cleo")])
    look_again(page)
    page.wait("document.querySelector('#notice').textContent.includes('Cleo has come in')")
    choose(page, "Cleo")
    page.wait("document.title === 'Cleo'")
    send(page, "Hello")


def test_one_who_leaves_is_told_and_what_was_said_stays(page: Browser, cast: Served) -> None:
    send(page, "Hello")
    cast.cast.remove("ann")
    look_again(page)
    page.wait("document.querySelector('#notice').textContent.includes('Ann has left')")
    assert page.text("#away") == ["Ann is not here now. What was said can be read."]
    assert page.run("document.querySelector('#composer').hidden")
    assert page.text(".tools button") == [], "nothing can be asked of her"
    assert messages(page)[1:] == [["You", "Hello"], ["Ann", "You said: Hello"]]
    page.run("location.hash = '#model=ann'")
    page.reload()
    page.wait("document.querySelector('.user')")
    assert page.text("#away") == ["Ann is not here now. What was said can be read."]
    page.click("#cast-button")
    assert page.text("#cast-list .away") == ["Ann\nAnn is not here now"]
    page.run("document.querySelector('#cast').close()")
    cast.cast.add([source("ann")])
    look_again(page)
    page.wait("!document.querySelector('#composer').hidden")
    send(page, "You are back")
    assert messages(page)[-1] == ["Ann", "You said: You are back"]


def test_it_asks_by_itself(page: Browser, cast: Served) -> None:
    cast.cast.remove("ben")
    page.wait("document.querySelector('#notice').textContent.includes('Ben has left')")


def test_one_alone_is_joined_by_another(browser: Browser) -> None:
    with serving() as alone:
        browser.open(alone.address)
        browser.wait("document.title === 'Hamlet'")
        assert not browser.run("document.querySelector('#cast-button') !== null")
        alone.cast.add([source("ann")])
        look_again(browser)
        browser.wait("document.querySelector('#cast-button')")
        assert browser.run("document.title") == "Hamlet"


def test_hostile_names_stay_text(browser: Browser) -> None:
    with serving(names=("ann", NAUGHTY)) as served:
        browser.open(served.address)
        browser.wait("document.title === 'Ann'")
        browser.click("#cast-button")
        name = NAUGHTY.title()
        assert browser.text("#cast-list b")[1] == name
        click_text(browser, "#cast-list b", name)
        browser.wait(f"document.title === {name!r}".replace("\n", ""))
        send(browser, "Hello")
        assert messages(browser)[-1][0] == name
        browser.reload()
        browser.wait("document.querySelector('.user')")
        assert browser.run("document.querySelectorAll('main img, header img, dialog img').length") == 0
