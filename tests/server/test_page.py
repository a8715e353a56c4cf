"""The chat page in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import Browser
from tests.server.conftest import Served, serving
from tests.server.pages import CANARY, click_text, messages, send


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with Browser() as it:
        yield it


@pytest.fixture
def page(browser: Browser, served: Served) -> Any:
    """The page of a fresh server; every server has its own port, so nothing is kept from the test before."""
    browser.open(served.address)
    browser.wait("document.title === 'Hamlet'")
    return browser


def test_it_opens_with_the_characters_name_and_first_words(page: Browser) -> None:
    assert messages(page) == [["Hamlet", "Who's there?"]]
    assert page.run("document.querySelector('#name').children.length") == 0, "there is nobody else to choose"


def test_the_page_says_everything_in_both_languages(page: Browser) -> None:
    page.run("import('/page/i18n.js').then(({ WORDS }) => { window.words = WORDS })")
    page.wait("window.words")
    english, chinese = page.run("window.words.en"), page.run("window.words.zh")
    assert english.keys() == chinese.keys()
    for name, text in english.items():
        holes = re.findall(r"{\w+}", text)
        assert re.findall(r"{\w+}", chinese[name]) == holes, name
        assert re.search("[\u3001\u4e00-\u9fff]", chinese[name]) or name == "language", name
    used = page.run(
        "[...document.querySelectorAll('*')].flatMap((part) => ['word', 'title', 'label', 'placeholder']"
        ".map((kind) => part.dataset[kind])).filter(Boolean)"
    )
    assert set(used) <= english.keys()


def test_send_and_stream(page: Browser, served: Served) -> None:
    served.tuned.gate.clear()
    page.type("#line", "Good night\n")
    page.wait("document.querySelector('.growing')")
    assert messages(page)[1] == ["You", "Good night"]
    served.tuned.gate.set()
    page.wait("document.querySelector('.again')")
    assert messages(page)[2] == ["Hamlet", "You said: Good night"]
    assert "Who's there?" in served.tuned.prompts[0], "the first words are part of the conversation"


def test_it_grows_on_the_page_before_it_is_whole(page: Browser, served: Served) -> None:
    served.tuned.delay = 0.05
    page.type("#line", "Words words words words\n")
    page.wait("/^You s/.test(document.querySelector('.growing .said')?.textContent)")


def test_shift_enter_begins_a_line(page: Browser) -> None:
    page.type("#line", "one\ue008\ue007\ue000two")
    assert page.run("document.querySelector('#line').value") == "one\ntwo"
    assert len(messages(page)) == 1


def test_stop(page: Browser, served: Served) -> None:
    served.tuned.endless, served.tuned.delay = True, 0.01
    page.type("#line", "Go on\n")
    page.wait("document.querySelector('.growing .said').textContent.length > 20")
    page.click("#stop")
    page.wait("document.querySelector('.again')")
    assert served.tuned.closed.wait(5), "the server is told"
    before = messages(page)[2][1]
    time.sleep(0.2)
    assert messages(page)[2][1] == before
    assert page.text("li:last-child .end") == ["interrupted"]


def test_a_new_conversation_keeps_the_old_one(page: Browser) -> None:
    send(page, "Hello")
    page.click("#reset")
    assert messages(page) == [["Hamlet", "Who's there?"]]
    page.reload()
    page.wait("document.title === 'Hamlet'")
    assert messages(page) == [["Hamlet", "Who's there?"]]
    send(page, "Once more unto the breach")
    page.click("#talks-button")
    assert page.text("#talk-list .open") == ["Once more unto the breach", "Hello"]
    click_text(page, "#talk-list .open", "Hello")
    assert messages(page)[1] == ["You", "Hello"]


def test_an_empty_conversation_is_not_kept_twice(page: Browser) -> None:
    send(page, "Hello")
    for _ in range(3):
        page.click("#reset")
    page.click("#talks-button")
    assert page.text("#talk-list .open") == ["New conversation", "Hello"]


def test_a_conversation_can_be_renamed_deleted_and_brought_back(page: Browser) -> None:
    send(page, "Hello")
    page.click("#talks-button")
    page.click("#talk-list .rename")
    page.type("#talk-list input", "The first night\n")
    assert page.text("#talk-list .open") == ["The first night"]
    page.click("#talk-list .delete")
    assert messages(page) == [["Hamlet", "Who's there?"]]
    page.click("#undo")
    assert messages(page)[1] == ["You", "Hello"]
    page.reload()
    page.wait("document.querySelector('.user')")
    page.click("#talks-button")
    assert "The first night" in page.text("#talk-list .open")
    page.click("#talk-list .delete")
    page.reload()
    page.wait("document.title === 'Hamlet'")
    page.click("#talks-button")
    assert "The first night" not in page.text("#talk-list .open")


def test_a_reply_has_several_versions(page: Browser, served: Served) -> None:
    send(page, "Hello")
    served.tuned.words = "Again: "
    page.click(".again")
    page.wait("!document.querySelector('.growing') && document.querySelector('.step')")
    assert messages(page)[2:] == [["Hamlet", "Again: Hello"]]
    assert page.text(".count") == ["2/2"]
    page.click(".step")
    assert messages(page)[2:] == [["Hamlet", "You said: Hello"]]
    send(page, "More")
    assert "You said: Hello" in served.tuned.prompts[-1], "the version that is shown is the one that was said"
    assert "Again: Hello" not in served.tuned.prompts[-1]


def test_a_line_is_changed_and_answered_anew(page: Browser) -> None:
    send(page, "Hello")
    send(page, "More")
    page.click(".user .edit")
    page.run("document.querySelector('.editor textarea').value = ''")
    page.type(".editor textarea", "Good night")
    page.click(".editor .buttons button:last-child")
    page.wait("!document.querySelector('.growing') && document.querySelector('.again')")
    assert messages(page)[1:] == [["You", "Good night"], ["Hamlet", "You said: Good night"]]
    page.click("#undo")
    assert [text for _, text in messages(page)[1:]] == ["Hello", "You said: Hello", "More", "You said: More"]


def test_a_reply_is_changed_and_so_remembered(page: Browser, served: Served) -> None:
    send(page, "Hello")
    page.run("document.querySelector('.assistant:last-child .edit').click()")
    page.run("document.querySelector('.editor textarea').value = ''")
    page.type(".editor textarea", "The rest is silence.")
    page.click(".editor .buttons button:last-child")
    assert messages(page)[2:] == [["Hamlet", "The rest is silence."]]
    send(page, "More")
    assert "The rest is silence." in served.tuned.prompts[-1]
    assert "You said: Hello" not in served.tuned.prompts[-1]


def test_a_talk_of_30_000_tokens_goes_on_and_shows_where_it_begins_to_forget(page: Browser, served: Served) -> None:
    page.run("""(() => {
        const place = Object.keys(localStorage).find((key) => key.startsWith('offbook:talks:'));
        const stored = JSON.parse(localStorage.getItem(place));
        for (let number = 0; number < 1000; number++) {
            const reply = {text: `Answer ${number}, as you like it, my lord.`, end: 'stop'};
            stored.talks[0].turns.push({role: 'user', text: `Question ${number}, if it please you, sir?`});
            stored.talks[0].turns.push({role: 'assistant', versions: [{tuned: reply, base: null}], shown: 0});
        }
        window.stored = JSON.stringify(stored);
        window.addEventListener('pagehide', () => localStorage.setItem(place, window.stored));
    })()""")
    page.reload()
    page.wait("document.querySelectorAll('#script li').length > 2000")
    send(page, "Good night")
    assert messages(page)[-1] == ["Hamlet", "You said: Good night"]
    prompt = served.tuned.prompts[-1]
    assert "Who's there?" in prompt, "the first words stay"
    first = page.run("document.querySelector('.forgets').nextSibling.querySelector('.said').textContent")
    above = page.run(
        "document.querySelector('.forgets').previousSibling.previousSibling.querySelector('.said').textContent"
    )
    assert first in prompt
    assert above not in prompt
    assert page.run("document.querySelector('#script li').classList.contains('forgotten')") is False
    send(page, "Good night, good night")
    assert messages(page)[-1] == ["Hamlet", "You said: Good night, good night"]


def test_where_words_go_is_said_truly(page: Browser) -> None:
    assert page.text("#hint") == ["Say something. What you write stays on this computer."]
    page.run("import('/page/i18n.js').then((texts) => { window.there = texts.word('hintThere') })")
    page.wait("window.there")
    assert "{host}" in page.run("window.there")


def test_a_reload_keeps_the_conversation(page: Browser) -> None:
    send(page, "Hello")
    before = messages(page)
    page.reload()
    page.wait("document.querySelector('.user')")
    assert messages(page) == before
    send(page, "Again")
    assert messages(page)[3:] == [["You", "Again"], ["Hamlet", "You said: Again"]]


def test_42_a_reload_in_the_middle_of_a_reply_doubles_nothing(page: Browser, served: Served) -> None:
    served.tuned.endless, served.tuned.delay = True, 0.01
    page.type("#line", "Go on\n")
    page.wait("document.querySelector('.growing .said').textContent.length > 20")
    page.reload()
    page.wait("document.querySelector('.again')")
    turns = messages(page)
    assert [name for name, _ in turns] == ["Hamlet", "You", "Hamlet"]
    assert turns[2][1].startswith("You said: Go on")
    served.tuned.endless, served.tuned.delay = False, 0
    page.click(".again")
    page.wait("!document.querySelector('.growing') && document.querySelector('.again')")
    assert messages(page) == [["Hamlet", "Who's there?"], ["You", "Go on"], ["Hamlet", "You said: Go on"]]


def test_40_hostile_html_stays_text(page: Browser) -> None:
    send(page, CANARY)
    assert messages(page)[1:] == [["You", CANARY], ["Hamlet", f"You said: {CANARY}"]]
    page.reload()
    page.wait("document.querySelector('.user')")
    assert page.run("document.title") == "Hamlet"
    assert page.run("document.querySelectorAll('#script img, #script script, #script b').length") == 0


def test_base_and_tuned_side_by_side(page: Browser, served: Served) -> None:
    page.click("#compare")
    send(page, "Hello")
    assert messages(page)[2:] == [["Hamlettuned", "You said: Hello"], ["Hamletbase model", "Once you said: Hello"]]
    send(page, "More")
    assert "Once you said: Hello" in served.base.prompts[-1], "each has its own history"
    assert "Once you said: Hello" not in served.tuned.prompts[-1]
    left, right = page.run("[...document.querySelectorAll('.two section')].map((s) => s.getBoundingClientRect().x)")[:2]
    assert left < right


def test_sampling_is_sent_and_remembered(page: Browser, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    generate = served.tuned.tokens

    def noting(*arguments: Any) -> Any:
        seen.append(arguments[1:])
        return generate(*arguments)

    monkeypatch.setattr(served.tuned, "tokens", noting)
    page.run("(() => { const t = document.querySelector('[name=temperature]'); t.value = 0.3;"
             " t.dispatchEvent(new Event('input', {bubbles: true})) })()")  # fmt: skip
    page.reload()
    page.wait("document.querySelector('[name=temperature]').value === '0.3'")
    send(page, "Hello")
    assert seen[0][0].temperature == 0.3
    assert seen[0][0].top_p == 0.9


def test_chinese(served: Served) -> None:
    with Browser(language="zh-CN") as browser:
        browser.open(served.address)
        browser.wait("document.title === 'Hamlet'")
        assert browser.run("document.documentElement.lang") == "zh-CN"
        assert browser.text(".switch") == ["与底座模型对比"]
        browser.click("#language")
        assert browser.text(".switch") == ["Compare with the base model"]
        browser.reload()
        browser.wait("document.title === 'Hamlet'")
        assert browser.text(".switch") == ["Compare with the base model"]


def test_a_phone(served: Served) -> None:
    with Browser((390, 844)) as phone:
        phone.open(served.address)
        phone.wait("document.title === 'Hamlet'")
        phone.click("#compare")
        send(phone, "A long line " * 12)
        assert phone.run("document.documentElement.scrollWidth") <= 390, "nothing sticks out at the side"
        first, second = phone.run(
            "[...document.querySelectorAll('.two section')].map((s) => s.getBoundingClientRect().y)"
        )
        assert second > first + 20, "one below the other"
        assert phone.run("document.querySelector('#send').getBoundingClientRect().bottom") <= 844
        small = phone.run(
            "[...document.querySelectorAll('button')].filter((b) => b.offsetParent && !b.matches('.again'))"
            ".filter((b) => b.offsetHeight < 38 || b.offsetWidth < 38).map((b) => b.id)"
        )
        assert small == [], "buttons that a thumb finds"


def test_nothing_is_asked_of_anybody_else(page: Browser, served: Served) -> None:
    page.requested()
    page.reload()
    page.wait("document.title === 'Hamlet'")
    send(page, CANARY)
    prompts = page.requested()
    assert prompts
    assert all(address.startswith((f"{served.address}/", "data:")) for address in prompts)


def test_a_key_is_asked_for_by_the_page() -> None:
    with serving(key="open sesame") as served, Browser() as browser:
        browser.open(served.address)
        browser.wait("document.querySelector('#door').open")
        browser.type("#key", "wrong\n")
        browser.wait("document.querySelector('#door').open && document.querySelector('#notice').textContent")
        browser.type("#key", "open sesame\n")
        browser.wait("document.title === 'Hamlet'")
        send(browser, "Hello")
        assert messages(browser)[-1] == ["Hamlet", "You said: Hello"]


def test_a_server_that_is_gone_is_said(browser: Browser) -> None:
    with serving() as served:
        browser.open(served.address)
        browser.wait("document.title === 'Hamlet'")
    browser.type("#line", "Hello\n")
    browser.wait("document.querySelector('#notice').textContent.startsWith('The server does not answer')")
    assert browser.text("li:last-child .end") == ["interrupted"]


@pytest.mark.parametrize("size", [(1100, 800), (390, 844)], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_axe_finds_nothing_to_complain_of(served: Served, size: tuple[int, int], language: str) -> None:
    result = []
    with Browser(size, language) as browser:
        for dark in (False, True):
            browser.dark(dark)
            browser.open(served.address)
            browser.wait("document.title === 'Hamlet'")
            assert browser.run("matchMedia('(prefers-color-scheme: dark)').matches") is dark
            result += browser.accessibility_violations()
            browser.run("document.querySelector('#compare').checked || document.querySelector('#compare').click()")
            send(browser, "A long line " * 5)
            browser.click(".again")
            browser.wait("!document.querySelector('.growing') && document.querySelector('.step')")
            result += browser.accessibility_violations()
            for button in ("#talks-button", "#settings-button"):
                browser.click(button)
                result += browser.accessibility_violations()
                browser.run("document.querySelector('dialog[open]').close()")
            browser.run("document.querySelector('.user .edit').click()")
            result += browser.accessibility_violations()
    assert result == []
