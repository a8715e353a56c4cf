"""The table in docs/models.md: what works with which architecture, tried on a tiny model of each.

    python -m benchmarks.models --write                       # all of them, and the tables of the docs
    python -m benchmarks.models --architectures llama lfm2    # some, as JSON lines

Each model is real code with random weights. It is checked, proved, trained, talked to and exported, as a user would.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from tests.torture.architectures import ARCHITECTURES, Row, try_architecture

PAGES = (Path("docs/models.md"), Path("docs/zh/models.md"))
MARKS = ("<!-- architectures: benchmarks/models.py -->", "<!-- end -->")
CRASH = "traceback"


def main() -> None:
    """Try the architectures, one JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architectures", nargs="*", default=ARCHITECTURES)
    parser.add_argument("--write", action="store_true", help="write the tables of the docs")
    parser.add_argument("--from", dest="lines", help="JSON lines of an earlier run, in place of a new one")
    arguments = parser.parse_args()
    if arguments.lines:
        rows = [Row(**json.loads(line)) for line in Path(arguments.lines).read_text().splitlines() if line[:1] == "{"]
    else:
        rows = list(_tried(arguments.architectures))
    if arguments.write:
        for page in PAGES:
            _write(page, rows)
    raise SystemExit(any(row.train.startswith(CRASH) for row in rows))


def _tried(architectures: Sequence[str]) -> Iterator[Row]:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["OFFBOOK_RUNS"] = str(Path(folder) / "runs")
        for architecture in architectures:
            try:
                row = try_architecture(architecture, Path(folder))
            except Exception as error:  # the others are tried all the same; the exit code tells
                traceback.print_exc()
                row = Row(architecture, train=f"{CRASH}: {type(error).__name__}: {error}")
            print(json.dumps(asdict(row)), flush=True)
            yield row


def _write(page: Path, rows: Sequence[Row]) -> None:
    """Put the table between the marks of a page."""
    chinese = page.parts[1] == "zh"
    head = (
        "| 架构 | 训练 | 形式 | 与 peft 的梯度之差 | merged | gguf | ollama |"
        if chinese
        else "| architecture | trains | form | gradient off from peft's by | merged | gguf | ollama |"
    )
    words = {"yes": "✓", "no": "–"}
    lines = [head, "|---|---|---|---|---|---|---|"]
    for row in sorted(rows, key=lambda row: row.architecture):
        proved = "" if row.proved is None else f"{row.proved:.0e}"
        cells = [row.architecture, words.get(row.train, row.train), row.form, proved]
        cells += [words.get(cell, cell) for cell in (row.merged, row.gguf, row.ollama)]
        lines.append("| " + " | ".join(cells) + " |")
    text = page.read_text(encoding="utf-8")
    table = f"{MARKS[0]}\n" + "\n".join(lines) + f"\n{MARKS[1]}"
    page.write_text(
        re.sub(f"{re.escape(MARKS[0])}.*?{re.escape(MARKS[1])}", lambda _: table, text, flags=re.DOTALL), "utf-8"
    )


if __name__ == "__main__":
    main()
