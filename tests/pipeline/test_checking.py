"""What check tells of a training sequence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from offbook.core.config.schema import RunConfig
from offbook.core.persona import StopToken
from offbook.core.types import NO_LABEL, Example, Origin
from offbook.pipeline import checking
from offbook.pipeline.checking import masked_text, notes_on_stop
from tests.tiny import tiny_model


def test_the_masked_row_is_the_sequence_in_runs_of_learned_tokens_and_others(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    prompt, reply = (tokenizer.encode(text, add_special_tokens=False) for text in ("Who goes there?", " A friend."))
    example = Example(prompt + reply, [NO_LABEL] * len(prompt) + reply, Origin("guard.jsonl", 1))
    assert masked_text(example, tokenizer) == [
        {"text": "Who goes there?", "learned": False},
        {"text": " A friend.", "learned": True},
    ]


def test_another_ending_is_offered_only_where_the_base_model_knows_one() -> None:
    model = tiny_model()
    stop, end_of_text = StopToken(token="<|stop|>", id=9), 2
    assert notes_on_stop(model, stop, end_of_text) == []
    with torch.no_grad():
        rows = model.get_output_embeddings().weight
        rows[10:40] = rows[9] + 0.03 * rows[9].norm() * torch.nn.functional.normalize(torch.randn(30, 32))
    (note,) = notes_on_stop(model, stop, end_of_text)
    assert "the same as 30 other tokens" in note
    assert "--model.template plain" in note
    for reserved in (12, stop.id, None):  # it was never trained either, is the same token, or there is none
        (note,) = notes_on_stop(model, stop, reserved)
        assert note.endswith("Take the instruction-tuned model")


@pytest.mark.parametrize(
    ("model", "loaded_in", "products_in", "form"),
    [
        ({}, torch.float32, "float32", None),
        ({}, torch.float32, "bfloat16", {"compute": "bfloat16"}),
        ({}, torch.bfloat16, "float32", {"dtype": "bfloat16"}),
        ({"storage": "nf4"}, torch.bfloat16, "bfloat16", None),
        ({"dtype": "float16"}, torch.float16, "bfloat16", None),
    ],
)
def test_what_is_proved_in_bfloat16_is_the_form_that_the_run_would_take(
    monkeypatch: pytest.MonkeyPatch, model: dict[str, str], loaded_in: torch.dtype, products_in: str, form: object
) -> None:
    monkeypatch.setattr(checking, "choose_dtype", lambda _name: loaded_in)
    monkeypatch.setattr(checking, "decide_compute", lambda _config, _model: products_in)
    config = RunConfig.model_validate({"data": {"source": "lines.jsonl"}, "model": model})
    assert checking._form_in_bfloat16(config, None) == form
