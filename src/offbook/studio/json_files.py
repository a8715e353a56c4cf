"""JSON files of a run's folder, as far as they hold what they should: a folder may come from anybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from offbook.core.text_file import read_text


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is none."""
    value = read_json(path)
    return value if isinstance(value, dict) else {}


def read_objects(path: Path) -> list[dict[str, Any]]:
    """The objects of the JSON list in a file; none where there is no such list."""
    return objects(read_json(path))


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list that somebody wrote; none where it is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def read_json(path: Path) -> Any:
    """The value in a JSON file; None where there is none that can be read."""
    try:
        # JSON has no NaN; browsers could not read it.
        return json.loads(read_text(path), parse_constant=lambda _: None)
    except (OSError, ValueError, RecursionError):
        return None
