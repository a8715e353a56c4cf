"""What many tests need: a tiny model folder, some rows, a run that is trained once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama as a hub serves it."""
    from tests.tiny import tiny_folder

    return tiny_folder(tmp_path_factory.mktemp("tiny"))


ROWS = [
    {"instruction": f"{who}, {what}?", "input": "", "output": f"{reply} {who}."}
    for who in ("Horatio", "My lord", "Mother", "Ophelia", "Laertes", "Sir")
    for what, reply in (
        ("who are you", "I am the question, not the answer,"),
        ("will you come", "Not tonight, for the night is cold,"),
        ("what is this", "A house of words and a servant of the queen,"),
        ("do you know me", "I knew you once, and presently forgot,"),
    )
]


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four rows of the tutorial's kind."""
    path = tmp_path_factory.mktemp("rows") / "lines.json"
    path.write_text(json.dumps(ROWS), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def settings(tiny: Path, rows: Path) -> dict[str, object]:
    """A run on the tiny model that takes a second or two."""
    return {
        "name": "tiny",
        "model.source": str(tiny),
        "persona.name": "Hamlet",
        "persona.system": "You are Hamlet.",
        "persona.probes": ["Who are you?", "Will you come?"],
        "data.source": str(rows),
        "data.heldout": 0.15,
        "generation.max_new_tokens": 16,
        "train.epochs": 5,
        "train.batch_size": 4,
        "train.learning_rate": 0.01,
        "train.save_steps": 5,
        "train.log_steps": 3,
        "train.heldout_steps": 6,
        "track.to": [],
    }


@pytest.fixture(scope="session")
def trained(settings: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    import offbook
    from offbook.core.config import load

    root = tmp_path_factory.mktemp("runs")
    before = os.environ.get("OFFBOOK_RUNS")
    os.environ["OFFBOOK_RUNS"] = str(root)
    try:
        return offbook.train(load(None, settings)).path
    finally:
        if before is None:
            del os.environ["OFFBOOK_RUNS"]
        else:
            os.environ["OFFBOOK_RUNS"] = before
