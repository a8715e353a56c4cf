"""How fast a character answers, beside the tutorial's `model.generate` with the adapter on top.

    python benchmarks/serving.py [--run runs/hamlet] [--sampled] [--pairs 8] [--json]

All sides are processes that stay loaded and answer in turn, the same prompt, the same number of tokens: A B C A B C …;
ratios are taken round by round and their median is reported, so a machine that is slow for a while is slow for all.
Sides: the tutorial's last script (PeftModel, generate) in float32 and in its own bfloat16; the transformers engine of
`offbook chat` and `offbook serve` in float32; llama.cpp on a q8_0 file. Without --run the weights are random, in the
shape of ERNIE-4.5-0.3B with the tutorial's adapter, and so are the prompts.

A second message follows each answer in the same conversation: its first token is timed beside the first one's.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch
from program import Program
from serving_models import Ids, ServingModel, from_run, in_ernie_shape
from transformers import AutoModelForCausalLM

from offbook.core.config.schema import GenerationConfig
from offbook.exporters.gguf_model import write_model
from offbook.exporters.source import ExportSource
from offbook.models import adapter as adapters
from offbook.models.merging import merge

ANSWERING = Path(__file__).with_name("answering.py")
SECOND = 32
"""Tokens that follow the first prompt in the second: the next message, and a short reply before it that is taken as not
cached (it is, in a real conversation)."""

OURS = ("transformers", "llamacpp_q8_0")
SIDES = ("tutorial", "tutorial_bf16", *OURS)


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Let all sides answer in turn; the first round warms up and is not counted."""
    with tempfile.TemporaryDirectory() as name:
        folder, rounds = Path(name), options.pairs + 1
        model = from_run(options.run, rounds) if options.run else in_ernie_shape(folder, rounds)
        gguf = quantised(model, folder)
        job = {"base": model.base, "adapter": model.adapter, "gguf": gguf, "threads": options.threads}
        (folder / "job.json").write_text(json.dumps(job, default=str), encoding="utf-8")
        sides = {side: Program([sys.executable, str(ANSWERING), side, str(folder / "job.json")]) for side in SIDES}
        results = all_rounds(sides, model.prompts, options)
        for side in sides.values():
            side.end()
        return summary(options, results[1:])


def quantised(model: ServingModel, folder: Path) -> Path:
    """The character's q8_0 file, as `offbook serve` opens it."""
    base = AutoModelForCausalLM.from_pretrained(model.base, dtype=torch.float32, trust_remote_code=False)
    wrapped = adapters.load(base, model.adapter)
    original = ExportSource(
        wrapped, model.tokenizer, model.persona, model.base, [model.persona.stop_token.id], "timed", merge
    )
    write_model(folder / "timed.gguf", original, merge(wrapped), "q8_0")
    return folder / "timed.gguf"


def all_rounds(sides: dict[str, Program], prompts: list[Ids], options: argparse.Namespace) -> list[dict[str, Any]]:
    """One round for each prompt."""
    rng = random.Random(1)
    results = []
    for number, prompt in enumerate(prompts):
        # A conversation that none before had, so that nothing of it lies in a cache.
        first = [*(rng.randrange(3, 250) for _ in range(options.system_tokens)), *prompt]
        second = [*first, *(rng.randrange(3, 250) for _ in range(SECOND))]
        results.append(one_round(sides, prompt, first, second, options))
        times = ", ".join(f"{name} {side['seconds']:.2f} s" for name, side in results[-1].items())
        print(f"{number}: {times}", file=sys.stderr)
    return results


def one_round(
    sides: dict[str, Program], prompt: Ids, first: Ids, second: Ids, options: argparse.Namespace
) -> dict[str, Any]:
    """Every side's seconds for one prompt, and first tokens of a first and a second message where it streams."""
    sampling = GenerationConfig() if options.sampled else GenerationConfig(temperature=0, repetition_penalty=1)

    def ask(side: str, prompt: Ids, tokens: int) -> dict[str, float]:
        settings = sampling.model_copy(update={"max_new_tokens": tokens}).model_dump()
        return sides[side].send(json.dumps({"prompt": prompt, "settings": settings}))

    taken: dict[str, Any] = {side: {"seconds": ask(side, prompt, options.tokens)["whole"]} for side in sides}
    for side in OURS:
        taken[side]["first"] = ask(side, first, 8)["first"]
        taken[side]["second"] = ask(side, second, 8)["first"]
    return taken


def summary(options: argparse.Namespace, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The numbers of the report."""

    def middle(values: Iterator[float] | list[float]) -> float:
        return round(median(values), 3)

    ratios = {
        f"{name}/{peer}": sorted(taken[peer]["seconds"] / taken[name]["seconds"] for taken in rounds)
        for name in OURS
        for peer in ("tutorial", "tutorial_bf16")
    }
    return {
        "model": str(options.run) if options.run else "ERNIE-4.5-0.3B shape",
        "date": date.today().isoformat(),
        "sampling": "sampled" if options.sampled else "greedy",
        "pairs": len(rounds),
        "threads": options.threads,
        "tokens": options.tokens,
        "ratio": {name: middle(values) for name, values in ratios.items()},
        "ratio_range": {name: [round(values[0], 3), round(values[-1], 3)] for name, values in ratios.items()},
        "tokens_per_second": {
            name: round(options.tokens / median(taken[name]["seconds"] for taken in rounds), 1) for name in rounds[0]
        },
        "first_token_seconds": {name: middle([taken[name]["first"] for taken in rounds]) for name in OURS},
        "second_first_token_share": {
            name: middle([taken[name]["second"] / taken[name]["first"] for taken in rounds]) for name in OURS
        },
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "xllamacpp")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a finished run, in place of the ERNIE shape")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=64, help="length of every reply")
    parser.add_argument("--system-tokens", type=int, default=200, help="prompt of the two-message conversations")
    parser.add_argument("--sampled", action="store_true", help="offbook's default sampling; else greedy")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = compare(options)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:26} {value}")


if __name__ == "__main__":
    main()
