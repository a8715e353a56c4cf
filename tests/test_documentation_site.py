"""The documentation as a site: built, every link in it leads somewhere, and nothing is loaded from another host."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import threading
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest

from tests.browser import Browser, require_browser

SEARCH = """[...document.querySelectorAll("*")].map((each) => each.shadowRoot)
    .find((root) => root && root.querySelector("input"))"""
"""The search's window, once it is open."""
ROOT = Path(__file__).resolve().parents[1]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that says nothing."""

    def log_message(self, format: str, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    """docs/build.py as a module."""
    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_site_is_whole_in_both_languages(builder: ModuleType, tmp_path: Path) -> None:
    assert builder.build(tmp_path / "site") == []
    site = tmp_path / "site"
    for page in (ROOT / "docs").glob("**/*.md"):
        name = "index" if page.name == "README.md" else page.stem
        assert (site / page.relative_to(ROOT).with_name(f"{name}.html")).is_file(), page
    search = (site / "search.json").read_text(encoding="utf-8")
    assert "留出" in search
    assert "held-out" in search


def test_a_reader_finds_chinese_words(builder: ModuleType, tmp_path: Path) -> None:
    require_browser()
    builder.build(tmp_path / "site")
    handler = functools.partial(Quiet, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, Browser() as browser:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_address[1]}/docs/zh/tutorial.html")
        browser.wait("document.querySelector('.md-search__button')")
        browser.requested()  # those of the browser's own first page
        browser.click(".md-search__button")
        browser.wait(f"{SEARCH} !== undefined")
        for word in ("梯度累积", "留出集", "held-out"):
            browser.run(
                f"(() => {{const field = {SEARCH}.querySelector('input');"
                f"Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, {word!r});"
                "field.dispatchEvent(new Event('input', {bubbles: true, composed: true})); return true})()"
            )
            browser.wait(f"{SEARCH}.querySelector('a') && {SEARCH}.innerHTML.length")
        requested = [address for address in browser.requested() if address.startswith("http")]
        server.shutdown()
    assert all(urlsplit(address).hostname == "127.0.0.1" for address in requested), requested


def test_every_page_has_its_counterpart() -> None:
    english = {page.name for page in (ROOT / "docs").glob("*.md")} - {"decisions.md", "reference.md"}
    chinese = {page.name for page in (ROOT / "docs" / "zh").glob("*.md")}
    assert english == chinese


def test_faults_are_found(builder: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#no">b</a><a href="none.html">c</a><a href="#top">d</a>'
        '<script src="https://elsewhere.example/x.js"></script><a href="https://elsewhere.example/">e</a>',
        encoding="utf-8",
    )
    (tmp_path / "b.html").write_text('<p id="yes">B</p><a href="a.html#top">a</a>', encoding="utf-8")
    (tmp_path / "c.css").write_text("@font-face{src:url(https://fonts.example/f.woff)}", encoding="utf-8")
    assert builder.faults(tmp_path) == [
        "a.html: b.html#no",
        "a.html: loads https://elsewhere.example/x.js",
        "a.html: none.html",
        "c.css: loads https://fonts.example/f.woff",
    ]
