"""Fifty clients at once, for a minute: errors, mixed answers, memory.

    python benchmarks/load.py runs/hamlet [--engine llama.cpp] [--clients 50] [--seconds 60] [--json]

Starts the real `offbook serve` on a free port of this computer and asks it with OpenAI's own client, every client its
own question again and again, streamed, greedily. Each question was answered alone before, and is about a made-up name
of its own, which nothing but that client's text could bring up. A reply under load is *own* if it is the same as the
one given alone; *mixed* if it has another client's name in it; else *drifted*: llama.cpp computes several replies in
one batch, where sums are rounded otherwise. *telling* is of how many clients the reply given alone says the name, and
would so give a mix away. Exit code 1 if a request failed, replies were mixed, or memory grew by more than a twentieth
between the first and the last third of the time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

import openai
import psutil

SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprtvz" for vowel in "aeiou"]


@dataclass
class Load:
    """What was seen."""

    kinds: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    tokens: int = 0
    first: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)


@contextmanager
def serving(options: argparse.Namespace) -> Any:
    """The server process and its address."""
    words = [sys.executable, "-m", "offbook.cli.main", "serve", options.run, "--port", "0", "--engine", options.engine]
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                print(line, end="", file=sys.stderr)
                if match := re.search(r"base_url=(\S+), model=(.+?)\. ", line):
                    threading.Thread(target=process.stderr.read, daemon=True).start()
                    yield process, match[1], match[2]
                    break
        finally:
            process.terminate()


def made_up_words(number: int) -> list[str]:
    """As many different words of four syllables."""
    generator = random.Random(0)
    return ["".join(generator.sample(SYLLABLES, 4)) for _ in range(number)]


async def ask(client: openai.AsyncOpenAI, model: str, word: str, options: argparse.Namespace) -> Any:
    """The reply's text, its tokens, and the seconds until its first piece."""
    began, first, text, tokens = time.monotonic(), 0.0, "", 0
    stream = await client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": f"My name is {word.title()}. What is my name?"}],
        temperature=0,
        max_tokens=options.tokens,
        stream=True,
        stream_options={"include_usage": True},
    )
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            first = first or time.monotonic() - began
            text += chunk.choices[0].delta.content
        if chunk.usage:
            tokens = chunk.usage.completion_tokens
    return text, tokens, first


def kind_of(text: str, word: str, alone: dict[str, str]) -> str:
    """Whose a reply is."""
    if text == alone[word]:
        return "own"
    return "mixed" if any(other in text.lower() for other in alone if other != word) else "drifted"


async def press(process: psutil.Process, address: str, model: str, options: argparse.Namespace) -> Load:
    """Ask each question alone, then all at once until the time is over."""
    load, words = Load(), made_up_words(options.clients)
    async with openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0, timeout=300) as client:
        alone = {word: (await ask(client, model, word, options))[0] for word in words}
        deadline = time.monotonic() + options.seconds

        async def insist(word: str) -> None:
            while time.monotonic() < deadline:
                try:
                    text, tokens, first = await ask(client, model, word, options)
                except openai.OpenAIError as error:
                    load.errors.append(repr(error))
                    continue
                load.kinds[kind_of(text, word, alone)] += 1
                load.tokens += tokens
                load.first.append(first)

        async def watch() -> None:
            while time.monotonic() < deadline:
                load.memory.append(process.memory_info().rss)
                await asyncio.sleep(0.5)

        await asyncio.gather(watch(), *(insist(word) for word in words))
    load.kinds["telling"] = sum(word in reply.lower() for word, reply in alone.items())
    return load


def summary(load: Load, seconds: float, options: argparse.Namespace) -> dict[str, Any]:
    """The numbers of the report."""
    third = max(len(load.memory) // 3, 1)
    early, late = max(load.memory[:third]), max(load.memory[-third:])
    replies = sum(load.kinds[kind] for kind in ("own", "drifted", "mixed"))
    return {
        "run": options.run,
        "engine": options.engine,
        "clients": options.clients,
        "seconds": round(seconds, 1),
        "replies": replies,
        "errors": len(load.errors),
        "first_error": load.errors[0] if load.errors else None,
        "own": load.kinds["own"],
        "drifted": load.kinds["drifted"],
        "mixed": load.kinds["mixed"],
        "telling": load.kinds["telling"],
        "tokens_per_second": round(load.tokens / seconds, 1),
        "first_token_median": round(median(load.first), 2),
        "first_token_95": round(quantiles(load.first, n=20)[-1], 2),
        "memory_mib": [early >> 20, late >> 20],
        "passed": not load.errors and not load.kinds["mixed"] and replies > 0 and late <= early * 1.05,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a finished run")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--tokens", type=int, default=24, help="the longest reply")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with serving(options) as (process, address, model):
        began = time.monotonic()
        load = asyncio.run(press(psutil.Process(process.pid), address, model, options))
        result = summary(load, time.monotonic() - began, options)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:20} {value}")
    sys.exit(not result["passed"])


if __name__ == "__main__":
    main()
