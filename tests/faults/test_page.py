"""docs/reliability.md links a test for every fault, and the test is there under the fault's number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROW = re.compile(r"^\| (\d+) \|.*\| ([^|]+) \|$", re.MULTILINE)


@pytest.mark.parametrize("page", ["reliability.md", "zh/reliability.md"])
def test_every_fault_links_its_tests(page: str) -> None:
    place = DOCS / page
    rows = ROW.findall(place.read_text(encoding="utf-8"))
    assert [int(number) for number, _ in rows] == list(range(1, 30))
    for number, links in rows:
        files = re.findall(r"\]\(([^)]+)\)", links)
        assert files
        for file in files:
            source = (place.parent / file).read_text(encoding="utf-8")
            assert re.search(rf"def test_(\d+_)*{number}_", source), (number, file)
