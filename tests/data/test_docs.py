"""What the page on data says: its rows are read, its numbers are the code's."""

import re
from pathlib import Path
from typing import Any

import pytest

from offbook.core.types import Origin
from offbook.data import columns, formats, loading, quality, row_values
from offbook.data.checks import CHECKS
from offbook.data.strict_json import JsonText

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["data.md", "zh/data.md"])
class TestPage:
    def test_every_format_has_an_example_that_is_read(self, page: Any) -> None:
        result = re.findall(
            r"^\| `(\w+)` \|.*\| `(\{.*\})` \|$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE
        )
        assert {name for name, _ in result} == set(formats.FORMATS)
        for name, example in result:
            row, fault = JsonText(example).value()
            assert fault is None
            assert formats.detect(columns.rename(row, {})) is formats.FORMATS[name]
            assert len(loading.to_conversation(row, Origin("docs", 1)).turns) == 2

    def test_every_finding_stands_there_with_its_bounds(self, page: Any) -> None:
        text = (DOCS / page).read_text(encoding="utf-8")
        result = re.findall(r"^\| `(\w+)` \|[^|]*\| *(?:(\d+) %|[^|/／]*) ?[/／] ?(\d+) %", text, re.MULTILINE)
        bounds = {name: (int(noticed or 0) / 100, int(severe) / 100) for name, noticed, severe in result}
        assert bounds == {name: (check.noticed, check.severe) for name, check in CHECKS.items()}

    def test_the_sizes_are_the_codes(self, page: Any) -> None:
        text = (DOCS / page).read_text(encoding="utf-8")
        assert re.search(rf"\b{quality.FEW_ROWS}\b", text)
        assert re.search(rf"\b{quality.TOO_FEW_ROWS}\b", text)

    def test_every_spelling_of_a_role_stands_there(self, page: Any) -> None:
        text = (DOCS / page).read_text(encoding="utf-8")
        assert [role for role in row_values.ROLES if role not in text] == []
