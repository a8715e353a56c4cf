"""CONTRIBUTING: its worked example is a module and its test, and both do what the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from offbook.data.extract.chat_log.message import ChatFormat

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"


def sources() -> dict[str, str]:
    """Path → source of the page's Python examples, whose first line names the file."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"^```python\n# (\S+\.py)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


def test_the_worked_chat_format_passes_its_own_test(monkeypatch: pytest.MonkeyPatch) -> None:
    (path, source), (mirror, test) = sources().items()
    assert mirror == path.replace("src/offbook/", "tests/").replace("mud", "test_mud")
    name = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(source, path, "exec"), vars(module))
    assert isinstance(vars(module)["FORMAT"], ChatFormat)
    names: dict[str, object] = {}
    exec(compile(test, mirror, "exec"), names)
    tests = [value for key, value in names.items() if key.startswith("test_") and callable(value)]
    assert len(tests) == 2
    for each in tests:
        each()
