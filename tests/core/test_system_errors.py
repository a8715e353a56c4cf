"""Why the system refused something, in the user's language."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from offbook.core import i18n
from offbook.core.system_errors import REASONS, system_reason
from offbook.core.text import has_chinese
from tests.catalogue import SOURCE


def test_every_reason_is_in_chinese() -> None:
    with i18n.in_language("zh"):
        assert all(has_chinese(system_reason(OSError(number, os.strerror(number)))) for number in REASONS)


def test_another_failure_keeps_the_systems_words() -> None:
    assert system_reason(OSError(errno.EDOM, "Too far")) == "Too far"
    assert system_reason(OSError("no number")) == "no number"


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_systems_words_are_shown_nowhere_else(path: Path) -> None:
    if path.name != "system_errors.py":
        assert "error.strerror" not in path.read_text(encoding="utf-8")
