"""The page of `check --html`, and the sentences of the checks in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.core.i18n import translated
from offbook.core.text import has_chinese
from offbook.core.types import Conversation, Origin, Turn
from offbook.data import quality
from offbook.data.checks import CHECKS
from offbook.data.html_report import render
from offbook.data.messages import localized, wording
from tests.browser import Browser

HOSTILE = "<img src=x onerror=alert(1)>"


def rows() -> list[Conversation]:
    """Few rows, one of them twice, and one with markup in it."""
    texts = [("Who goes there?", f"A friend of {number} roses.") for number in range(30)]
    texts += [("Stand!", "Long live the king!")] * 12 + [("And you?", f"Nobody. {HOSTILE}")]
    return [
        Conversation((Turn("user", prompt), Turn("assistant", reply)), Origin("guard.jsonl", number))
        for number, (prompt, reply) in enumerate(texts, 1)
    ]


def data_report() -> dict[str, Any]:
    return {
        "rows": 43,
        **quality.report(rows()),
        "heldout_rows": 4,
        "dropped": 1,
        "leak": {"split": {"near": 0}, "random": {"near": 2}},
        "skipped": [f"guard.jsonl:44: {HOSTILE}"],
    }


def full_report() -> dict[str, Any]:
    """As `check` gives it where a model is known."""
    return {
        **data_report(),
        "tokens": 1200,
        "label_tokens": 430,
        "parameters": 1000000,
        "trainable_parameters": 5000,
        "steps": 9,
        "stop": {"token": "<|im_end|>", "id": 2, "proved": True},
        "estimate": {"peak_bytes": 3 * 2**30},
        "disk_bytes": 2**20,
        "lengths": [10, 12, 40],
        "first_row": [
            {"text": "<|im_start|>user\nWho goes there?<|im_end|>\n", "learned": False},
            {"text": f"A friend. {HOSTILE}<|im_end|>", "learned": True},
        ],
    }


def test_what_is_learned_of_the_first_row_is_marked() -> None:
    html = render(full_report(), "Guard")
    assert "<mark>A friend. &lt;img src=x onerror=alert(1)&gt;&lt;|im_end|&gt;</mark>" in html
    assert html.count("<mark>") == 1
    assert "<mark>" not in render(data_report(), "Guard"), "without a model nothing is known of tokens"


def test_the_page_holds_the_findings_and_loads_nothing() -> None:
    html = render(full_report(), "Guard: watch")
    assert "11 rows repeat an earlier one word for word" in html
    assert "--data.dedupe exact" in html
    assert "3.0 GiB" in html
    assert html.count('<svg class="chart"') == 2
    assert not re.search(r"<img|<script|url\(|@import|http", html.replace("http-equiv", ""))
    assert "guard.jsonl:44: &lt;img" in html


def test_rows_without_a_fault_are_told_so() -> None:
    clean = {**data_report(), "findings": [], "reasons": [], "level": "good"}
    assert "No issues found." in render(clean, "Guard")
    assert "没有发现问题。" in render(clean, "卫兵", "zh")


def test_the_page_is_in_chinese_where_that_is_asked_for() -> None:
    html = render(full_report(), "卫兵", "zh")
    assert '<html lang="zh-CN">' in html
    spoken = re.sub(r'<style>.*?</style>|<p class="(original|row)".*?</p>|<code>.*?</code>', "", html, flags=re.S)
    left = set(re.findall(r"[A-Za-z]{3,}", re.sub(r"<[^>]+>", " ", spoken)))
    assert left <= {"offbook", "end", "GiB", "MiB", "guard", "jsonl", "HTML", "Markdown"}, "a sentence is in English"


def test_every_check_has_its_sentences_in_every_language() -> None:
    for check in CHECKS.values():
        assert has_chinese(translated(check.title, "zh"))
        assert has_chinese(translated(check.effect, "zh"))
        assert translated(check.fix, "zh")
    assert list(wording("zh")["page"]) == list(wording("en")["page"])
    with pytest.raises(UsageError, match="unknown language"):
        wording("xx")


def test_a_report_is_said_in_chinese_with_its_reasons() -> None:
    report = data_report()
    assert localized(report, "en") == report
    chinese = localized(report, "zh")
    assert chinese["verdict"].startswith("还不能用：只有 32 行不同的数据，对一个角色来说偏少；")
    assert "11 行与前面的某行一字不差" in chinese["verdict"]
    assert [each["name"] for each in chinese["findings"]] == [each["name"] for each in report["findings"]]
    assert localized({"rows": 3}, "zh") == {"rows": 3}, "what has no findings stays as it is"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("size", [(390, 844), (1280, 900)])
def test_nobody_is_shut_out(tmp_path: Path, lang: str, size: tuple[int, int]) -> None:
    """Contrast, names and width, in light and dark, on a phone and on a desk."""
    path = tmp_path / "check.html"
    path.write_text(render(full_report(), "Guard", lang), encoding="utf-8")
    with Browser(size) as browser:
        for dark in (False, True):
            browser.dark(dark)
            browser.open(path.as_uri())
            assert browser.accessibility_violations() == []
            assert browser.run("document.documentElement.scrollWidth <= innerWidth")
