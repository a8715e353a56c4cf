"""The exports that lie in a run, and the record that each has of its comparison with the adapter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from offbook.core.errors import GateMissed, UsageError
from offbook.core.registry import lookup
from offbook.core.shell import offbook_command
from offbook.core.text_file import read_text
from offbook.exporters.formats import FORMATS
from offbook.hub.cache import sha256
from offbook.pipeline.adapter_source import CharacterSource

PARITY = "parity.json"
"""Name of the file with the result of the comparison."""
MODEL_CARD = "MODEL_CARD.md"
SHAPE = ("context", "cache_bytes_per_token")
"""Fields of PARITY: the tokens that the model knows, and the bytes of a float16 key-value cache for each."""
ADAPTER = "adapter"
MISSED = "-missed-parity"
"""What the name of an export's folder ends in that is too far from the adapter."""


def folder_to_push(source: CharacterSource, what: str, quant: str | None) -> Path:
    """The folder of what is to be pushed: the adapter's, or that of the one export that is meant.

    Raises:
        UsageError: it is no character of offbook's, there is no such thing, or there are several.
        GateMissed: the only one is too far from the adapter.
    """
    if source.persona is None:
        raise UsageError(
            "{adapter} was trained by another program: what it was trained with is not known",
            "Push it with the hub's own program.",
            adapter=source.adapter,
        )
    lookup({ADAPTER: None, **FORMATS}, what, "thing to push")
    return source.adapter if what == ADAPTER else _export_folder(source, what, quant)


def _export_folder(source: CharacterSource, what: str, quant: str | None) -> Path:
    """The folder of the one export that is meant."""
    name = f"{what}-{quant or '*'}"
    exports = [path for path in sorted(source.exports_dir.glob(name)) if (path / PARITY).is_file()]
    exact = [path for path in exports if not path.name.endswith(MISSED) and "-unproved-" not in path.name]
    if len(exact) == 1:
        return exact[0]
    if exact:
        raise UsageError(
            "there are several exports: {names}",
            "Say which one with --quant.",
            names=", ".join(path.name for path in exact),
        )
    missed = [path for path in sorted(source.exports_dir.glob(name + MISSED)) if (path / PARITY).is_file()]
    if missed:
        checked_record(missed[0])
    raise UsageError(
        "there is no {format} of {name} yet",
        "Make it: {command}",
        format=what,
        name=source.name,
        command=offbook_command("export", source.folder, "--to", what, *(("--quant", quant) if quant else ())),
    )


def checked_record(folder: Path) -> dict[str, Any]:
    """What the comparison of an export said, if it passed and was made of the files that lie there now."""
    try:
        record: dict[str, Any] = json.loads(read_text(folder / PARITY))
        passed, failures, hashes = record["passed"], map(str, record["failures"]), dict(record["sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError("{path} is damaged", "Remove the folder and export again.", path=folder / PARITY) from None
    if not passed:
        raise GateMissed(
            "{folder} is not pushed, it differs from the adapter: {failures}",
            "Export with a finer --quant and push that.",
            folder=folder,
            failures="; ".join(failures),
        )
    for name, expected in hashes.items():
        if not (folder / name).is_file() or sha256(folder / name) != expected:
            raise UsageError(
                "{name} in {folder} is not the file that was compared with the adapter",
                "Remove the folder and export again.",
                name=name,
                folder=folder,
            )
    return record
