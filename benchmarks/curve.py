"""Does the fast path learn the same? Hamlet for an epoch, dropout on, fast and plain path, several seeds.

    python benchmarks/curve.py --out runs/curve [--seeds 3] [--json]

The two paths draw different dropout masks, so their weights differ; their held-out losses after the epoch, averaged
over the seeds, must not differ by more than one per cent. The exit code says whether they do.
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
BOUND = 0.01
PATHS = {"fast": [], "plain": [f"--train.fast.{name}=false" for name in ("packing", "prefix", "fused", "head")]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (options.out / "run.yaml").exists():
        create(options.out, "hamlet", NullReporter())
    losses = {
        path: [heldout_loss(options.out, path, seed, flags) for seed in range(options.seeds)]
        for path, flags in PATHS.items()
    }
    fast, peft_path = mean(losses["fast"]), mean(losses["plain"])
    difference = (fast - peft_path) / peft_path
    result: dict[str, Any] = {"losses": losses, "fast": fast, "plain": peft_path, "difference": difference}
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:12} {value}")
    sys.exit(abs(result["difference"]) > BOUND)


def heldout_loss(folder: Path, path: str, seed: int, flags: list[str]) -> float:
    """The held-out loss at the end of a run of one epoch; a run that is there is not repeated."""
    runs, name = folder / "runs", f"{path}-{seed}"
    arguments = [f"--name={name}", f"--train.seed={seed}", "--train.epochs=1", "--train.heldout_steps=1000"]
    arguments += ["--data.max_length=64", "--track.trackers=[]", "--evaluate.prompts=0", *flags]
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
