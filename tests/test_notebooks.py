"""The notebooks: the same programs in both languages, the tutorial's steps in its order, and run to their end."""

from __future__ import annotations

import importlib.util
import re
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "docs" / "notebooks"
LANGUAGES = ("en", "zh")


def cells(language: str, kind: str) -> list[str]:
    notebook: Any = jupytext.read(NOTEBOOKS / f"tutorial.{language}.py")
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


def test_both_languages_run_the_same_program() -> None:
    assert cells("en", "code") == cells("zh", "code")
    assert len(cells("en", "markdown")) == len(cells("zh", "markdown"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_eleven_steps_stand_in_the_tutorials_order_and_five_things_are_explained(language: str) -> None:
    text = "\n".join(cells(language, "markdown"))
    assert re.findall(r"^## (\d+)\. ", text, re.MULTILINE) == [str(number) for number in range(1, 12)]
    assert re.findall(r"^(\d)\. \*\*", text, re.MULTILINE) == ["1", "2", "3", "4", "5"]


@pytest.mark.torture
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notebook_runs_to_its_end(language: str, tmp_path: Path) -> None:
    began = time.monotonic()
    notebook = execute_module().execute(NOTEBOOKS / f"tutorial.{language}.py", tmp_path)
    print(f"{language}: {time.monotonic() - began:.0f} s")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    kinds = {kind for cell in code for output in cell.outputs for kind in output.get("data", {})}
    assert {"image/png", "text/html"} <= kinds, "the curve, and the run and the reply as cards"
    assert (tmp_path / "runs").is_dir()


def execute_module() -> ModuleType:
    """docs/notebooks/execute.py as a module."""
    spec = importlib.util.spec_from_file_location("execute_notebooks", NOTEBOOKS / "execute.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
