"""A studio in a process of its own, and what the tests of its page do in a browser."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.browser import Browser

CANARY = "<img src=x onerror=\"document.title='taken'\"><b>bold</b>"


@dataclass
class StudioProcess:
    """`offbook studio` over a folder."""

    folder: Path
    address: str
    """With a slash at its end, without the token."""
    token: str
    process: subprocess.Popen[bytes]


@contextmanager
def running_studio(folder: Path, **variables: str) -> Iterator[StudioProcess]:
    """Context manager: a studio that has printed its address; its jobs end with it.

    Args:
        folder: its workspace.
        variables: of its environment.
    """
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OFFBOOK_LANG": "en", **variables}
    environment.pop("OFFBOOK_RUNS", None)
    command = [sys.executable, "-m", "offbook", "studio", str(folder), "--port", "0", "--no-open"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        place = folder / ".studio" / "address"
        deadline = time.monotonic() + 60
        while not place.is_file():
            assert process.poll() is None, "the studio has ended"
            assert time.monotonic() < deadline, "the studio does not come up"
            time.sleep(0.05)
        token = (folder / ".studio" / "token").read_text(encoding="ascii").strip()
        yield StudioProcess(folder, place.read_text(encoding="utf-8").strip(), token, process)
    finally:
        process.terminate()
        process.wait(30)
        _end_jobs(folder)


def _end_jobs(folder: Path) -> None:
    """Jobs outlive their studio; those of a test end with it."""
    from offbook.studio.jobs import list_jobs

    for job in list_jobs(folder / ".studio" / "jobs"):
        job.kill()


def visit(browser: Browser, studio: StudioProcess, path: str = "") -> None:
    """Open a page of the studio with its token, and wait until it is drawn."""
    browser.open(f"{studio.address}{path}?token={studio.token}")
    drawn(browser)


def drawn(browser: Browser, heading: str = "") -> str:
    """Wait for a page's heading, which holds a text; return it."""
    condition = "document.querySelector('h1')?.textContent ?? ''"
    return str(browser.wait(f"({condition}).includes({heading!r}) && ({condition})", 60))


def press(browser: Browser, text: str, selector: str = "button, a, summary") -> None:
    """Click the first thing in sight that says a text."""
    fits = f"(part) => part.checkVisibility() && part.textContent.trim() === {text!r}"
    find = f"[...document.querySelectorAll({selector!r})].find({fits})"
    browser.wait(f"{find} && !{find}.disabled", 60)
    browser.run(f"{find}.click()")


def fill(browser: Browser, selector: str, text: str) -> None:
    """Put a text into a field, or choose one of a list."""
    write = f"field.value = {text!r}; field.dispatchEvent(new Event('change', {{ bubbles: true }})); return true;"
    assert browser.run(f"((field) => {{ {write} }})(document.querySelector({selector!r}))")


def menu(browser: Browser, place: str, item: str) -> None:
    """Choose an item of a menu (⋯) in a part of the page."""
    browser.wait(f"document.querySelector('{place} .menu summary')")
    browser.run(f"document.querySelector('{place} .menu summary').click()")
    find = f"[...document.querySelectorAll('{place} .menu button')].find((part) => part.textContent === {item!r})"
    browser.run(f"{find}.click()")


def answer(browser: Browser, **fields: str | bool) -> None:
    """Fill in the dialog that is open, and say yes."""
    browser.wait("document.querySelector('#ask').open")
    for name, value in fields.items():
        place = f"document.querySelector('#ask [name={name}]')"
        is_box = isinstance(value, bool)
        browser.run(f"{place}.checked = {str(value).lower()}" if is_box else f"{place}.value = {value!r}")
    browser.run("document.querySelector('#ask form [value=yes]').click()")
    browser.wait("!document.querySelector('#ask').open")
