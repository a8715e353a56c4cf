"""Recipes that ship: a run.yaml each, by name."""

from __future__ import annotations

from importlib.resources import files


def recipes() -> dict[str, str]:
    """Name → text of every recipe."""
    folder = files(__package__)
    return {
        path.name.removesuffix(".yaml"): path.read_text(encoding="utf-8")
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".yaml")
    }
