"""Many characters on one base, fifty clients at once: errors, answers of another character, memory, waiting.

    python benchmarks/cast.py --base DIR [--characters 20] [--clients 50] [--quant q8_0] [--out DIR]

Makes so many adapters of rank 8 on all linear layers (random, each with a system prompt of its own), starts the real
`offbook serve` on the folder that holds them, and asks it with OpenAI's own client: every client its own character its
own question again and again, streamed, greedily. Each question was answered alone before. A reply under load is *own*
if it is the same as the one given alone, *another's* if it is what another character says to that question when it is
alone, else *drifted*. With --quant each character is exported as a LoRA for llama.cpp on one base GGUF, parity gate
included, and llama.cpp serves them; a random adapter whose copy misses the gate is drawn anew. --out keeps the
characters, and a later run uses those that are there. Exit code 1 if a request failed or a reply was not the
character's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import openai
import psutil
import torch
from load import serving
from peft import LoraConfig, get_peft_model

import offbook
from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import GateMissed
from offbook.core.persona import BaseModelRef, Persona
from offbook.models.load import load_model, load_tokenizer
from offbook.tokenization.chat_template import ChatTemplate

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
QUESTION = "My name is client {number}. Who are you, and what do you want from me?"


def make_cast(base: Path, folder: Path, characters: int, quant: str | None = None) -> int:
    """Write the characters' adapter folders, and their copies for llama.cpp in a number format, if one is given.

    Returns:
        The bytes of one adapter's weights in float32.
    """
    tokenizer = load_tokenizer(base)
    template = ChatTemplate(tokenizer, {})
    model = get_peft_model(load_model(base, "float32"), LoraConfig(r=8, lora_alpha=16, target_modules=MODULES))
    size = sum(weight.nbytes for name, weight in model.named_parameters() if "lora_" in name)
    seeds = count()
    for number in range(characters):
        persona = Persona(
            name=f"Character {number}",
            system=f"You are character {number} of a play.",
            stop_token=template.stop_token,
            generation=GenerationConfig(),
            base=BaseModelRef(source=str(base), revision=""),
        )
        character_dir = folder / f"character{number:02}"
        while not character_dir.exists():
            torch.manual_seed(next(seeds))
            with torch.no_grad():
                for name, weight in model.named_parameters():
                    if "lora_B" in name:
                        weight.normal_(0, 0.01)
            model.save_pretrained(str(character_dir))
            tokenizer.save_pretrained(str(character_dir))
            persona.save(character_dir)
            if quant is not None and not _passes(character_dir, quant):
                shutil.rmtree(character_dir)
    return size


def _passes(character_dir: Path, quant: str) -> bool:
    """Export a character as a LoRA for llama.cpp; whether the copy passed the parity gate."""
    try:
        parity = offbook.export(character_dir, "lora", quant=quant).parity
    except GateMissed as missed:
        print(f"{character_dir.name}: {missed}", file=sys.stderr)
        return False
    print(f"{character_dir.name}: KL {parity.kl:.4f}, same likeliest token {parity.top1:.0%}", file=sys.stderr)
    return True


async def ask(client: openai.AsyncOpenAI, model: str, number: int, tokens: int) -> tuple[str, float]:
    """The reply's text, and the seconds until its first piece."""
    began, first, text = time.monotonic(), 0.0, ""
    stream = await client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": QUESTION.format(number=number)}],
        temperature=0,
        max_tokens=tokens,
        stream=True,
    )
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            first = first or time.monotonic() - began
            text += chunk.choices[0].delta.content
    return text, first


async def press(process: psutil.Process, address: str, options: argparse.Namespace) -> dict[str, Any]:
    """Ask each question alone, then all at once until the time is over."""
    kinds: Counter[str] = Counter()
    waits: list[float] = []
    memory = {"loaded": process.memory_info().rss}
    names = [f"character{number % options.characters:02}" for number in range(options.clients)]
    async with openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0, timeout=300) as client:
        latencies = [await ask(client, name, number, options.tokens) for number, name in enumerate(names)]
        alone = [text for text, _ in latencies]
        deadline = time.monotonic() + options.seconds

        async def insist(number: int) -> None:
            while time.monotonic() < deadline:
                try:
                    text, first = await ask(client, names[number], number, options.tokens)
                except openai.OpenAIError as error:
                    print(repr(error), file=sys.stderr)
                    kinds["error"] += 1
                    continue
                waits.append(first)
                others = [alone[other] for other in range(options.clients) if names[other] != names[number]]
                kinds["own" if text == alone[number] else "another's" if text in others else "drifted"] += 1

        await asyncio.gather(*map(insist, range(options.clients)))
    memory["after"] = process.memory_info().rss
    return {
        "characters": options.characters,
        "replies": dict(kinds),
        "different_alone": len(set(alone)),
        "first_token_alone": median(first for _, first in latencies),
        "first_token": median(waits) if waits else None,
        "memory_mib": {name: size // 2**20 for name, size in memory.items()},
    }


def main() -> None:
    """Make, serve, ask, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="the base model's folder")
    parser.add_argument("--characters", type=int, default=20)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--tokens", type=int, default=16, help="the longest reply")
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False) or 1)
    parser.add_argument("--quant", help="serve by llama.cpp, on a base GGUF of this number format")
    parser.add_argument("--out", type=Path, help="folder for the characters; those that are there are used")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.out or Path(temporary)
        size = make_cast(options.base, folder, options.characters, options.quant)
        engine = "llama.cpp" if options.quant else "transformers"
        server = argparse.Namespace(run=str(folder), engine=engine, threads=options.threads)
        with serving(server) as (process, address, _):
            result = asyncio.run(press(psutil.Process(process.pid), address, options))
    result["adapter_mib"] = round(size / 2**20, 1)
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))
    raise SystemExit(set(result["replies"]) - {"own"} != set())


if __name__ == "__main__":
    main()
