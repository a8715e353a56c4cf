"""How long a chat takes from its start to the first letter of a reply, in a pseudo-terminal.

python benchmarks/first_token.py --run runs/hamlet --times 8

The message is typed as soon as the input line stands there, so nothing is loaded while a person would still be typing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

import pexpect

from offbook.core.persona import Persona


def measure(run: Path) -> tuple[float, float]:
    """Seconds from the start of `offbook chat` to its input line, and to the first letter of the reply."""
    persona = Persona.load(run / "adapter")
    assert persona is not None, "name a run of offbook's"
    began = time.perf_counter()
    chat = pexpect.spawn(
        sys.executable,
        ["-m", "offbook", "--lang", "en", "chat", str(run), "--seed", "1"],
        encoding="utf-8",
        dimensions=(40, 100),
        timeout=300,
        env={**os.environ, "TERM": "xterm"},
    )
    chat.expect_exact("You: ")
    line = time.perf_counter() - began
    chat.send("Who are you?\r")
    chat.expect_exact(f"{persona.name}: ")
    chat.expect(r"\w")
    first = time.perf_counter() - began
    chat.expect_exact("You: ")
    chat.send("\x04")
    chat.expect(pexpect.EOF)
    return line, first


def main() -> None:
    """Measure some starts one after another, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="a trained run's folder")
    parser.add_argument("--times", type=int, default=8)
    options = parser.parse_args()
    lines, firsts = zip(*(measure(options.run) for _ in range(options.times)), strict=True)
    report = {
        "input_line_seconds": round(statistics.median(lines), 2),
        "first_token_seconds": round(statistics.median(firsts), 2),
        "range": [round(min(firsts), 2), round(max(firsts), 2)],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
