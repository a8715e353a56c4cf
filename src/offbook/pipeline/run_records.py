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
from offbook.training.compute import product_rates


def write_start(run: RunDir, setup: TrainingSetup, report: dict[str, Any]) -> None:
    """Write what is on disk before the first step: config, rows, report, environment."""
    run.data.mkdir(parents=True, exist_ok=True)
    atomic_write_text(run.config, configs.dump(setup.config))
    write_rows(run, setup)
    atomic_write_json(run.data / "report.json", report)
    atomic_write_json(run.environment, {"id": run_id(run), **environment.snapshot(), "compute": _compute(setup)})


def write_rows(run: RunDir, setup: TrainingSetup) -> None:
    """Write the rows that are learned, and those that are held out."""
    run.data.mkdir(parents=True, exist_ok=True)
    save_rows(setup.dataset.train, run.data / "train.jsonl")
    save_rows(setup.dataset.heldout, run.data / "heldout.jsonl")


def _compute(setup: TrainingSetup) -> dict[str, Any]:
    """The format of the frozen weights' products, and the rates (GFLOP/s) that it was chosen by, if any."""
    rates = product_rates() if product_rates.cache_info().currsize else None
    return {"format": setup.config.train.compute, "rates": rates}


def write_measured(run: RunDir, predicted: dict[str, Any], parts: dict[str, float], peak_bytes: int, step: int) -> None:
    """Add what the run really took, beside what was predicted, and the adapter's step to environment.json.

    Args:
        run: the run folder.
        predicted: the estimate that was shown before the first step.
        parts: seconds of loading, of training (with its evaluations and their samples), and of all up to the adapter.
        peak_bytes: the most memory held.
        step: of the state that became the adapter.
    """
    environment_json = json.loads(run.environment.read_text(encoding="utf-8"))
    seconds = parts["training"] + parts["samples"]
    measured = {"seconds": round(seconds, 1), "peak_bytes": peak_bytes, "parts": _rounded(parts)}
    environment_json["estimate"] = {"predicted": predicted, "measured": measured}
    environment_json["adapter_step"] = step
    atomic_write_json(run.environment, environment_json)


def add_verdict_seconds(run: RunDir, seconds: float) -> None:
    """Add what the verdict took to environment.json."""
    environment_json = json.loads(run.environment.read_text(encoding="utf-8"))
    environment_json["estimate"]["measured"]["parts"] |= _rounded({"verdict": seconds})
    atomic_write_json(run.environment, environment_json)


def _rounded(parts: dict[str, float]) -> dict[str, float]:
    return {name: round(seconds, 1) for name, seconds in parts.items()}


def run_id(run: RunDir) -> str:
    """The run's identity in trackers: drawn once, kept over resumes."""
    try:
        return json.loads(run.environment.read_text(encoding="utf-8"))["id"]
    except (OSError, ValueError, KeyError):
        return uuid.uuid4().hex[:12]
