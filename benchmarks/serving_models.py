"""The models that `serving.py` times: a finished run's character, or random weights in the shape of ERNIE-4.5-0.3B."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Ernie4_5Config, Ernie4_5ForCausalLM, PreTrainedTokenizerFast

from offbook import load
from offbook.core.config.schema import GenerationConfig
from offbook.core.persona import BaseModelRef, Persona, StopToken
from offbook.data import loading
from offbook.models import adapter as adapters
from offbook.pipeline.adapter_source import resolve_character

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

Ids = list[int]


@dataclass(frozen=True)
class ServingModel:
    """What all sides have in common."""

    base: Path
    adapter: Path
    tokenizer: Any
    persona: Persona
    prompts: list[Ids]


def from_run(run: Path, rounds: int) -> ServingModel:
    """A finished run and its held-out prompts."""
    source = resolve_character(run)
    character = load(run)
    rows = loading.load([run / "data" / "heldout.jsonl"], "messages", "stop").conversations
    prompts = [character.template.prompt_ids(list(row.turns[:-1])) for row in rows if len(row.prompt) < 600]
    random.Random(0).shuffle(prompts)
    prompts = [prompts[i % len(prompts)] for i in range(rounds)]
    return ServingModel(
        source.base_model.path, source.adapter, character.template.tokenizer, character.persona, prompts
    )


def in_ernie_shape(folder: Path, rounds: int) -> ServingModel:
    """Random weights, a random adapter, and prompts of 40 random tokens."""
    torch.manual_seed(0)
    model = Ernie4_5ForCausalLM(Ernie4_5Config())
    tokenizer = _bytes_tokenizer()
    model.save_pretrained(folder / "base")
    wrapped = adapters.attach(model, rank=8, alpha=32, dropout=0.1, target_modules=MODULES, seed=0)
    with torch.no_grad():
        for name, weight in wrapped.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.01)
    adapters.save(wrapped, tokenizer, folder / "adapter")
    persona = Persona(
        name="Shape",
        stop_token=StopToken(token="<end>", id=2),
        generation=GenerationConfig(),
        base=BaseModelRef(source=str(folder / "base"), revision=""),
    )
    rng = random.Random(0)
    prompts = [[1, *(rng.randrange(3, 250) for _ in range(39))] for _ in range(rounds)]
    return ServingModel(folder / "base", folder / "adapter", tokenizer, persona, prompts)


def _bytes_tokenizer() -> PreTrainedTokenizerFast:
    """Little more than bytes: ERNIE's own tokenizer comes with its weights."""
    return _tokenizer(["to be"], 300, "{% for message in messages %}{{ message['content'] }}{% endfor %}")


def save_tokenizer(folder: Path, texts: list[str]) -> None:
    """A tokenizer trained on the texts, with a chat template that renders as ERNIE's does."""
    template = (
        "{{ bos_token }}{% for message in messages %}"
        "{% if message['role'] == 'assistant' %}{{ message['content'] + eos_token }}"
        "{% elif message['role'] == 'user' %}{{ 'User: ' + message['content'] + '\nAssistant: ' }}"
        "{% else %}{{ message['content'] + '\n' }}{% endif %}{% endfor %}"
    )
    _tokenizer(texts, 8000, template).save_pretrained(folder)


def _tokenizer(texts: list[str], size: int, template: str) -> PreTrainedTokenizerFast:
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    special = ["<unk>", "<begin>", "<end>"]
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<begin>", eos_token="<end>", unk_token="<unk>", pad_token="<unk>"
    )
    tokenizer.chat_template = template
    return tokenizer
