"""The story of a model of each architecture, told on a tiny one: checked, proved, trained, talked to, exported."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch

import offbook
from offbook.core.config.loading import load
from offbook.core.errors import GateMissed, OffbookError
from offbook.core.progress import NullReporter
from offbook.pipeline.setup import prepare_training
from offbook.training.gradient_check import check_gradient
from tests.architectures import tiny_config, tiny_model
from tests.conftest import ROWS
from tests.tiny import chatml_tokenizer

ARCHITECTURES = [
    "afmoe", "apertus", "arcee", "aria_text", "axk1", "axk2", "bailing_hybrid", "bamba", "biogpt", "bitnet",
    "bloom", "codegen", "cohere", "cohere2", "cohere2_moe", "cohere_compass_text", "cwm", "dbrx", "deepseek_v2",
    "deepseek_v3", "deepseek_v32", "deepseek_v4", "diffllama", "doge", "dots1", "dots3_note_text", "ernie4_5",
    "ernie4_5_moe", "exaone4", "exaone4_5", "exaone_moe", "falcon", "falcon_h1", "falcon_mamba", "flex_olmo",
    "flint", "gemma", "gemma2", "gemma3", "gemma3_text", "gemma3n_text", "gemma4", "gemma4_text",
    "gemma4_unified", "gemma4_unified_text", "glm", "glm4", "glm46v", "glm4_moe", "glm4_moe_lite", "glm4v",
    "glm4v_moe", "glm_moe_dsa", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gpt_oss", "gptj", "granite",
    "granite_swa", "granitemoe", "granitemoe_swa", "granitemoehybrid", "granitemoeshared", "helium", "hrm_text",
    "hunyuan_v1_dense", "hunyuan_v1_moe", "hunyuan_vl", "hy_v3", "hy_v4", "hyperclovax", "idefics3",
    "inkling2_text", "inkling_text", "internlm3", "internvl", "iquestcoder", "jais2", "jamba", "jetmoe",
    "kimi_k25", "kimi_linear", "kolibri1", "laguna", "lfm2", "lfm2_moe", "lfm2_vl", "lfm3", "lfm3_vl",
    "lighton_ocr", "llama", "llama4", "llama4_text", "llava", "llava_onevision", "longcat_flash", "mamba",
    "mamba2", "mellum", "mimo_v2_flash", "minicpm3", "minicpmv4_7", "minimax", "minimax_m2",
    "minimax_m3_vl_text", "ministral", "ministral3", "mistral", "mistral3", "mistral4", "mistral_large4",
    "mixtral", "modernbert-decoder", "mpt", "muse_glimmer", "nanochat", "nemotron", "nemotron_h", "olmo",
    "olmo2", "olmo3", "olmo_hybrid", "olmoe", "openai-gpt", "opt", "ovis2", "persimmon", "phi", "phi3",
    "phi4_multimodal", "phimoe", "qianfan_ocr", "qwen2", "qwen2_5_vl", "qwen2_moe", "qwen2_vl", "qwen3",
    "qwen3_5", "qwen3_5_moe", "qwen3_5_moe_text", "qwen3_5_text", "qwen3_moe", "qwen3_next", "qwen3_vl",
    "qwen3_vl_moe", "qwen4_exp", "qwen4_exp_text", "recurrent_gemma", "rwkv", "seed_oss", "smollm3", "smolvlm",
    "solar_open", "stablelm", "starcoder2", "step3p7", "vaultgemma", "xglm", "xlstm", "youtu", "zamba",
    "zamba2", "zaya",
]  # fmt: skip
"""transformers' `model_type`s that are tried."""

FORMS = {
    "one by one": "by itself",
    "own code": "packed",
}
"""What a note of the fast path says → the form in which examples are computed."""


@dataclass(slots=True)
class Row:
    """What came of one architecture. A word of explanation stands where something does not work."""

    architecture: str
    form: str = ""
    """fused: offbook's own layers; packed: several examples in a row; by itself: one example at a time."""
    proved: float | None = None
    """The largest relative difference of a gradient from plain peft's."""
    train: str = ""
    merged: str = ""
    gguf: str = ""
    ollama: str = ""
    left_out: str = ""
    seconds: float = 0.0


def try_architecture(architecture: str, folder: Path) -> Row:
    """Check, prove, train, talk to and export a tiny model.

    Args:
        architecture: a model type of transformers'.
        folder: where model and rows are written; `OFFBOOK_RUNS` says where the run goes.
    """
    row, began = Row(architecture), time.monotonic()
    base = _base(folder / f"{architecture}-base", architecture)
    rows = folder / "rows.json"
    rows.write_text(json.dumps(ROWS[:8]), encoding="utf-8")
    config = load(None, {
        "name": architecture, "model.source": str(base), "model.dtype": "float32", "data.source": str(rows),
        "data.heldout": 0.25, "persona.system": "You are Hamlet.", "train.epochs": 1, "train.batch_size": 3,
        "generation.max_new_tokens": 6, "evaluate.prompts": 0, "track.trackers": [],
    })  # fmt: skip
    try:
        setup = prepare_training(config, NullReporter())
        notes = setup.notes
        row.form = next((form for words, form in FORMS.items() if any(words in note for note in notes)), "fused")
        row.left_out = "; ".join(note.partition(": ")[2] for note in notes if "get no adapter" in note)
        row.proved = check_gradient(setup.model, setup.dataset.examples[:4]).max_relative_difference
        offbook.train(config)
        offbook.load(architecture, dtype="float32").reply("Who are you?", max_new_tokens=4)
        row.train = "yes"
    except OffbookError as error:
        row.train = error.what
    else:
        row.merged = _exported(architecture, "merged", "f32")
        row.gguf = _exported(architecture, "gguf", "f16")
        row.ollama = _exported(architecture, "ollama", "f16") if row.gguf == "yes" else row.gguf
    row.seconds = round(time.monotonic() - began, 1)
    return row


def _base(folder: Path, architecture: str) -> Path:
    """A tiny model folder as a hub serves it."""
    tokenizer = chatml_tokenizer(400)
    model = tiny_model(tiny_config(architecture))
    if model.generation_config is not None:
        model.generation_config.eos_token_id = tokenizer.eos_token_id
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1 and not any(part in name for part in ("embed", "wte", "lm_head")):
                weight.mul_(0.5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _exported(run: str, to: str, quant: str) -> str:
    try:
        offbook.export(run, to, quant=quant)
    except GateMissed as error:
        return f"missed: {error.what}"
    except OffbookError:
        return "no"
    return "yes"
