"""Do two ways of computing a step learn the same? Characters for an epoch each, dropout on, several seeds.

    python benchmarks/curve.py --out runs/curve [--compare path|compute] [--rows FILE…] [--seeds 3] [--json]

`path`: the fast path, and all of it switched off. `compute`: products of frozen weights in bfloat16, and in float32.
The first character is the Hamlet of the recipe; each file of `--rows` is one more. The two sides of `path` draw
different dropout masks, so their weights differ; their held-out losses after the epoch, averaged over the seeds, must
not differ by more than one per cent, those of `compute` by 0.3. The exit code says whether a character's do.
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

from offbook.cli.init import create
from offbook.core.metrics_log import read
from offbook.core.progress import NullReporter

OFFBOOK = Path(sys.executable).with_name("offbook")
PLAIN = [f"--train.fast.{name}=false" for name in ("packing", "prefix", "fused", "head")]
COMPARISONS: dict[str, tuple[float, dict[str, list[str]]]] = {
    "path": (0.01, {"fast": [], "plain": PLAIN}),
    "compute": (0.003, {name: [f"--train.compute={name}"] for name in ("bfloat16", "float32")}),
}
"""Name of a comparison → the largest relative difference, and its two sides with their options (the second is the
reference)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--compare", choices=COMPARISONS, default="path")
    parser.add_argument("--rows", type=Path, nargs="*", default=[], help="files of further characters")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (options.out / "run.yaml").exists():
        create(options.out, "hamlet", NullReporter())
    bound, sides = COMPARISONS[options.compare]
    characters: dict[str, list[str]] = {"hamlet": []}
    for file in options.rows:
        characters[file.stem] = [f"--data.source={file.resolve()}", f"--persona.name={file.stem}"]
    results = {name: compare(options.out, name, flags, sides, options.seeds) for name, flags in characters.items()}
    if options.json:
        print(json.dumps(results))
    else:
        for name, result in results.items():
            print(f"{name:12} {result}")
    sys.exit(any(abs(result["difference"]) > bound for result in results.values()))


def compare(folder: Path, name: str, flags: list[str], sides: dict[str, list[str]], seeds: int) -> dict[str, Any]:
    """The held-out losses of a character on both sides, and how far the means are apart."""
    losses: dict[str, list[float]] = {side: [] for side in sides}
    for seed in range(seeds):  # the sides in turn: what is there so far can be compared
        for side, options in sides.items():
            losses[side].append(heldout_loss(folder, f"{name}-{side}-{seed}", seed, [*flags, *options]))
    first, second = (mean(values) for values in losses.values())
    return {"losses": losses, "means": [first, second], "difference": (first - second) / second}


def heldout_loss(folder: Path, name: str, seed: int, flags: list[str]) -> float:
    """The held-out loss at the end of a run of one epoch; a run that is there is not repeated."""
    runs = folder / "runs"
    arguments = [f"--name={name}", f"--train.seed={seed}", "--train.epochs=1", "--train.heldout_steps=1000"]
    arguments += ["--data.max_length=64", "--data.replay=null", "--track.trackers=[]", "--evaluate.prompts=0", *flags]
    if not (runs / name / "adapter").is_dir():
        subprocess.run(
            [OFFBOOK, "train", "-c", folder / "run.yaml", "--resume", *arguments],
            check=True,
            env={**os.environ, "OFFBOOK_RUNS": str(runs)},
            stdout=sys.stderr,
        )
    return read(runs / name / "metrics.jsonl")[-1]["heldout_loss"]


if __name__ == "__main__":
    main()
