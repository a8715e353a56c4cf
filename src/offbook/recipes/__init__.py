"""Recipes that ship: a run.yaml each, by name."""

from __future__ import annotations

from importlib.resources import files

PLACEHOLDERS = ("Your character", "You are a character.", "你的角色", "现在你要扮演你的角色。")
"""What stands in a recipe where a name or a system prompt is to be written."""


def demo_texts() -> dict[str, str]:
    """Name of a character → the short script in which it speaks, for a first try; by name, English first."""
    folder = files(__package__) / "demo"
    paths = sorted(folder.iterdir(), key=lambda path: path.name)
    return {path.name.removesuffix(".txt"): path.read_text(encoding="utf-8") for path in paths}


def recipes() -> dict[str, str]:
    """Name → text of every recipe."""
    folder = files(__package__)
    return {
        path.name.removesuffix(".yaml"): path.read_text(encoding="utf-8")
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".yaml")
    }
