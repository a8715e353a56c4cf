"""What the studio reads out of a run's folder."""

from __future__ import annotations

import json
from typing import Any

from offbook.core.rundir import RunDir
from offbook.core.text_file import read_text
from offbook.studio.json_files import read_objects
from offbook.studio.run_yaml import settings_tree
from offbook.studio.stored_verdict import stored_verdict
from offbook.studio.workspace import Workspace


def settings_of(run: RunDir) -> dict[str, Any]:
    """The tree of a run's run.yaml; empty where it is damaged."""
    return settings_tree(run.config)


def character_of(workspace: Workspace, run: RunDir) -> str | None:
    """The name of the character whose rows a run was trained on; None where it is none of the workspace's."""
    data = settings_of(run).get("data")
    source = data.get("source") if isinstance(data, dict) else None
    if not isinstance(source, str):
        return None
    rows = run.path / source
    here = workspace.characters / rows.parent.name / rows.name
    # A run names its rows by their whole path, and the studio's folder may have been moved since.
    is_moved = rows.parent.parent.name == workspace.characters.name and not rows.exists() and here.is_file()
    return rows.parent.name if rows == here or is_moved else None


def run_entry(workspace: Workspace, run: RunDir) -> dict[str, Any]:
    """A run in a list."""
    tree = settings_of(run)
    persona, model = tree.get("persona"), tree.get("model")
    return {
        "name": run.name,
        "state": run.status,
        "character": character_of(workspace, run),
        "title": persona.get("name") if isinstance(persona, dict) else None,
        "base": model.get("source") if isinstance(model, dict) else None,
        "headline": _text(stored_verdict(run).get("headline")),
        "updated": (run.metrics if run.metrics.is_file() else run.path).stat().st_mtime,
    }


def last_reply(run: RunDir) -> str | None:
    """What the character said last: at the end of training, else while it was trained."""
    if samples := read_objects(run.samples):
        return _text(samples[-1].get("tuned"))
    try:
        lines = read_text(run.samples_log).splitlines()
        replies = json.loads(lines[-1])["samples"]
        return _text(list(replies.values())[-1])
    except (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError):
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
