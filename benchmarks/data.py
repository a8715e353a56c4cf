"""How long the data stages take: read, inspect, thin, split and measure the leak of made-up rows.

    python benchmarks/data.py [--rows 100000] [--json]

The rows are made of 5,000 words whose frequencies fall as in a language; 3 % are copies, 2 % near-copies, 5 % answer a
prompt that was there before, and each forty stand in a scene.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from offbook.data import leakage, loading, quality, split

WORDS = 5000


def made_up_rows(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Rows as `offbook extract` writes them."""
    rng = random.Random(seed)
    words = [
        "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(rng.choice((1, 1, 2, 2, 2, 3)))) for _ in range(WORDS)
    ]
    weights = [1 / (rank + 5) for rank in range(WORDS)]

    def line(longest: int) -> str:
        return "".join(rng.choices(words, weights, k=rng.randint(2, longest))) + "。"

    prompts, replies = ["开场。"], ["是。"]
    for number in range(count):
        prompt, reply = line(12), line(25)
        kind = rng.random()
        if kind < 0.05:
            place = rng.randrange(len(prompts))
            prompt, reply = prompts[place], replies[place] if kind < 0.03 else replies[place] + line(2)
        elif kind < 0.1:
            prompt = rng.choice(prompts)
        prompts.append(prompt)
        replies.append(reply)
        turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": reply}]
        yield {"messages": turns, "source": {"file": "play.txt", "line": number, "scene": number // 40}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        seconds[name] = round(time.perf_counter() - start, 2)
        print(f"{name:8} {seconds[name]:6.2f} s", file=sys.stderr)
        return result

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in made_up_rows(options.rows))
        before = time.process_time()
        loaded = timed("load", lambda: loading.load([path]))
    report = timed("inspect", lambda: quality.inspect(loaded.conversations))
    kept = timed("deduplicate", lambda: quality.deduplicate(loaded.conversations, "exact", None))
    parts = timed("split", lambda: split.split(kept, 0.05, 0))
    leaks = timed("leak", lambda: leakage.measure(parts, 0))
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    result = {
        "rows": options.rows,
        "seconds": {
            **seconds,
            "total": round(sum(seconds.values()), 2),
            "processor": round(time.process_time() - before, 2),
        },
        "peak_bytes": peak,
        "findings": {finding.name: finding.count for finding in report.findings},
        "heldout_rows": len(parts.heldout),
        "dropped_rows": len(parts.dropped),
        "leak": leaks.to_dict(),
    }
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
