"""What a base takes in memory in each storage: random weights in the shape of Qwen2.5, one training step.

    python benchmarks/storage.py --out runs/storage [--shapes 0.5B 1.5B 4B] [--storages full bfloat16 int8 nf4] [--json]

Each measurement is a process of its own: it loads the model from a folder, puts the tutorial's adapter in, and computes
one step of `--tokens` tokens with gradient checkpointing. The peak is that of the whole process, loading included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SHAPES = {  # hidden size, inner size, layers, query heads, key heads
    "0.5B": (896, 4864, 24, 14, 2),
    "1.5B": (1536, 8960, 28, 12, 2),
    "4B": (2560, 9728, 36, 32, 8),
}
STORAGES = ("full", "bfloat16", "int8", "nf4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the models")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=["0.5B", "1.5B"])
    parser.add_argument("--storages", nargs="+", choices=STORAGES, default=STORAGES)
    parser.add_argument("--tokens", type=int, default=512, help="tokens of the step, in examples of 128")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", nargs=2, metavar=("SHAPE", "STORAGE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.out / options.measure[0], options.measure[1], options.tokens)))
        return
    results = {}
    for shape in options.shapes:
        if not (options.out / shape / "model.safetensors").is_file():
            write_model(options.out / shape, shape)
        for storage in options.storages:
            command = [sys.executable, __file__, "--out", options.out, "--tokens", str(options.tokens)]
            done = subprocess.run([*command, "--measure", shape, storage], check=True, stdout=subprocess.PIPE)
            results[f"{shape} {storage}"] = json.loads(done.stdout)
            print(shape, storage, results[f"{shape} {storage}"], file=sys.stderr)
    print(json.dumps(results) if options.json else "")


def write_model(folder: Path, shape: str) -> None:
    """A model of this shape with random weights, in bfloat16."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    hidden, inner, layers, heads, key_heads = SHAPES[shape]
    config = Qwen2Config(
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        tie_word_embeddings=True,
        dtype="bfloat16",
    )
    torch.set_default_dtype(torch.bfloat16)
    Qwen2ForCausalLM(config).save_pretrained(folder)


def measure(folder: Path, storage: Any, tokens: int) -> dict[str, Any]:
    """Seconds and peak bytes of loading and of one step."""
    from offbook.core.process_env import prepare

    prepare()
    import random
    import time

    from offbook.core.types import NO_LABEL, Example, Origin
    from offbook.models import adapter
    from offbook.models.load import load_model
    from offbook.training import fast_path
    from offbook.training.estimate import peak_memory
    from offbook.training.packing import pack_step

    began = time.perf_counter()
    base = load_model(folder, "float32", storage)
    loaded, after_loading = time.perf_counter() - began, peak_memory(base.device)
    modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = adapter.attach(base, rank=8, alpha=32, dropout=0.1, target_modules=modules, seed=0)
    fast_path.enable(model, gradient_checkpointing=True)
    model.train()
    rng = random.Random(0)
    rows = []
    for _ in range(tokens // 128):
        ids = [rng.randrange(base.config.vocab_size) for _ in range(128)]
        rows.append(Example(ids, [NO_LABEL] * 64 + ids[64:], Origin("random", 1)))
    began = time.perf_counter()
    step = pack_step(rows, max_tokens=tokens)
    for batch in step.micro_batches:
        (fast_path.loss_sum(model, batch) / step.label_tokens).backward()
    return {
        "loading_seconds": round(loaded, 1),
        "loading_peak_bytes": after_loading,
        "step_seconds": round(time.perf_counter() - began, 1),
        "peak_bytes": peak_memory(base.device),
    }


if __name__ == "__main__":
    main()
