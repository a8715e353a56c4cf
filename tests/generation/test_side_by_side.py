"""Many characters on one base model: each reply is the one that its adapter gives alone, whatever else is growing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from peft import PeftModel

from offbook.core.config.schema import GenerationConfig
from offbook.generation import side_by_side
from offbook.generation.adapter_bank import NotPlainError
from offbook.generation.row_caches import can_go_side_by_side
from offbook.generation.side_by_side import SideBySideEngine
from offbook.generation.stream import TransformersEngine
from tests.generation.conftest import adapter_folder
from tests.tiny import tiny_model

GREEDY = GenerationConfig(temperature=0, repetition_penalty=1.1)
LIVELY = GenerationConfig(temperature=1.1, top_p=0.9)
SHARED = [1, *range(60, 90)]
PROMPTS = [[*SHARED, *range(start, start + 3 + start % 7)] for start in range(100, 140)]
NAMES = ["ann", "ben", "cleo", None]


def generated(
    engine: Any, prompt: list[int], settings: GenerationConfig = GREEDY, seed: int = 3, count: int = 12
) -> Any:
    tokens = engine.tokens(prompt, settings, seed)
    try:
        return list(islice((token for token in tokens if token is not None), count))
    finally:
        tokens.close()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("adapters")
    return {
        "ann": adapter_folder(root / "ann", 1),
        "ben": adapter_folder(root / "ben", 2, rank=8, modules=["q_proj", "up_proj"], use_rslora=True),
        "cleo": adapter_folder(root / "cleo", 3, alpha_pattern={"v_proj": 64}, rank_pattern={"o_proj": 2}),
    }


def alone(folders: dict[str, Path], name: str | None, architecture: str = "llama") -> TransformersEngine:
    model: Any = tiny_model(architecture)
    if name is not None:
        model = PeftModel.from_pretrained(model, str(folders[name])).eval()
    return TransformersEngine(model)


@pytest.fixture
def engine(folders: dict[str, Path]) -> Iterator[SideBySideEngine]:
    engine = SideBySideEngine(tiny_model(), rows=6)
    for name, folder in folders.items():
        engine.add(name, folder)
    yield engine
    engine.close()


@pytest.mark.parametrize("settings", [GREEDY, LIVELY])
def test_every_reply_of_a_crowd_is_the_one_given_alone(
    engine: SideBySideEngine, folders: dict[str, Path], settings: GenerationConfig
) -> None:
    jobs = [(NAMES[index % 4], prompt) for index, prompt in enumerate(PROMPTS)]
    with ThreadPoolExecutor(10) as clients:
        replies = list(clients.map(lambda job: generated(engine.speaker(job[0]), job[1], settings), jobs))
    engines = {name: alone(folders, name) for name in NAMES}
    assert replies == [generated(engines[name], prompt, settings) for name, prompt in jobs]
    assert len({tuple(generated(engines[name], PROMPTS[0], settings)) for name in NAMES}) == 4


@pytest.mark.parametrize("architecture", ["llama-tied", "qwen2", "qwen3", "ernie", "hyperclovax", "granite", "cohere"])
def test_architectures_with_plain_attention_go_side_by_side(architecture: str, tmp_path: Path) -> None:
    model = tiny_model(architecture)
    assert can_go_side_by_side(model)
    folder = adapter_folder(tmp_path / "ann", 1, architecture=architecture)
    engine = SideBySideEngine(model, rows=4)
    engine.add("ann", folder)
    jobs = [(("ann", None)[index % 2], prompt) for index, prompt in enumerate(PROMPTS[:8])]
    with ThreadPoolExecutor(4) as clients:
        replies = list(clients.map(lambda job: generated(engine.speaker(job[0]), job[1]), jobs))
    engine.close()
    engines = {name: alone({"ann": folder}, name, architecture) for name in ("ann", None)}
    assert replies == [generated(engines[name], prompt) for name, prompt in jobs]


@pytest.mark.parametrize("architecture", ["mistral", "qwen2-windows", "gemma2"])
def test_windows_and_capped_scores_do_not(architecture: str) -> None:
    assert not can_go_side_by_side(tiny_model(architecture))


def test_half_precision_does_not() -> None:
    assert not can_go_side_by_side(tiny_model().bfloat16())


def test_a_prompt_is_read_in_pieces_while_others_speak(
    engine: SideBySideEngine, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "PREFILL_CHUNK", 7)
    pieces = list(islice(engine.speaker("ben").tokens(PROMPTS[3], GREEDY, None), 6))
    assert None in pieces
    assert generated(engine.speaker("ann"), PROMPTS[5]) == generated(alone(folders, "ann"), PROMPTS[5])


def test_what_is_kept_of_a_conversation_is_used_by_its_own_character_alone(
    engine: SideBySideEngine, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    forward = engine._forward

    def counted(rows: Any, tokens: int) -> Any:
        read.append(tokens * len(rows))
        return forward(rows, tokens)

    monkeypatch.setattr(engine, "_forward", counted)
    first = generated(engine.speaker("ann"), PROMPTS[0])
    going_on = [*PROMPTS[0], *first, 77, 78]
    assert read[0] == len(PROMPTS[0]) - 1
    read.clear()
    assert generated(engine.speaker("ann"), going_on) == generated(alone(folders, "ann"), going_on)
    assert read[0] <= 3, "what was said before is not read again"
    read.clear()
    assert generated(engine.speaker("ben"), going_on) == generated(alone(folders, "ben"), going_on)
    assert read[0] == len(going_on) - 1, "another character has read none of it"
    read.clear()
    generated(engine.speaker("ann"), PROMPTS[1])
    assert read[0] == len(PROMPTS[1]) - 1 - len(SHARED), "what two conversations begin with is read once"


def test_caches_are_dropped_oldest_first(engine: SideBySideEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "KEPT_BYTES", 30_000)
    for prompt in PROMPTS[:20]:
        generated(engine.speaker(None), prompt)
    generated(engine.speaker("ann"), PROMPTS[0])
    engine._run(lambda: None)
    kept = engine._kept
    assert 1 <= len(kept._kept) < 10
    assert kept._bytes == sum(map(side_by_side._size, kept._kept.values())) <= 30_000
    engine.remove("ann")
    assert all(name != "ann" for name, _ in kept._kept)


def test_a_replaced_adapter_speaks_anew_and_a_removed_one_not_at_all(
    engine: SideBySideEngine, folders: dict[str, Path]
) -> None:
    generated(engine.speaker("ann"), PROMPTS[0])
    engine.remove("ann")
    assert generated(engine.speaker("ann"), PROMPTS[0]) == generated(alone(folders, None), PROMPTS[0])
    engine.remove("ann")
    engine.add("ann", folders["cleo"])
    assert generated(engine.speaker("ann"), PROMPTS[0]) == generated(alone(folders, "cleo"), PROMPTS[0])


def test_a_failure_ends_the_replies_that_it_hit_and_no_others(
    engine: SideBySideEngine, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = engine._model.forward

    def failing(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no memory")

    monkeypatch.setattr(engine._model, "forward", failing)
    with pytest.raises(RuntimeError, match="no memory"):
        generated(engine.speaker("ann"), PROMPTS[0])
    monkeypatch.setattr(engine._model, "forward", forward)
    assert generated(engine.speaker("ann"), PROMPTS[0]) == generated(alone(folders, "ann"), PROMPTS[0])


@pytest.mark.parametrize("options", [{"use_dora": True}, {"bias": "all"}, {"modules_to_save": ["lm_head"]}])
def test_an_adapter_that_is_more_than_plain_lora_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    engine = SideBySideEngine(tiny_model(), rows=1)
    try:
        with pytest.raises(NotPlainError):
            engine.add("ann", adapter_folder(tmp_path / "ann", 1, **options))
    finally:
        engine.close()


def test_an_adapter_of_another_size_is_refused(tmp_path: Path) -> None:
    engine = SideBySideEngine(tiny_model(hidden_size=16), rows=1)
    try:
        with pytest.raises(NotPlainError, match="another size"):
            engine.add("ann", adapter_folder(tmp_path / "ann", 1))
    finally:
        engine.close()
