"""The real vLLM, in an environment of its own: the replies and prompt log-probabilities that transformers gives here.

OFFBOOK_VLLM names its program; on a CPU OFFBOOK_VLLM_ARGS="--enforce-eager --max-model-len 512" starts faster.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import httpx2
import pytest
import torch

from offbook.core.progress import NullReporter
from offbook.core.types import Turn
from offbook.generation.vllm_server import PROGRAM
from offbook.models import adapter as adapters
from offbook.models.load import load_model
from offbook.pipeline.adapter_source import resolve_character
from offbook.server.transformers_host import TransformersHost
from offbook.server.vllm_host import VllmHost
from tests.assets import smollm2_path
from tests.server.test_transformers_host import answer

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from cast import make_cast

pytestmark = pytest.mark.torture

QUESTIONS = ["Who are you?", "What do you want from me?", "Tell me of the sea."]
LOGPROB_BOUND = 2e-3
"""Nats; both compute in float32, in other orders."""


@pytest.mark.timeout(3600)
def test_vllm_says_what_transformers_says(tmp_path: Path) -> None:
    if shutil.which(os.environ.get(PROGRAM, "vllm")) is None:
        pytest.skip("vLLM is not here: OFFBOOK_VLLM names its program")
    base = smollm2_path()
    make_cast(base, tmp_path, 4)
    sources = [resolve_character(tmp_path / f"character{number:02}") for number in range(4)]
    host = VllmHost(sources[:3], None, NullReporter())
    try:
        models = [host.add(source) for source in sources]  # the last one is loaded while it runs
        replies = [answer(model, question) for model in models for question in QUESTIONS]
        prompts = [model.chat_prompt([Turn("user", QUESTIONS[0])], "append", None).ids for model in models]
        scores = [_logprobs(host, model.key, ids) for model, ids in zip(models, prompts, strict=True)]
    finally:
        host.close()
    here = TransformersHost(sources, None, NullReporter())
    expected = [answer(model, question) for model in map(here.add, sources) for question in QUESTIONS]
    here.close()
    print(f"\n{sum(map(str.__eq__, replies, expected))} of {len(expected)} replies equal")
    assert replies == expected
    assert len(set(expected)) > 4
    for source, ids, score in zip(sources, prompts, scores, strict=True):
        difference = (score - _logprobs_here(base, source.adapter, ids)).abs().max().item()
        print(f"{source.name}: prompt log-probabilities differ by {difference:.1e} at most")
        assert difference < LOGPROB_BOUND


def _logprobs(host: VllmHost, model: str, ids: list[int]) -> torch.Tensor:
    """What vLLM gives each token of a prompt but the first."""
    body = {"model": model, "prompt": ids, "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}
    headers = {"Authorization": f"Bearer {host._vllm.key}"}
    response = httpx2.post(f"{host._vllm.address}/v1/completions", json=body, headers=headers, timeout=300)
    entries = response.raise_for_status().json()["choices"][0]["prompt_logprobs"][1:]
    return torch.tensor([entry[str(token)]["logprob"] for entry, token in zip(entries, ids[1:], strict=True)])


@torch.inference_mode()
def _logprobs_here(base: Path, adapter: Path, ids: list[int]) -> torch.Tensor:
    model = adapters.load(load_model(base, "float32"), adapter).eval()
    scores = model(input_ids=torch.tensor([ids])).logits[0, :-1].float().log_softmax(-1)
    return scores.gather(-1, torch.tensor(ids[1:])[:, None])[:, 0]
