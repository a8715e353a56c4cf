"""What the tests of the chat page do on it."""

from __future__ import annotations

from typing import Any

from tests.browser import Browser

CANARY = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script><b>bold</b>"


def messages(browser: Browser) -> Any:
    """(speaker, text) of every turn on the page; what happens has no speaker."""
    return browser.run(
        "[...document.querySelectorAll('#script section, #script .user, #script .direction')].map((part) =>"
        " [part.querySelector('h2')?.textContent ?? '', part.querySelector('.said').textContent])"
    )


def send(browser: Browser, text: str) -> None:
    """Say something, and wait until it is answered."""
    browser.type("#line", f"{text}\n")
    browser.wait("!document.querySelector('.growing') && document.querySelector('.again')")


def click_text(browser: Browser, selector: str, text: str) -> None:
    """Click the first element that matches and says `text`."""
    browser.run(
        f"[...document.querySelectorAll({selector!r})].find((part) => part.textContent.trim() === {text!r}).click()"
    )


def look_again(browser: Browser) -> None:
    """Let the page ask now who is there, as it does every few seconds."""
    browser.run("document.dispatchEvent(new Event('visibilitychange'))")
