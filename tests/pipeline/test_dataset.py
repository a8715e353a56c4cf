"""Rows on their way to training sequences: frozen values, each made from the one before."""

import json
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from offbook.core.config.loading import load
from offbook.core.errors import UsageError
from offbook.core.progress import Message
from offbook.core.types import Conversation, Origin, Turn
from offbook.data.row_files import load_rows, save_rows
from offbook.pipeline import dataset as datasets
from offbook.pipeline.dataset import Dataset, SplitRows, read_rows, report_of_rows, tokenize
from offbook.tokenization.chat_template import ChatTemplate
from tests.recorder import Recorder
from tests.tiny import chatml_tokenizer


@pytest.fixture(scope="module")
def template() -> ChatTemplate:
    return ChatTemplate(chatml_tokenizer())


def general(count: int) -> list[Conversation]:
    return [
        Conversation((Turn("user", f"Spell {number}."), Turn("assistant", f"It is {number}.")), Origin("sums", number))
        for number in range(1, count + 1)
    ]


def test_every_value_is_frozen_and_holds_no_list(settings: dict[str, Any], template: ChatTemplate) -> None:
    config = load(None, settings)
    rows = read_rows(config)
    dataset = tokenize(rows, template, config.data).with_replay(general(9), template, config.data)
    for value in (rows, dataset):
        assert not [field.name for field in fields(value) if isinstance(getattr(value, field.name), list)]
        with pytest.raises(FrozenInstanceError):
            value.train = ()  # type: ignore[misc]


def test_each_row_carries_the_persona_and_is_on_one_side(settings: dict[str, Any], template: ChatTemplate) -> None:
    config = load(None, settings)
    rows = read_rows(config)
    assert all(row.system == "You are Hamlet." for row in (*rows.train, *rows.heldout))
    assert len(rows.train) + len(rows.heldout) + rows.dropped + rows.removed == len(rows.conversations) == 24
    dataset = tokenize(rows, template, config.data)
    assert (dataset.train, dataset.heldout) == (rows.train, rows.heldout)
    assert [example.origin for example in dataset.heldout_examples] == [row.origin for row in rows.heldout]


def test_stages_that_go_through_many_rows_are_counted_to_their_end_and_those_of_few_are_not(
    settings: dict[str, Any], template: ChatTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(None, settings)

    def counts() -> dict[str, tuple[int, int]]:
        recorder, stage = Recorder(), ""
        last: dict[str, tuple[int, int]] = {}
        rows = read_rows(config, recorder)
        tokenize(rows, template, config.data, recorder)
        report_of_rows(rows, recorder)
        for event in recorder.events:
            if isinstance(event, Message):
                stage = event.text.partition(" ")[0]
            else:
                last[stage] = event.done, event.total
        return last

    assert counts() == {}
    monkeypatch.setattr(datasets, "MANY_ROWS", 1)
    bars = counts()
    assert set(bars) == {"Comparing", "Tokenizing", "Looking"}
    assert all(done == total > 0 for done, total in bars.values())


def test_replay_adds_to_a_copy_and_marks_its_rows(settings: dict[str, Any], template: ChatTemplate) -> None:
    config = load(None, {**settings, "data.replay_share": 0.25})
    before = tokenize(read_rows(config), template, config.data)
    after = before.with_replay(general(40), template, config.data)
    added = after.train[len(before.train) :]
    assert len(added) == round(len(before.train) / 3) == after.replay_rows
    assert {row.origin.kind for row in added} == {"replay"}
    assert {row.origin.kind for row in before.train} == {"character"}
    assert before.replay_rows == 0
    assert before.sha256 != after.sha256
    assert after.train[: len(before.train)] == before.train


def test_a_row_without_room_for_a_reply_is_refused_or_left_out_with_its_place(
    settings: dict[str, Any], template: ChatTemplate, tmp_path: Path
) -> None:
    path = tmp_path / "lines.jsonl"
    rows = [{"instruction": "word " * length, "output": f"Aye, {length}."} for length in (2, 3, 4, 300)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings = {**settings, "data.source": str(path), "data.max_length": 90, "data.heldout": 0}
    config = load(None, settings)
    with pytest.raises(UsageError, match=r"lines\.jsonl:4"):
        tokenize(read_rows(config), template, config.data)
    config = load(None, {**settings, "data.on_error": "skip"})
    dataset = tokenize(read_rows(config), template, config.data)
    assert [row.origin.line for row in dataset.train] == [1, 2, 3]
    assert len(dataset.too_long) == 1
    assert "lines.jsonl:4" in dataset.too_long[0]
    assert len(dataset.rows.train) == 4


def test_the_kind_of_a_row_survives_on_disk_and_is_the_characters_where_a_file_does_not_say(tmp_path: Path) -> None:
    rows = [Conversation(general(1)[0].turns, Origin("a.json", 3, "Act I", kind)) for kind in ("replay", "character")]
    save_rows(rows, tmp_path / "rows.jsonl")
    assert load_rows(tmp_path / "rows.jsonl") == rows
    old = {"messages": [{"role": "assistant", "content": "Hm."}], "source": {"file": "a", "line": 1, "scene": None}}
    (tmp_path / "old.jsonl").write_text(json.dumps(old) + "\n", encoding="utf-8")
    assert load_rows(tmp_path / "old.jsonl")[0].origin.kind == "character"


def test_the_types_say_the_order(settings: dict[str, Any], template: ChatTemplate) -> None:
    config = load(None, settings)
    rows = read_rows(config)
    assert isinstance(rows, SplitRows)
    assert not hasattr(rows, "examples")
    assert isinstance(tokenize(rows, template, config.data), Dataset)


def test_columns_that_are_not_read_are_named(settings: dict[str, Any], tmp_path: Path) -> None:
    rows = [
        {"id": f"row {number}", "question": f"Lit {number}?", "answer": f"Since {number}.", "mood": "tired"}
        for number in range(24)
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = report_of_rows(read_rows(load(None, {**settings, "data": {"source": str(path)}})), Recorder())
    assert report["unread_columns"] == {"mood": 24}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lines.csv", "speaker,line\nBen,Lit?\nMara,Since four.\nBen,Why?\nMara,Ask the sea.\n"),
        ("conversations.json", '[{"uuid": "1", "name": "x", "chat_messages": [{"sender": "human", "text": "Lit?"}]}]'),
    ],
)
def test_a_chat_is_for_extract(settings: dict[str, Any], tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(UsageError, match="holds no rows but a chat") as error:
        read_rows(load(None, {**settings, "data": {"source": str(path)}}))
    assert f"extract {path} --list" in error.value.fix
