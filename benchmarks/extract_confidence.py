"""How often the novel reader is right, by what tells who speaks: the table that its confidences come from.

    python benchmarks/extract_confidence.py FOLDER [--language zh]

FOLDER holds novels (NAME.txt) with what is said in them, a line each in NAME.gold.jsonl: {"line", "speaker",
"aliases", "text"}, where "text" is what is said and "aliases" are other names of the speaker. The first and the
fourth of every four books, by name, are the half that the confidences of `novel/confidence.json` are fitted to; the
other half checks them. Speakers whose name is no alias of anybody are not counted.
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from unittest import mock

from offbook.data.encoding import open_text
from offbook.data.extract.cue import SURE, Cue
from offbook.data.extract.novel import reader, turns
from offbook.data.extract.novel.attribution import classify, confidence
from offbook.data.extract.novel.book_layout import survey

NEAR = 80
"""Lines after its first in which the rest of a long speech may stand."""
PROBE = 30
"""So many letters tell which line of the gold a piece is."""

Class = tuple[str, float]


class _Classed(float):
    """A confidence that knows its class."""

    label: Class


def _classed(language: str, kind: str, probability: float) -> float:
    value = _Classed(probability)
    value.label = classify(language, kind, probability)
    return value


def books_of(folder: Path, language: str) -> dict[str, list[Path]]:
    """The novels of a language in a folder whose speakers are known: the half to fit, the half to check."""
    books = [path for path in sorted(folder.glob("*.txt")) if path.with_suffix(".gold.jsonl").exists()]
    novels = [path for path in books if _is_novel(path, language)]
    fitted = [path for place, path in enumerate(novels) if place % 4 in (0, 3)]
    return {"fit": fitted, "check": [path for path in novels if path not in fitted]}


def measure(folder: Path, language: str) -> dict[str, dict[Class, Counter[str]]]:
    """Right and all lines of every class, for the half that is fitted and the half that checks."""
    counts: dict[str, dict[Class, Counter[str]]] = {"fit": defaultdict(Counter), "check": defaultdict(Counter)}
    for half, paths in books_of(folder, language).items():
        for path in paths:
            with mock.patch.object(turns, "confidence", _classed):
                cues = [item for item in reader.read(list(open_text(path))) if isinstance(item, Cue)]
            for label, right in _judged(cues, path):
                counts[half][label].update(lines=1, right=right)
    return counts


def _is_novel(path: Path, language: str) -> bool:
    sample = [text for _, text in zip(range(3000), (text for _, text in open_text(path)), strict=False)]
    is_ascii = sum(map(str.isascii, sample)) > 0.3 * len(sample)
    detected = survey(list(enumerate(sample, 1))).language
    return reader.looks_like(sample) > 0.2 and detected == language and (is_ascii or language != "en")


def gold_of(path: Path) -> list[dict[str, Any]]:
    """What is said in a book."""
    return [json.loads(line) for line in path.with_suffix(".gold.jsonl").read_text(encoding="utf-8").splitlines()]


def gold_speakers(path: Path) -> list[tuple[str, str]]:
    """Each name and the speaker whom it means."""
    return [(name, line["speaker"]) for line in gold_of(path) for name in (line["speaker"], *line["aliases"])]


def matches(cues: list[Cue], path: Path) -> list[tuple[Cue, dict[str, Any]]]:
    """The cues whose words the gold knows, each with its line there."""
    gold = gold_of(path)
    starts = [line["line"] for line in gold]
    letters = [letters_of(line["text"]) for line in gold]
    matched = []
    for cue in cues:
        probe = letters_of(cue.text)[:PROBE]
        if not probe:
            continue
        within = range(max(0, bisect_left(starts, cue.line - 1) - 2), bisect_right(starts, cue.line + NEAR))
        near = sorted(within, key=lambda n: abs(starts[n] - cue.line))
        match = next((n for n in near if probe in letters[n] or (letters[n] and probe.startswith(letters[n]))), None)
        if match is not None:
            matched.append((cue, gold[match]))
    return matched


def _judged(cues: list[Cue], path: Path) -> list[tuple[Class, bool]]:
    speakers_of = defaultdict(set)
    for name, speaker in gold_speakers(path):
        speakers_of[letters_of(name)].add(speaker)
    judged = []
    for cue, line in matches([cue for cue in cues if cue.speakers and isinstance(cue.confidence, _Classed)], path):
        persons = speakers_of[letters_of(cue.speakers[0])]
        if len(persons) == 1:
            assert isinstance(cue.confidence, _Classed)
            judged.append((cue.confidence.label, line["speaker"] in persons))
    return judged


def letters_of(text: str) -> str:
    """The letters and figures of a text without a first "the": they tell which words these are."""
    bare = re.sub(r"(?i)^the\s+", "", text)
    return "".join(char for char in unicodedata.normalize("NFKC", bare).casefold() if char.isalnum())


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=("en", "zh"), default="en")
    options = parser.parse_args()
    counts = measure(options.folder, options.language)
    print("| what tells | probability from | fitted: lines | right | checked: lines | right |")
    print("|---|---|---|---|---|---|")
    for label in sorted(counts["fit"].keys() | counts["check"].keys()):
        cells = [f"{half[label]['lines']} | {_share(half[label])}" for half in (counts["fit"], counts["check"])]
        print(f"| {label[0]} | {label[1]:.2f} | {' | '.join(cells)} |")
    for half, by_class in counts.items():
        sure = sum((count for label, count in by_class.items() if _is_sure(options.language, label)), Counter())
        named = sum(len(named_turns(path)) for path in books_of(options.folder, options.language)[half])
        print(f"{half}: of {named} turns {sure['lines'] / named:.3f} are sure, of these {_share(sure)} are right")


def named_turns(path: Path) -> set[tuple[int, str]]:
    """Where people with a name speak in a book, and who does."""
    return {(line["line"], line["speaker"]) for line in gold_of(path) if line["speaker"] not in ("?", "-")}


def _is_sure(language: str, label: Class) -> bool:
    return confidence(language, *label) >= SURE


def _share(count: Counter[str]) -> str:
    return f"{count['right'] / count['lines']:.2f}" if count["lines"] else "–"


if __name__ == "__main__":
    main()
