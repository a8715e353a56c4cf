"""A tiny character of any architecture, with an adapter that plain peft made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from offbook.core.config.schema import GenerationConfig
from offbook.core.persona import BaseModelRef, Persona
from offbook.models import adapter as adapters
from offbook.tokenization.chat_template import ChatTemplate
from tests.tiny import chatml_tokenizer, ernie_tokenizer, tiny_model

SYSTEM = 'You are "Hamlet",\nPrince of Denmark. 家父是大理寺少卿甄远道。'
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[Any]:
    """llama.cpp's threads wait for each other by spinning: on a busy machine one is faster than two."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def save_base(
    folder: Path, architecture: str = "llama", tokenizer: Any = None, calm: float = 1, **changes: Any
) -> Path:
    """A model folder as a hub serves it. `calm` below 1 makes it less sensitive to rounding, as trained models are."""
    tokenizer = tokenizer or (ernie_tokenizer() if architecture == "ernie" else chatml_tokenizer())
    model = tiny_model(architecture, **changes)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("proj.weight"):
                weight.mul_(calm)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "LICENSE").write_text("\n  Tiny License, version 1\n", encoding="utf-8")
    return folder


PROBES = ("Who are you?", "What say you, 你是谁？", "12345 and 67", "  two  spaces\n\nand lines")


def save_adapter(
    folder: Path,
    base: Path,
    *,
    system: str | None = SYSTEM,
    sample_prompts: Sequence[str] = PROBES,
    strength: float = 0.05,
    **lora: Any,
) -> Path:
    """An adapter on that base whose two matrices are both random, and its persona."""
    from offbook.models.load import load_model, load_tokenizer

    torch.manual_seed(1)
    config = LoraConfig(task_type="CAUSAL_LM", **{"r": 4, "lora_alpha": 16, "target_modules": TARGETS, **lora})
    model = get_peft_model(load_model(base, "float32"), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, 0, strength)
    tokenizer = load_tokenizer(base)
    template = ChatTemplate(tokenizer)
    folder.mkdir(parents=True)
    adapters.save(model, tokenizer, folder)
    Persona(
        name="Hamlet",
        system=system,
        sample_prompts=list(sample_prompts),
        stop_token=template.stop_token,
        generation=GenerationConfig(max_new_tokens=16),
        base=BaseModelRef(source=str(base), revision=""),
        template_sha256=template.sha256,
        template_kwargs=template.kwargs,
    ).save(folder)
    return folder


@pytest.fixture
def hamlet(tmp_path: Path) -> Any:
    """The adapter folder of a tiny Llama character."""
    return save_adapter(tmp_path / "hamlet", save_base(tmp_path / "base"))
