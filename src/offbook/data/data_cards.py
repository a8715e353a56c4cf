"""Which of a data set's files its README names for training, as data sets on a hub have it.

configs:
- config_name: default
data_files:
- {split: train, path: data/train-*.parquet}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from offbook.core.errors import UsageError
from offbook.data import splits

FRONT_MATTER = re.compile(r"\A\ufeff?---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
GLOBS = re.compile(r"\*\*/|\*\*|\*|\?")
GLOB_PATTERNS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
NAMES_SHOWN = 5


def named_for_training(folder: Path, files: Sequence[Path]) -> list[Path] | None:
    """The files that a folder's README names for training; None where it names none of those that are there.

    Args:
        folder: the data set.
        files: its files of rows.

    Raises:
        UsageError: it describes several sets of rows, and none as the default.
    """
    patterns = [re.compile(_pattern(path)) for path in _paths(_config(folder))]
    named = [file for file in files if any(each.fullmatch(file.relative_to(folder).as_posix()) for each in patterns)]
    return named or None


def _config(folder: Path) -> dict[str, Any]:
    """The set of rows that a README describes, or its default one; an empty object where it names no files."""
    card = folder / "README.md"
    head = FRONT_MATTER.match(card.read_text(encoding="utf-8", errors="replace")) if card.is_file() else None
    try:
        fields = yaml.safe_load(head[1]) if head else None
    except yaml.YAMLError:
        return {}
    listed = fields.get("configs") if isinstance(fields, dict) else None
    configs = [each for each in listed or () if isinstance(each, dict) and each.get("data_files")]
    default = [each for each in configs if each.get("default") is True or each.get("config_name") == "default"]
    if len(configs) > 1 and not default:
        raise UsageError(
            "{path} describes several sets of rows ({names}), and none as the default",
            "Name the file or the folder of the one you mean.",
            path=card,
            names=", ".join(str(each.get("config_name")) for each in configs[:NAMES_SHOWN]),
        )
    return dict(default[0] if default else configs[0]) if configs else {}


def _paths(config: dict[str, Any]) -> Iterator[str]:
    """The paths, perhaps with *, of the files for training."""
    files = config.get("data_files")
    if isinstance(files, dict):
        files = [{"split": split, "path": path} for split, path in files.items()]
    listed = files if isinstance(files, list) else [files]
    parts = [each if isinstance(each, dict) else {"split": "train", "path": each} for each in listed]
    for part in splits.for_training(parts, lambda part: str(part.get("split", "train"))):
        path = part.get("path")
        for each in path if isinstance(path, list) else [path]:
            if isinstance(each, str):
                inside = each.removeprefix("./")
                yield f"{config['data_dir'].strip('/')}/{inside}" if isinstance(config.get("data_dir"), str) else inside


def _pattern(path: str) -> str:
    """A path with *, ** and ? as a regular expression; a folder stands for what is in it."""
    parts, end = [], 0
    for glob in GLOBS.finditer(path):
        parts += [re.escape(path[end : glob.start()]), GLOB_PATTERNS[glob[0]]]
        end = glob.end()
    return "".join(parts) + re.escape(path[end:].rstrip("/")) + "(?:/.*)?"
