"""Replay: what the base model says by itself, learned again beside the character's rows."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import offbook
from offbook.core.config.loading import load
from offbook.core.errors import UsageError
from offbook.core.progress import NullReporter, Reporter
from offbook.core.types import NO_LABEL, Conversation, Reply
from offbook.generation import batch
from offbook.models.load import load_model
from offbook.pipeline import dataset, evaluating, replay
from offbook.pipeline.base_model import BaseModel, open_base_model
from offbook.tokenization.stop_tokens import stop_ids
from tests.recorder import Recorder
from tests.tiny import tiny_folder


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(replay, "ROWS", 12)


def opened(settings: dict[str, Any], source: Any = None) -> tuple[Any, BaseModel]:
    config = load(None, {**settings, **({"model.source": str(source)} if source else {})})
    base = open_base_model(config, NullReporter())
    return load_model(base.local.path, config.model.dtype), base


@pytest.mark.parametrize("architecture", ["llama", "ernie", "qwen3", "gemma3"])
def test_the_model_asks_and_answers_and_says_the_same_ever_after(
    settings: dict[str, Any], tmp_path: Path, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, base = opened(settings, tiny_folder(tmp_path / architecture, architecture))
    recorder = Recorder()
    rows = replay.base_model_rows(model, base, "float32", recorder)
    assert 6 <= len(rows) <= 12
    assert len({row.prompt for row in rows}) > len(rows) / 2
    assert all([turn.role for turn in row.turns] == ["user", "assistant"] for row in rows)
    assert all(turn.text and "\ufffd" not in turn.text[-1] for row in rows for turn in row.turns)
    assert "12 questions" in recorder.texts[0]
    assert len(recorder.texts) == 2, "its replies to them"
    stops = stop_ids(base.template.stop_token, model.generation_config.eos_token_id)
    assert replay._draw(model, base, stops, NullReporter()) == rows
    monkeypatch.setattr(replay, "_draw", None)  # kept: nothing is drawn again
    assert replay.base_model_rows(model, base, "float32", recorder) == rows
    assert len(recorder.texts) == 2


def test_another_model_speaks_for_itself(settings: dict[str, Any], tmp_path: Path) -> None:
    mine = replay.base_model_rows(*opened(settings), "float32", NullReporter())
    other = replay.base_model_rows(
        *opened(settings, tiny_folder(tmp_path / "other", "qwen2")), "float32", NullReporter()
    )
    assert mine != other


def test_a_model_that_says_nothing_is_no_use_and_nothing_is_kept(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model, base = opened(settings)
    silent = [Reply(" ", True, 1)] * replay.ROWS
    monkeypatch.setattr(batch, "generate", lambda *_, **__: silent)
    with pytest.raises(UsageError, match="says nothing"):
        replay.base_model_rows(model, base, "float32", NullReporter())
    assert not list((tmp_path / "home" / "rehearsal").glob("*.jsonl"))


@pytest.mark.parametrize("source", ["{{ messages[0].content }}<|im_end|>", "<|im_start|>once and for all<|im_end|>"])
def test_a_template_without_a_place_for_a_question_is_told(settings: dict[str, Any], source: str) -> None:
    model, base = opened(settings)
    base.tokenizer.chat_template = source
    with pytest.raises(UsageError, match="no place"):
        replay.base_model_rows(model, base, "float32", NullReporter())


def test_two_at_once_draw_once(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    model, base = opened(settings)
    drawn, draw = [], replay._draw

    def counted(model: Any, base: BaseModel, stops: list[int], reporter: Reporter) -> list[Conversation]:
        drawn.append(model)
        return draw(model, base, stops, reporter)

    monkeypatch.setattr(replay, "_draw", counted)
    with ThreadPoolExecutor(2) as pool:
        mine, theirs = pool.map(lambda _: replay.base_model_rows(model, base, "float32", NullReporter()), range(2))
    assert mine == theirs
    assert len(drawn) == 1


def test_an_answer_that_was_cut_off_does_not_learn_to_end_there(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replay.ANSWER.model_copy(update={"max_new_tokens": 3})
    monkeypatch.setattr(replay, "ANSWER", short)
    model, base = opened(settings)
    rows = replay.base_model_rows(model, base, "float32", NullReporter())
    unfinished = [row for row in rows if not row.turns[-1].has_stop_token]
    assert unfinished
    for row in rows:
        (example,) = base.template.examples(row, 500)
        learned = [label for label in example.labels if label != NO_LABEL]
        assert (learned[-1] == base.template.stop_token.id) == row.turns[-1].has_stop_token


def test_a_run_mixes_them_in_and_judges_the_character_without_them(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**settings, "data.replay": "base", "train.epochs": 1}
    run = offbook.train(load(None, settings))
    rows = [
        json.loads(line)["messages"] for line in (run.data / "train.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    ]
    general = [row for row in rows if row[0]["role"] == "user"]
    character_rows = len(rows) - len(general)
    assert len(general) == round(character_rows * 0.2 / 0.8)
    assert json.loads((run.data / "report.json").read_text(encoding="utf-8"))["replay_rows"] == len(general)
    assert len(evaluating.character_rows(run)) == character_rows > 0
    before = (run.adapter / "adapter_model.safetensors").read_bytes()
    monkeypatch.setattr(replay, "_draw", None)
    again = offbook.train(load(run.config), overwrite=True)
    assert (again.adapter / "adapter_model.safetensors").read_bytes() == before
    # their loss is taken: without them the adapter is another one
    without = offbook.train(load(None, {**settings, "name": "without", "data.replay": None}))
    assert (without.adapter / "adapter_model.safetensors").read_bytes() != before


def test_a_model_cannot_be_asked_the_same_way_as_itself_and_in_its_part(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="needs a system prompt"):
        offbook.check(load(None, {**settings, "persona.system": None, "data.replay": "base"}))


@pytest.mark.parametrize("storage", ["full", "bfloat16", "nf4"])
def test_a_run_that_was_stopped_goes_on_with_the_same_answers(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, storage: str
) -> None:
    settings = {**settings, "data.replay": "base", "model.storage": storage}
    run = offbook.train(load(None, settings))
    weights = (run.adapter / "adapter_model.safetensors").read_bytes()
    shutil.rmtree(run.adapter)
    first, *later = sorted(run.checkpoints.iterdir(), key=lambda folder: int(folder.name.partition("-")[2]))
    for folder in later:
        shutil.rmtree(folder)
    made = (first / "manifest.json").stat().st_mtime_ns
    monkeypatch.setattr(replay, "_draw", None)
    again = offbook.train(load(None, settings), resume=True)
    assert later
    assert (first / "manifest.json").stat().st_mtime_ns == made
    assert (again.adapter / "adapter_model.safetensors").read_bytes() == weights


def test_what_the_model_said_at_too_great_length_is_left_out_and_counted(settings: dict[str, Any]) -> None:
    model, base = opened(settings)
    general = replay.base_model_rows(model, base, "float32", NullReporter())
    prompts = sorted(len(base.template.prompt_ids(row.turns[:1])) for row in general)
    longest = prompts[len(general) // 2]
    config = load(None, {**settings, "data.replay": "base", "data.replay_share": 0.9, "data.max_length": longest})
    before = dataset.tokenize(dataset.read_rows(config), base.template, config.data)
    after = before.with_replay(general, base.template, config.data)
    fitting = sum(prompt < longest for prompt in prompts)
    assert after.replay_rows == len(after.train) - len(before.train) == fitting > 0
    assert len(after.examples) - len(before.examples) == fitting
    assert before.replay_rows == 0
    assert len(after.too_long) == len(general) - fitting > 0
    assert all(len(example.ids) <= longest for example in after.examples)


def test_a_file_s_row_that_is_too_long_stops_the_run_unless_bad_rows_are_skipped(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    general = tmp_path / "general.jsonl"
    lines = [{"instruction": "Add 1. " * repeat, "output": "2."} for repeat in (1, 200)]
    general.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    settings = {**settings, "data.replay": str(general), "data.max_length": 200}
    with pytest.raises(UsageError, match=r"general\.jsonl:2"):
        offbook.check(load(None, settings))
    report = offbook.check(load(None, {**settings, "data.on_error": "skip"}))
    assert report["replay_rows"] == 1
    assert any("general.jsonl:2" in text for text in report["skipped"])
