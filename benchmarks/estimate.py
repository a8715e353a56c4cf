"""Is what `check` tells right, and what do the two memory settings save?

    python benchmarks/estimate.py --rows huanhuan.json --out runs/estimate [--epochs 0.06] [--json]

ERNIE-4.5-0.3B's shape with random weights and a tokenizer trained on the rows (its own comes with its weights), the
tutorial's adapter and batch. Each setting trains for the same few steps in a process of its own; time and peak memory
stand beside what was told before the first step.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from serving_models import save_tokenizer
from transformers import Ernie4_5Config, Ernie4_5ForCausalLM

from offbook.data import loading

OFFBOOK = Path(sys.executable).with_name("offbook")
STORED, CHECKPOINTING = "--model.storage=bfloat16", "--train.gradient_checkpointing=true"
SETTINGS = {
    "default": [],
    "storage bfloat16": [STORED],
    "gradient_checkpointing": [CHECKPOINTING],
    "both": [STORED, CHECKPOINTING],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True, help="the tutorial's huanhuan.json")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and the runs")
    parser.add_argument("--epochs", type=float, default=0.06)
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (options.out / "base").is_dir():
        save_base(options.out / "base", options.rows)
    rows = [row(name, estimate(options, name)) for name in options.settings]
    print(json.dumps(rows) if options.json else "\n".join(map(line, rows)))


def save_base(folder: Path, rows: Path) -> None:
    """A model folder in ERNIE's shape."""
    texts = [turn.text for conversation in loading.load([rows]).conversations for turn in conversation.turns]
    torch.manual_seed(0)
    Ernie4_5ForCausalLM(Ernie4_5Config()).save_pretrained(folder)
    save_tokenizer(folder, texts)


def estimate(options: argparse.Namespace, setting: str) -> dict[str, Any]:
    """What environment.json says of a run: the prediction and the measurement."""
    run = options.out / "runs" / setting
    shutil.rmtree(run, ignore_errors=True)
    arguments = [
        *("--name", setting, "--model.source", options.out / "base", "--data.source", options.rows),
        *("--persona.name", "甄嬛", "--persona.system", "现在你要扮演皇帝身边的女人--甄嬛"),
        *("--train.epochs", str(options.epochs), "--train.heldout_steps", "1000", "--data.heldout", "0.01"),
        *("--generation.max_new_tokens", "1", "--evaluate.prompts", "0", "--track.trackers", "[]", *SETTINGS[setting]),
    ]
    environment = {**os.environ, "OFFBOOK_RUNS": str(run.parent)}
    subprocess.run([OFFBOOK, "train", *arguments], check=True, env=environment, stdout=sys.stderr)
    return json.loads((run / "environment.json").read_text(encoding="utf-8"))["estimate"]


def row(setting: str, figures: dict[str, Any]) -> dict[str, Any]:
    """A setting's figures: seconds and bytes."""
    predicted, measured = figures["predicted"], figures["measured"]
    loading = predicted["parts"]["loading"]  # is over when the clock starts
    return {
        "setting": setting,
        "told_seconds": [predicted["low"] - loading, predicted["high"] - loading],
        "seconds": measured["seconds"],
        "told_bytes": predicted["peak_bytes"],
        "bytes": measured["peak_bytes"],
        "memory_error": predicted["peak_bytes"] / measured["peak_bytes"] - 1,
    }


def line(figures: dict[str, Any]) -> str:
    """A row of the markdown table in docs/performance.md."""
    low, high = figures["told_seconds"]
    memory = f"{figures['told_bytes'] / 1e9:.2f} | {figures['bytes'] / 1e9:.2f} | {figures['memory_error']:+.0%}"
    return f"| {figures['setting']} | {low:.0f}–{high:.0f} s | {figures['seconds']:.0f} s | {memory} |"


if __name__ == "__main__":
    main()
