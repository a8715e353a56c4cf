"""The files of a run folder that are written before the first step and after the last."""

from __future__ import annotations

import json
import uuid
from typing import Any

from offbook.core import environment
from offbook.core.atomic import atomic_write_json, atomic_write_text
from offbook.core.config import loading as configs
from offbook.core.rundir import RunDir
from offbook.data.row_files import save_rows
from offbook.pipeline.setup import TrainingSetup


def write_start(run: RunDir, job: TrainingSetup, known: dict[str, Any]) -> None:
    """What is on disk before the first step."""
    run.data.mkdir(parents=True, exist_ok=True)
    atomic_write_text(run.config, configs.dump(job.config))
    save_rows(job.dataset.train, run.data / "train.jsonl")
    save_rows(job.dataset.heldout, run.data / "heldout.jsonl")
    atomic_write_json(run.data / "report.json", known)
    atomic_write_json(run.environment, {"id": run_id(run), **environment.snapshot()})


def write_measured(run: RunDir, predicted: dict[str, Any], seconds: float, peak_bytes: int, step: int) -> None:
    """What the run really took, beside what was predicted, and the step that the adapter is of."""
    told = json.loads(run.environment.read_text(encoding="utf-8"))
    told["estimate"] = {"predicted": predicted, "truth": {"seconds": round(seconds, 1), "peak_bytes": peak_bytes}}
    told["adapter_step"] = step
    atomic_write_json(run.environment, told)


def run_id(run: RunDir) -> str:
    """The run's identity in trackers: drawn once, kept over resumes."""
    try:
        return json.loads(run.environment.read_text(encoding="utf-8"))["id"]
    except (OSError, ValueError, KeyError):
        return uuid.uuid4().hex[:12]
