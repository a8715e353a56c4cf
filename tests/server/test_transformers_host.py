"""One base in memory, several characters on it: each says what it says alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import offbook
from offbook.core.progress import NullReporter
from offbook.core.types import Turn
from offbook.pipeline.adapter_source import resolve_character
from offbook.server import transformers_host
from offbook.server.transformers_host import TransformersHost
from tests.generation.conftest import adapter_folder

QUESTIONS = ["Who are you?", "Will you come, Mother?", "What do you read?"]


def runs(trained: Path, root: Path, **options: Any) -> list[Path]:
    """Three runs on one base whose adapters and prompts differ; the last one has an adapter with these options."""
    made = []
    for seed, name in enumerate(("ann", "ben", "cleo")):
        run = shutil.copytree(trained, root / name, ignore=shutil.ignore_patterns("export", "checkpoints"))
        persona = json.loads((run / "adapter" / "persona.json").read_text())
        persona.update(name=name.title(), system=f"You are {name.title()}.")
        (run / "adapter" / "persona.json").write_text(json.dumps(persona))
        if name != "ann":
            adapter_folder(run / "adapter", seed, **(options if name == "cleo" else {}))
        made.append(run)
    return made


def answer(model: Any, question: str, *, base: bool = False) -> str:
    settings = model.persona.generation.model_copy(update={"temperature": 0.0})
    prompt = model.chat_prompt([Turn("user", question)], "append", None).ids
    generate = model.base if base else model.tuned
    return "".join(chunk.text for chunk in generate(prompt, settings, None)).strip()


@contextmanager
def hosted(folders: list[Path]) -> Iterator[tuple[TransformersHost, list[Any]]]:
    sources = [resolve_character(folder) for folder in folders]
    host = TransformersHost(sources, None, NullReporter())
    try:
        yield host, [host.add(source) for source in sources]
    finally:
        host.close()


def alone(folder: Path, question: str, *, base: bool = False) -> str:
    character = offbook.load(folder)
    settings = character.persona.generation.model_copy(update={"temperature": 0.0})
    return character.reply(question, base=base, settings=settings).text


@pytest.mark.parametrize("options", [{}, {"use_dora": True}])
def test_each_says_what_it_says_alone(trained: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    folders = runs(trained, tmp_path, **options)
    expected = [alone(folder, question) for folder in folders for question in QUESTIONS]
    with hosted(folders) as (host, models):
        assert host.slots == (1 if options else transformers_host.ROWS)
        jobs = [(model, question) for model in models for question in QUESTIONS]
        with ThreadPoolExecutor(host.slots) as clients:
            assert list(clients.map(lambda job: answer(*job), jobs)) == expected
            assert list(clients.map(lambda job: answer(*job), jobs[::-1])) == expected[::-1]
        assert answer(models[1], QUESTIONS[0], base=True) == alone(folders[1], QUESTIONS[0], base=True)
    assert len(set(expected)) > 6


@pytest.mark.parametrize("options", [{}, {"use_dora": True}])
def test_one_leaves_and_another_comes(trained: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    folders = runs(trained, tmp_path, **options)
    with hosted(folders) as (host, models):
        answer(models[0], QUESTIONS[0])
        host.remove(models[0])
        assert answer(models[2], QUESTIONS[0]) == alone(folders[2], QUESTIONS[0])
        back = host.add(resolve_character(folders[0]))
        assert answer(back, QUESTIONS[0]) == alone(folders[0], QUESTIONS[0])


def test_a_character_that_is_more_than_plain_lora_needs_another_host(trained: Path, tmp_path: Path) -> None:
    folders = runs(trained, tmp_path, use_dora=True)
    with hosted(folders[:2]) as (host, _):
        assert host.accepts(resolve_character(folders[1]))
        assert not host.accepts(resolve_character(folders[2]))
