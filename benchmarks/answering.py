"""One side of `serving.py`, a process of its own: `answering.py SIDE JOB.json`.

Each line of standard input is a prompt and its settings as JSON; the answer says after how many seconds the first token
and the whole reply were there. offbook's sides prepare their process as its command line does, the tutorial's is left
as it comes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from offbook.core.process_env import prepare

SIDE, JOB = sys.argv[1:]
if not SIDE.startswith("tutorial"):
    prepare()  # before torch

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from offbook.core.config.schema import GenerationConfig
from offbook.generation.llamacpp import LlamaCppEngine, LlamaServer
from offbook.generation.sampling_settings import SamplingSettings
from offbook.generation.stream import TransformersEngine, stream
from offbook.models import adapter as adapters
from offbook.models.merging import merge

Ids = list[int]
Seconds = tuple[float, float]
"""After how many seconds the first token was there, and all of them."""
Side = Callable[[Ids, GenerationConfig], Seconds]


def tutorial(job: dict[str, str], dtype: torch.dtype) -> Side:
    """The tutorial's section 11: the adapter on top, `generate`, the reply when it is whole."""
    base = AutoModelForCausalLM.from_pretrained(job["base"], dtype=dtype, trust_remote_code=False)
    model = PeftModel.from_pretrained(base, model_id=job["adapter"]).eval()
    tokenizer = AutoTokenizer.from_pretrained(job["adapter"], trust_remote_code=False)

    def answer(prompt: Ids, settings: GenerationConfig) -> Seconds:
        began = time.perf_counter()
        sampling = {"temperature": settings.temperature, "top_p": settings.top_p} if settings.temperature else {}
        ids = torch.tensor([prompt])
        output = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=bool(sampling),
            **sampling,
            repetition_penalty=settings.repetition_penalty,
            min_new_tokens=settings.max_new_tokens,
            max_new_tokens=settings.max_new_tokens,
            pad_token_id=0,
        )
        assert output.shape[1] == len(prompt) + settings.max_new_tokens
        tokenizer.decode(output[0][len(prompt) :], skip_special_tokens=True)
        seconds = time.perf_counter() - began
        return seconds, seconds

    return answer


def transformers_engine(job: dict[str, str]) -> Side:
    """What `offbook chat` and `offbook serve --engine transformers` speak with."""
    base = AutoModelForCausalLM.from_pretrained(job["base"], dtype=torch.float32, trust_remote_code=False)
    engine = _Timed(merge(adapters.load(base, Path(job["adapter"]))).eval())
    tokenizer = AutoTokenizer.from_pretrained(job["adapter"], trust_remote_code=False)

    def answer(prompt: Ids, settings: GenerationConfig) -> Seconds:
        began, engine.first = time.perf_counter(), 0.0
        for _ in stream(engine, tokenizer, prompt, settings, [], seed=0):
            pass
        return engine.first - began, time.perf_counter() - began

    return answer


class _Timed(TransformersEngine):
    """Notes when its first token was there."""

    first = 0.0

    def tokens(self, prompt: Any, settings: GenerationConfig, seed: int | None) -> Iterator[int | None]:
        for token in super().tokens(prompt, settings, seed):
            if token is not None:
                self.first = self.first or time.perf_counter()
            yield token


def llamacpp_engine(job: dict[str, str]) -> Side:
    """What `offbook serve` speaks with where the run has a GGUF."""
    engine = _Endless(LlamaServer(Path(job["gguf"]), slots=4))

    def answer(prompt: Ids, settings: GenerationConfig) -> Seconds:
        began, first = time.perf_counter(), 0.0
        tokens = 0
        for chunk in engine.generate(prompt, settings, seed=0):
            tokens = chunk.tokens
            first = first or (time.perf_counter() if tokens else 0.0)
        assert tokens == settings.max_new_tokens
        return first - began, time.perf_counter() - began

    return answer


class _Endless(LlamaCppEngine):
    """Goes on after the ending token, so that all sides say as much."""

    def _sampling(self, prompt: Sequence[int], sampling: SamplingSettings) -> dict[str, Any]:
        return {**super()._sampling(prompt, sampling), "ignore_eos": True}


SIDES: dict[str, Callable[[dict[str, str]], Side]] = {
    "tutorial": lambda job: tutorial(job, torch.float32),
    "tutorial_bf16": lambda job: tutorial(job, torch.bfloat16),
    "transformers": transformers_engine,
    "llamacpp_q8_0": llamacpp_engine,
}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")  # libraries print what they like; this stream is listened to
    os.dup2(2, 1)
    job = json.loads(Path(JOB).read_text(encoding="utf-8"))
    torch.set_num_threads(job["threads"])
    side = SIDES[SIDE](job)
    for line in sys.stdin:
        request = json.loads(line)
        first, total = side(request["prompt"], GenerationConfig(**request["settings"]))
        print(json.dumps({"first": first, "whole": total}), file=answers, flush=True)


if __name__ == "__main__":
    main()
