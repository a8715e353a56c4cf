"""Settings: what there is to set, what a character has set."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from offbook.core.config import loading
from offbook.core.config.schema import FIRST_OPTIONS, RunConfig, options
from offbook.core.i18n import translate
from offbook.studio.character import TERMINAL_ONLY, CharacterFolder
from offbook.studio.context import StudioDep

router = APIRouter(tags=["config"])


@router.get("/config/schema")
def schema() -> dict[str, Any]:
    """Every setting that can be changed here: type, default, bounds and choices (JSON schema), in your language."""
    tree = RunConfig.model_json_schema()
    shown = {}
    for name, field in options():
        if name in TERMINAL_ONLY:
            continue
        part = _property(tree, name)
        text = " ".join((field.description or "").split())
        shown[name] = {
            **{key: value for key, value in part.items() if key not in ("title", "description")},
            "description": translate(text),
            "kind": loading.type_name(field),
            "first": name in FIRST_OPTIONS,
        }
    return {"options": shown, "schema": tree}


@router.get("/characters/{name}/config")
def show(name: str, studio: StudioDep) -> dict[str, Any]:
    """A character's settings: `values` of all, `set` those that stand in its run.yaml, by their dotted names."""
    character = CharacterFolder(studio.workspace.character(name))
    tree = character.settings()
    values = character.load().model_dump()
    return {
        "values": {dotted: _at(values, dotted) for dotted, _ in options()},
        "set": {dotted: value for dotted, _ in options() if (value := _at(tree, dotted)) is not None},
        "path": studio.workspace.relative(character.config),
        "command": f"less {studio.workspace.relative(character.config)}",
    }


@router.patch("/characters/{name}/config")
def change(name: str, changes: dict[str, Any], studio: StudioDep) -> dict[str, Any]:
    """Change settings by their dotted names; null takes one back to its default. All are written, or none."""
    character = CharacterFolder(studio.workspace.character(name))
    character.change_settings(changes)
    return show(name, studio)


def _at(tree: Any, dotted: str) -> Any:
    for word in dotted.split("."):
        tree = tree.get(word) if isinstance(tree, dict) else None
    return tree


def _property(schema: dict[str, Any], dotted: str) -> dict[str, Any]:
    """The JSON schema of one setting."""
    part = schema
    for word in dotted.split("."):
        reference = part.get("$ref") or next((each["$ref"] for each in part.get("allOf", []) if "$ref" in each), None)
        if reference:
            part = schema["$defs"][reference.rpartition("/")[2]]
        part = part["properties"][word]
    return part
