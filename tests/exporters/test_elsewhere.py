"""Exported copies in programs that have never heard of offbook: plain transformers in a fresh environment, and
llama.cpp by its own binding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import offbook
from offbook import export
from offbook.core.types import Turn

pytestmark = pytest.mark.torture

QUESTIONS = ["Who are you?", "My lord, the king would speak with you.", "What shall we do tonight?"]
DEMO = Path(__file__).parents[2] / "runs" / "hamlet"

TRANSFORMERS = """
import importlib.util, json, sys
from transformers import AutoModelForCausalLM, AutoTokenizer

assert importlib.util.find_spec("offbook") is None and importlib.util.find_spec("peft") is None
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
for question in sys.argv[2:]:
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    said = model.generate(**prompt, do_sample=False)[0][prompt["input_ids"].shape[1] :].tolist()
    print(json.dumps({"text": tokenizer.decode(said, skip_special_tokens=True), "last": said[-1]}))
"""

LLAMACPP = """
import json, sys, xllamacpp

params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.verbosity = sys.argv[1], 2048, -1
params.cpuparams.n_threads = 1
server = xllamacpp.Server(params)
for question in sys.argv[2:]:
    asked = {"messages": [{"role": "user", "content": question}], "temperature": 0, "max_tokens": 512,
             "repeat_penalty": 1.1, "repeat_last_n": 2048, "samplers": ["penalties", "temperature"],
             "seed": 0}
    choice = server.handle_chat_completions(asked)["choices"][0]
    print(json.dumps({"text": choice["message"]["content"], "reason": choice["finish_reason"]}))
"""


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A Python with torch and transformers, and nothing else that was asked for."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    wanted = [f"{name}=={version(name).partition('+')[0]}" for name in ("torch", "transformers")]
    subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True, timeout=1500)
    return python


@pytest.fixture(scope="module")
def demo() -> Any:
    """The run of `make demo`."""
    if not (DEMO / "adapter").is_dir():
        pytest.skip("make demo first")
    return DEMO


@pytest.fixture(params=["trained", "demo"])
def run(request: Any) -> Any:
    return request.getfixturevalue(request.param)


def greedy(run: Any) -> Any:
    """The character's own replies to the questions."""
    character = offbook.load(run, dtype="float32")
    settings = character.persona.generation.model_copy(update={"temperature": 0.0})
    return [character.reply([Turn("user", question)], settings=settings) for question in QUESTIONS]


def continuations(python: Any, program: Any, path: Any) -> Any:
    """What a program that knows nothing of offbook makes of a copy: a JSON object for each question."""
    words = [python, "-I", "-W", "ignore", "-c", program, str(path), *QUESTIONS]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}  # threads that spin for each other crawl beside other work
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, env=alone, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_a_merged_copy_says_the_same_in_plain_transformers(run: Any, stranger: Any, tmp_path: Path) -> None:
    copy = export(run, "merged", out=tmp_path / "copy")
    stop_token = offbook.load(run).persona.stop_token.id
    for reply, texts in zip(greedy(run), continuations(stranger, TRANSFORMERS, copy.path), strict=True):
        print(f"\n{texts['text']}")
        assert texts["text"].strip() == reply.text
        assert (texts["last"] == stop_token) == (reply.stop_reason == "stop")


@pytest.mark.parametrize("quant", ["f16", "q8_0", "q4_k_m"])
def test_a_gguf_stops_by_itself_in_llamacpp(demo: Any, tmp_path: Path, quant: str) -> None:
    copy = export(demo, "gguf", quant=quant, out=tmp_path / "copy")
    file = next(path for path in copy.path.glob("*.gguf") if not path.name.endswith("-lora.gguf"))
    for reply, texts in zip(greedy(demo), continuations(sys.executable, LLAMACPP, file), strict=True):
        print(f"\n{quant}: {texts}")
        assert texts["reason"] == "stop"
        assert "<|im_end|>" not in texts["text"]
        if quant == "f16":
            assert texts["text"].strip() == reply.text
