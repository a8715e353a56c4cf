"""JSON files that a run wrote and anybody may have damaged since: what can be read of them, without an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from offbook.core.text_file import read_text

Held = TypeVar("Held", dict[str, Any], list[Any])


def read_or_empty(path: Path, kind: type[Held]) -> Held:
    """What a file holds; an empty value of that kind where it is missing, damaged or holds another kind."""
    try:
        content = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError):
        return kind()
    return content if isinstance(content, kind) else kind()
