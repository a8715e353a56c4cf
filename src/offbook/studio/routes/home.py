"""The first page: characters as a wall, runs, the disk, the machine."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path
from typing import Any

import psutil
from fastapi import APIRouter

from offbook.core.rundir import RunDir
from offbook.core.shell import offbook_command
from offbook.studio.context import StudioDep
from offbook.studio.run_yaml import settings_tree
from offbook.studio.runs import character_of, last_reply, run_entry
from offbook.studio.workspace import folder_bytes

router = APIRouter(tags=["home"])


@router.get("/home")
def home(studio: StudioDep) -> dict[str, Any]:
    """What there is: characters with their newest run, runs, texts, disk and machine."""
    workspace = studio.workspace
    runs = workspace.list_runs()
    made_from: dict[str | None, list[RunDir]] = {}
    for run in runs:
        made_from.setdefault(character_of(workspace, run), []).append(run)
    return {
        "workspace": str(workspace.root),
        "characters": [_character(path, made_from.get(path.name, [])) for path in workspace.list_characters()],
        "runs": [run_entry(workspace, run) for run in runs],
        "sources": [path.name for path in workspace.list_sources()],
        "disk": _disk(workspace.root),
        "machine": _machine(),
        "command": offbook_command("runs", "list"),
    }


def _character(folder: Path, runs: list[RunDir]) -> dict[str, Any]:
    newest = runs[0] if runs else None
    persona = settings_tree(folder / "run.yaml").get("persona")
    title = persona.get("name") if isinstance(persona, dict) else None
    has_lines = (folder / "lines.jsonl").is_file() or (folder / "rows.jsonl").is_file()
    state = newest.status if newest else ("ready" if has_lines else "empty")
    return {
        "name": folder.name,
        "title": title or folder.name,
        "state": state,
        "last_line": last_reply(newest) if newest else None,
        "bytes": folder_bytes(folder) + sum(folder_bytes(run.path) for run in runs),
        "run": newest.name if newest else None,
        "runs": [run.name for run in runs],
        "updated": max([folder.stat().st_mtime, *(run.path.stat().st_mtime for run in runs)]),
    }


def _disk(root: Path) -> dict[str, Any]:
    usage = shutil.disk_usage(root)
    return {"free": usage.free, "total": usage.total, "workspace": folder_bytes(root)}


def _machine() -> dict[str, Any]:
    memory = psutil.virtual_memory()
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "memory": memory.total,
        "memory_free": memory.available,
    }
