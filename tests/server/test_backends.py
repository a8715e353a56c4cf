"""The engines behind the server: each speaks as the character does, and as the base model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

import offbook
from offbook import export
from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import OffbookError, UsageError
from offbook.core.progress import NullReporter
from offbook.core.types import Turn
from offbook.generation.llamacpp import LlamaServer
from offbook.pipeline.adapter_source import resolve_character
from offbook.server.backends import open_host
from offbook.server.gguf_files import gguf_files
from tests.server.test_transformers_host import alone, runs

QUESTIONS = ["Who are you?", "Will you come, Mother?"]
GREEDY = GenerationConfig(temperature=0, max_new_tokens=40)


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A finished run with a GGUF in it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    export(trained, "gguf", quant="f16")
    yield trained
    torch.set_num_threads(threads)


@contextmanager
def opened(run: Any, engine: str = "auto", base_model: Any = None, reporter: Any = None) -> Iterator[Any]:
    """The character of a run, ready to speak."""
    source = resolve_character(str(run), base_model=base_model)
    host = open_host([source], engine, None, reporter or NullReporter())
    try:
        yield host.add(source)
    finally:
        host.close()


def _gguf(run: Path) -> Path:
    files = gguf_files([resolve_character(run)])
    assert files is not None
    return files[0].model


def spoken(model: Any, question: str, *, base: Any) -> Any:
    settings = model.persona.generation.model_copy(update={"temperature": 0.0})
    prompt = model.chat_prompt([Turn("user", question)], "append", None).ids
    generate = model.base if base else model.tuned
    return "".join(piece.text for piece in generate(prompt, settings, None)).strip()


def test_transformers_speaks_as_the_character_and_as_its_base(exported: Path) -> None:
    character = offbook.load(exported)
    settings = character.persona.generation.model_copy(update={"temperature": 0.0})
    with opened(exported, "transformers") as model:
        for question in QUESTIONS:
            tuned = character.reply(question, settings=settings).text
            base = character.reply(question, base=True, settings=settings).text
            assert tuned != base
            assert spoken(model, question, base=False) == tuned
            assert spoken(model, question, base=True) == base
            assert spoken(model, question, base=False) == tuned


@pytest.mark.parametrize("engine", ["transformers", "llama.cpp"])
def test_a_base_that_has_moved_is_taken_from_where_it_is_said_to_be(
    exported: Path, tiny: Path, tmp_path: Path, engine: Any
) -> None:
    with opened(exported, "transformers") as model:
        there = spoken(model, QUESTIONS[0], base=True)
    run = shutil.copytree(exported, tmp_path / "tiny")
    persona = json.loads((run / "adapter" / "persona.json").read_text())
    persona["base"]["source"] = str(tmp_path / "gone")
    (run / "adapter" / "persona.json").write_text(json.dumps(persona))
    with opened(run, engine, base_model=str(tiny)) as model:
        assert model.base_folder() == tiny
        if engine == "transformers":
            assert spoken(model, QUESTIONS[0], base=True) == there


def test_llamacpp_takes_the_adapter_out_for_the_base(exported: Path) -> None:
    """Next-token distributions, not replies: one rounding apart, an untrained model says something else."""
    character = offbook.load(exported)
    gguf = _gguf(exported)
    server = LlamaServer(gguf, adapters=[next(gguf.parent.glob("*-lora.gguf"))])
    try:
        for question in QUESTIONS:
            prompt = character.template.prompt_ids(character.with_system([Turn("user", question)]))
            with torch.inference_mode():
                rows = torch.tensor([prompt])
                tuned = character.model(rows).logits[0, -1].log_softmax(-1)
                with character.model.disable_adapter():
                    base = character.model(rows).logits[0, -1].log_softmax(-1)
            assert (tuned - base).abs().max() > 1
            for scale, expected in ((0, tuned), (-1, base)):
                for token, score in server.likeliest(prompt, 20, character.persona.stop_token.id, adapter_scale=scale):
                    assert score == pytest.approx(expected[token].item(), abs=0.05)
    finally:
        server.close()


def test_llamacpp_is_chosen_where_a_proved_gguf_is(exported: Path) -> None:
    with opened(exported) as model:
        assert model.engine == "llama.cpp"


def test_a_gguf_that_missed_its_bounds_is_not_chosen(exported: Path) -> None:
    record = _gguf(exported).parent / "parity.json"
    output = record.read_text()
    try:
        record.write_text(json.dumps({**json.loads(output), "passed": False}))
        assert gguf_files([resolve_character(exported)]) is None
        with opened(exported) as model:
            assert model.engine == "transformers"
        with pytest.raises(UsageError, match="no GGUF that passed"), opened(exported, "llama.cpp"):
            pass
    finally:
        record.write_text(output)


@pytest.fixture
def copied(exported: Path, tmp_path: Path) -> Any:
    """A copy of the exported run, to be damaged."""
    return shutil.copytree(exported, tmp_path / "tiny")


@pytest.mark.parametrize("suffix", ["-f16.gguf", "-lora.gguf"])
def test_a_gguf_that_was_changed_after_the_comparison_is_not_served(copied: Path, suffix: str) -> None:
    path = next((copied / "export" / "gguf-f16").glob(f"*{suffix}"))
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(OffbookError, match="has changed since it was compared with the adapter"), opened(copied):
        pass


@pytest.mark.parametrize(
    "record", ["", "[]", "{", '{"passed": true}', '{"passed": true, "format": "gguf", "quant": "f16"}', "[" * 5000]
)
def test_a_damaged_record_is_told_and_the_engine_is_transformers(copied: Path, record: str) -> None:
    (copied / "export" / "gguf-f16" / "parity.json").write_text(record)
    warnings = []

    class Noting(NullReporter):
        def emit(self, event: Any) -> None:
            warnings.append(event.as_dict().get("text", ""))

    with opened(copied, reporter=Noting()) as model:
        assert model.engine == "transformers"
    assert any("is damaged and is not used" in text for text in warnings)


def test_a_missing_adapter_file_is_told(copied: Path) -> None:
    next((copied / "export" / "gguf-f16").glob("*-lora.gguf")).unlink()
    with pytest.raises(UsageError, match="no GGUF that passed"), opened(copied, "llama.cpp"):
        pass


def test_of_several_the_format_that_drifts_least_for_its_speed_is_chosen(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    for quant in ("f16", "q8_0", "q4_k_m"):
        folder = tmp_path / "export" / f"gguf-{quant}"
        folder.mkdir()
        (folder / f"x-{quant}.gguf").write_bytes(b"")
        (folder / "x-lora.gguf").write_bytes(b"")
        (folder / "parity.json").write_text(
            json.dumps(
                {
                    "passed": True,
                    "format": "gguf",
                    "quant": quant,
                    "sha256": {f"x-{quant}.gguf": "0"},
                    "context": 512,
                    "cache_bytes_per_token": 64,
                }
            )
        )
    (tmp_path / "adapter").mkdir()
    (tmp_path / "run.yaml").write_bytes((exported / "run.yaml").read_bytes())
    shutil.copytree(exported / "adapter", tmp_path / "adapter", dirs_exist_ok=True)
    assert _gguf(tmp_path).name == "x-q8_0.gguf"


def test_llamacpp_puts_the_adapter_of_each_on_one_base(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Greedy replies of three characters on one GGUF, two from the beginning and one that is added."""
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "home"))
    folders = runs(trained, tmp_path)
    expected = {}
    for folder in folders:
        shutil.rmtree(folder / "export", ignore_errors=True)
        assert export(folder, "lora").parity.passed
        expected[folder.name] = [alone(folder, question) for question in QUESTIONS]
    assert len(list((tmp_path / "home" / "gguf").iterdir())) == 1, "the base is written once"
    sources = [resolve_character(folder) for folder in folders]
    host = open_host(sources[:2], "auto", None, NullReporter())
    try:
        assert host.engine == "llama.cpp"
        models = [host.add(source) for source in sources[:2]]
        talk = models[0].tuned(models[0].chat_prompt([Turn("user", "Who are you?")], "append", None).ids, GREEDY, None)
        next(talk)
        with ThreadPoolExecutor() as pool:
            again = pool.submit(spoken, models[0], QUESTIONS[1], base=False)
            assert spoken(models[1], QUESTIONS[1], base=False) == expected["ben"][1], "characters speak side by side"
            assert not again.done(), "replies of one character would be computed in one batch"
            assert list(talk)
            assert again.result()
            assert expected["ann"][1].startswith(again.result())
        talk = models[0].tuned(models[0].chat_prompt([Turn("user", "Who are you?")], "append", None).ids, GREEDY, None)
        next(talk)
        assert host.accepts(sources[2])
        models.append(host.add(sources[2]))
        assert list(talk), "a reply goes on where it was begun"
        host.remove(models[0])
        for model in models[1:]:
            replies = [spoken(model, question, base=False) for question in QUESTIONS]
            assert replies == expected[model.name]
            assert spoken(model, QUESTIONS[0], base=True) not in replies
    finally:
        host.close()
