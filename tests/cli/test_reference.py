"""The reference page says what the code says."""

from __future__ import annotations

from pathlib import Path

from offbook.cli.main import VERBS
from offbook.cli.reference import page
from offbook.core.config import schema

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_in_the_docs_is_current() -> None:
    assert (DOCS / "reference.md").read_text(encoding="utf-8") == page(), (
        "make it anew: python -m offbook.cli.reference > docs/reference.md"
    )


def test_the_page_has_every_verb_and_every_setting() -> None:
    text = page()
    assert [verb for verb in VERBS if f"### offbook {verb}\n" not in text] == []
    assert [name for name, _ in schema.options() if f"| `{name}` |" not in text] == []
    assert "### offbook runs list" in text
