"""How fast a character answers, beside the tutorial's `model.generate` with the adapter on top.

    python benchmarks/serving.py [--run runs/hamlet] [--sampled] [--pairs 8] [--json]

All sides stay loaded and answer in turn, the same prompt, the same number of tokens: A B C A B C …; ratios are taken
round by round and their median is reported, so a machine that is slow for a while is slow for all. Sides: the
tutorial's last script (PeftModel, generate) in float32 and in its own bfloat16; the transformers engine of `offbook
chat` and `offbook serve` in float32; llama.cpp on a q8_0 file. Without --run the weights are random, in the shape of
ERNIE-4.5-0.3B with the tutorial's adapter, and so are the prompts.

A second message follows each answer in the same conversation: its first token is timed beside the first one's.
"""

# ruff: noqa: E402
from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from offbook.core.process import prepare

prepare()  # before torch: how threads wait and memory is kept, for all sides alike

import torch
from peft import PeftModel
from speakers import Ids, Job, from_run, in_ernie_shape
from transformers import AutoModelForCausalLM

from offbook.core.config import GenerationConfig
from offbook.export.gguf_model import write_model
from offbook.export.original import Original
from offbook.infer.llamacpp import LlamaCppEngine, LlamaServer
from offbook.infer.stream import TransformersEngine, stream
from offbook.model import adapter as adapters

SECOND = 32
"""Tokens that follow the first prompt in the second: the next message, and a short reply before it that is taken as not
cached (it is, in a real conversation)."""

OURS = ("transformers", "llamacpp_q8_0")


@dataclass(frozen=True)
class Answer:
    """One reply: after how many seconds its first token was there, and all of them."""

    first: float
    whole: float


Side = Callable[[Ids, GenerationConfig], Answer]


def tutorial(job: Job, dtype: torch.dtype) -> Side:
    """The tutorial's section 11: the adapter on top, `generate`, the reply when it is whole."""
    base = AutoModelForCausalLM.from_pretrained(job.base, dtype=dtype, trust_remote_code=False)
    model = PeftModel.from_pretrained(base, model_id=str(job.adapter)).eval()

    def answer(prompt: Ids, settings: GenerationConfig) -> Answer:
        began = time.perf_counter()
        sampling = {"temperature": settings.temperature, "top_p": settings.top_p} if settings.temperature else {}
        ids = torch.tensor([prompt])
        said = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=bool(sampling),
            **sampling,
            repetition_penalty=settings.repetition_penalty,
            min_new_tokens=settings.max_new_tokens,
            max_new_tokens=settings.max_new_tokens,
            pad_token_id=0,
        )
        assert said.shape[1] == len(prompt) + settings.max_new_tokens
        job.tokenizer.decode(said[0][len(prompt) :], skip_special_tokens=True)
        seconds = time.perf_counter() - began
        return Answer(seconds, seconds)

    return answer


def transformers_engine(job: Job) -> Side:
    """What `offbook chat` and `offbook serve --engine transformers` speak with."""
    base = AutoModelForCausalLM.from_pretrained(job.base, dtype=torch.float32, trust_remote_code=False)
    engine = TransformersEngine(adapters.merge(adapters.load(base, job.adapter)).eval())

    def answer(prompt: Ids, settings: GenerationConfig) -> Answer:
        began = time.perf_counter()
        timed = _Timed(engine)
        for _ in stream(timed, job.tokenizer, prompt, settings, [], seed=0):
            pass
        return Answer(timed.first - began, time.perf_counter() - began)

    return answer


class _Timed:
    """An engine that notes when its first token was there."""

    def __init__(self, engine: TransformersEngine) -> None:
        self.engine = engine
        self.first = 0.0

    def tokens(self, prompt: Any, settings: GenerationConfig, seed: int | None) -> Iterator[int]:
        for token in self.engine.tokens(prompt, settings, seed):
            self.first = self.first or time.perf_counter()
            yield token


class _Endless(LlamaCppEngine):
    """Goes on after the ending token, so that all sides say as much."""

    def _sampling(self, settings: GenerationConfig) -> dict[str, Any]:
        return {**super()._sampling(settings), "ignore_eos": True}


def quantised(job: Job, folder: Path) -> LlamaServer:
    """llama.cpp on the character's q8_0 file, as `offbook serve` opens it."""
    base = AutoModelForCausalLM.from_pretrained(job.base, dtype=torch.float32, trust_remote_code=False)
    wrapped = adapters.load(base, job.adapter)
    original = Original(wrapped, job.tokenizer, job.persona, job.base, [job.persona.ending.id], "timed")
    write_model(folder / "timed.gguf", original, adapters.merge(wrapped), "q8_0")
    return LlamaServer(folder / "timed.gguf", slots=4)


def llamacpp_engine(server: LlamaServer) -> Side:
    """What `offbook serve` speaks with where the run has a GGUF."""
    engine = _Endless(server)

    def answer(prompt: Ids, settings: GenerationConfig) -> Answer:
        began, first = time.perf_counter(), 0.0
        tokens = 0
        for piece in engine.pieces(prompt, settings, seed=0):
            first, tokens = first or time.perf_counter(), piece.tokens
        assert tokens == settings.max_new_tokens
        return Answer(first - began, time.perf_counter() - began)

    return answer


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Let all sides answer in turn; the first round warms up and is not counted."""
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rounds = options.pairs + 1
        job = from_run(options.run, rounds) if options.run else in_ernie_shape(folder, rounds)
        with closing(quantised(job, folder)) as server:
            sides = {
                "tutorial": tutorial(job, torch.float32),
                "tutorial_bf16": tutorial(job, torch.bfloat16),
                "transformers": transformers_engine(job),
                "llamacpp_q8_0": llamacpp_engine(server),
            }
            return summary(options, all_rounds(sides, job.prompts, options)[1:])


def all_rounds(sides: dict[str, Side], prompts: list[Ids], options: argparse.Namespace) -> list[dict[str, Any]]:
    """One round for each prompt."""
    rng = random.Random(1)
    found = []
    for number, prompt in enumerate(prompts):
        # A conversation that none before had, so that nothing of it lies in a cache.
        first = [*(rng.randrange(3, 250) for _ in range(options.system_tokens)), *prompt]
        second = [*first, *(rng.randrange(3, 250) for _ in range(SECOND))]
        found.append(one_round(sides, prompt, first, second, options))
        times = ", ".join(f"{name} {side['seconds']:.2f} s" for name, side in found[-1].items())
        print(f"{number}: {times}", file=sys.stderr)
    return found


def one_round(
    sides: dict[str, Side], prompt: Ids, first: Ids, second: Ids, options: argparse.Namespace
) -> dict[str, Any]:
    """Every side's seconds for one prompt, and first tokens of a first and a second message where it streams."""
    sampling = GenerationConfig() if options.sampled else GenerationConfig(temperature=0, repetition_penalty=1)
    settings = sampling.model_copy(update={"max_new_tokens": options.tokens})
    taken: dict[str, Any] = {name: {"seconds": side(prompt, settings).whole} for name, side in sides.items()}
    short = settings.model_copy(update={"max_new_tokens": 8})
    for name in OURS:
        taken[name]["first"] = sides[name](first, short).first
        taken[name]["second"] = sides[name](second, short).first
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
    found = compare(options)
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:26} {value}")


if __name__ == "__main__":
    main()
