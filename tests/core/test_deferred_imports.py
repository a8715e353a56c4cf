"""Modules that are put off: not imported until something of them is used, and then the real ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from offbook.core.deferred_imports import deferred_imports

HEAVY = """
class Anchor:
    def __init__(self, kilos=3):
        self.kilos = kilos

def hoist(height):
    return height * 2

def marked(function):
    return lambda: "marked"
"""

LIGHT = """
from __future__ import annotations
import ballast.heavy
from ballast.heavy import Anchor, hoist, marked

def is_anchor(thing):
    return isinstance(thing, Anchor)

def raise_flag():
    return hoist(2)

@marked
def plank():
    return "plain"

Either = Anchor | int
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package whose module `light` imports its module `heavy`."""
    folder = tmp_path / "ballast"
    folder.mkdir()
    for name, text in {"__init__": "", "heavy": f"__version__ = '2.1'\n{HEAVY}", "light": LIGHT}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith("ballast")]:
        del sys.modules[name]


def imported_lightly() -> ModuleType:
    with deferred_imports("ballast.heavy", stand_ins={"ballast.heavy.marked": lambda function: function}):
        import ballast.light

        module: ModuleType = ballast.light
    return module


def test_a_module_that_nobody_uses_is_not_imported(package: Path) -> None:
    light = imported_lightly()
    assert not light.is_anchor(3)
    assert "ballast.heavy" not in sys.modules


def test_who_reaches_for_it_through_its_package_has_it_imported(package: Path) -> None:
    imported_lightly()
    assert sys.modules["ballast"].heavy.hoist(2) == 4
    assert sys.modules["ballast"].heavy is sys.modules["ballast.heavy"]


def test_a_call_imports_it_and_instances_are_known_from_then_on(package: Path) -> None:
    light = imported_lightly()
    assert light.raise_flag() == 4
    from ballast.heavy import Anchor

    assert light.is_anchor(Anchor())
    assert not light.is_anchor(3)
    assert light.Anchor(5).kilos == 5


def test_a_subclass_is_one_of_the_real_class(package: Path) -> None:
    light = imported_lightly()

    class Kedge(light.Anchor):  # type: ignore[name-defined]
        """A small anchor."""

    from ballast.heavy import Anchor

    assert issubclass(Kedge, Anchor)
    assert Kedge(1).kilos == 1


def test_a_stand_in_is_used_in_place_of_what_it_stands_for(package: Path) -> None:
    assert imported_lightly().plank() == "plain"


def test_the_version_is_the_module_s_own_and_what_is_imported_already_stays(package: Path) -> None:
    with deferred_imports("ballast.heavy"):
        import ballast.heavy

        assert ballast.heavy.__version__ == "2.1"
    assert sys.modules["ballast.heavy"].hoist(1) == 2
    with deferred_imports("ballast.heavy"):
        from ballast.heavy import hoist

        assert hoist(1) == 2
        assert type(hoist).__name__ == "function"


def test_after_the_block_imports_are_as_ever(package: Path) -> None:
    imported_lightly()
    from ballast.heavy import marked

    assert marked(lambda: "plain")() == "marked"
