"""A first try in two minutes: a character with a few lines, on a model that is made on the spot."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter

from offbook.core.atomic import atomic_write_text
from offbook.core.i18n import language
from offbook.core.shell import offbook_command
from offbook.pipeline import api
from offbook.recipes import demo_texts
from offbook.studio.character import CharacterFolder
from offbook.studio.context import StudioDep
from offbook.studio.new_character import TINY, Persona, make_folder, what_to_expect
from offbook.studio.training import start_training
from offbook.studio.workspace import free_name

router = APIRouter(tags=["home"])

SETTINGS: dict[str, Any] = {
    "model__source": TINY,
    "persona__greeting": None,
    "data__max_length": 128,
    "data__heldout": 0.1,
    "data__replay": None,
    "lora__rank": 32,
    "lora__alpha": 64,
    "lora__dropout": 0.0,
    "train__epochs": 60,
    "train__batch_size": 8,
    "train__learning_rate": 5e-3,
    "train__save_steps": 50,
    "train__heldout_steps": 25,
    "train__log_steps": 2,
    "train__keep": "last",
    "generation__temperature": 0.0,
    "generation__max_new_tokens": 40,
    "evaluate__prompts": 4,
    "evaluate__learning_curve": False,
    "track__trackers": [],
}
"""Few rows, many passes: it learns them by heart, and the curve shows what that does to rows that are held out."""


@router.post("/demo", status_code=201)
def demo(studio: StudioDep) -> dict[str, Any]:
    """Make a tiny character out of a short script that ships with offbook, and train it: nothing is downloaded."""
    english, chinese = demo_texts()
    role = chinese if language() == "zh" else english
    workspace = studio.workspace
    folder = free_name(workspace.characters, role)
    source = workspace.sources / f"{folder.name}.txt"
    if not source.is_file():
        atomic_write_text(source, demo_texts()[role])
    rows = api.extract(source, role if role == chinese else role.upper()).rows
    prompts = [rows[place]["messages"][0]["content"] for place in (0, 4, -1)]
    make_folder(folder, Persona.of(role), **SETTINGS, persona__sample_prompts=prompts)
    for row in rows:
        row["source"]["file"] = workspace.relative(source)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    character = CharacterFolder(folder)
    atomic_write_text(character.lines, lines)
    job = start_training(studio, character).as_json()
    init = offbook_command("init", workspace.relative(folder))
    return {
        "name": folder.name,
        "run": job["details"]["run"],
        "job": job,
        "expect": what_to_expect(TINY),
        "command": f"{init} && {job['command']}",
    }
