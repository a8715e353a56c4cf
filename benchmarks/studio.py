"""How quick the studio's page is: python benchmarks/studio.py [--rows N] [--seconds S]

Makes a workspace with a character of N rows, opens its pages in a headless Chromium, and prints one JSON object:
first_paint_ms (median and worst of five loads of the first page), the frames of a scroll through all rows (how many a
second, the longest and the 99th percentile between two in ms, how many rows were on the page at most), and the idle
studio after that (memory_mb, processor_seconds over S seconds).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser import Browser
from tests.studio.pages import StudioProcess, running_studio, visit

SCROLL_SECONDS = 10
SCROLL = """(() => {
  const list = document.querySelector('.virtual');
  const end = list.scrollHeight - list.clientHeight;
  const frames = [];
  let most = 0;
  const begin = performance.now();
  const step = (now) => {
    frames.push(now);
    most = Math.max(most, document.querySelectorAll('.entry').length);
    list.scrollTop = end * Math.min(1, (now - begin) / SECONDS);
    if (now - begin < SECONDS) requestAnimationFrame(step);
    else window.scrolled = { frames, most };
  };
  requestAnimationFrame(step);
})()
""".replace("SECONDS", str(SCROLL_SECONDS * 1000))


def make_character(folder: Path, rows: int) -> None:
    """Write a character whose lines are all different."""
    folder.mkdir(parents=True)
    settings = {"name": folder.name, "persona": {"name": "Big"}, "data": {"source": "rows.jsonl"}}
    (folder / "run.yaml").write_text(json.dumps(settings), encoding="utf-8")
    with (folder / "lines.jsonl").open("w", encoding="utf-8") as file:
        for number in range(rows):
            texts = f"What is the {number}th question?", f"The answer to it is {number * 7919 % 100003}, and no other."
            messages = [
                {"role": role, "content": text} for role, text in zip(("user", "assistant"), texts, strict=True)
            ]
            row = {"messages": messages, "source": {"file": "big.txt", "line": number + 1}, "confidence": 1.0}
            file.write(json.dumps(row) + "\n")


def first_paint(browser: Browser, studio: StudioProcess) -> dict[str, float]:
    """Milliseconds from the navigation to the first paint."""
    times = []
    for _ in range(5):
        visit(browser, studio)
        browser.wait("performance.getEntriesByType('paint').length")
        times.append(browser.run("performance.getEntriesByType('paint')[0].startTime"))
    return {"median": statistics.median(times), "worst": max(times)}


def scroll(browser: Browser, studio: StudioProcess) -> dict[str, Any]:
    """What happens between frames while all rows go by."""
    visit(browser, studio, "lines/big")
    browser.wait("document.querySelector('.entry[data-state=full]')", 60)
    browser.run(SCROLL)
    result = browser.wait("window.scrolled", SCROLL_SECONDS + 30)
    gaps = sorted(after - before for before, after in zip(result["frames"], result["frames"][1:], strict=False))
    browser.wait("[...document.querySelectorAll('.entry')].every((row) => row.dataset.state === 'full')")
    return {
        "frames_per_second": round(len(gaps) / SCROLL_SECONDS, 1),
        "longest_ms": round(gaps[-1], 1),
        "p99_ms": round(gaps[int(len(gaps) * 0.99)], 1),
        "rows_on_the_page": result["most"],
        "last_row": browser.run("[...document.querySelectorAll('.entry')].at(-1).getAttribute('aria-posinset')"),
    }


def idle(studio: StudioProcess, seconds: float) -> dict[str, float]:
    """Memory and processor time of the studio while nobody asks it anything."""
    process = psutil.Process(studio.process.pid)
    before = sum(process.cpu_times()[:2])
    time.sleep(seconds)
    spent = sum(process.cpu_times()[:2]) - before
    return {"memory_mb": round(process.memory_info().rss / 1e6, 1), "processor_seconds": round(spent, 3)}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_character(Path(folder) / "characters" / "big", options.rows)
        with running_studio(Path(folder)) as studio:
            with Browser() as browser:
                result = {"first_paint_ms": first_paint(browser, studio), "scroll": scroll(browser, studio)}
            result["idle"] = idle(studio, options.seconds)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
