"""Texts and tokens that a base model cannot take."""

from __future__ import annotations

from pathlib import Path

import pytest

from offbook.core.config.schema import DataConfig, PersonaConfig, RunConfig
from offbook.core.errors import UsageError
from offbook.core.types import Example, Origin, Turn
from offbook.models.load import load_config
from offbook.pipeline.model_limits import (
    PIECE,
    notes_on_length,
    refuse_long_persona,
    refuse_long_talk,
    refuse_unknown_tokens,
    within_context,
)
from offbook.tokenization.chat_template import ChatTemplate
from tests.architectures import tiny_config
from tests.tiny import chatml_tokenizer, tiny_model


def test_sequences_end_where_the_model_does(tiny: Path) -> None:
    model_config = load_config(tiny)
    limit = model_config.max_position_embeddings
    longer = RunConfig(data=DataConfig(source="rows.json", max_length=limit + 1))
    config, notes = within_context(longer, model_config)
    assert config.data.max_length == limit
    assert notes == [f"data.max_length is {limit}, not {limit + 1}: the model knows no longer texts"]
    assert within_context(config, model_config) == (config, [])


@pytest.mark.parametrize("name", ["system", "greeting", "sample_prompts"])
def test_a_text_that_the_context_has_no_room_for_is_named_soon(name: str) -> None:
    class Counted(ChatTemplate):
        characters = 0

        def text_ids(self, text: str) -> list[int]:
            self.characters += len(text)
            return super().text_ids(text)

    template = Counted(chatml_tokenizer())
    for text, is_long in (("My lord. " * 4, False), ("My lord. " * 2**20, True)):
        persona = PersonaConfig.model_validate({name: [text] if name == "sample_prompts" else text})
        try:
            refuse_long_persona(persona, template, 64)
        except UsageError as error:
            assert is_long
            assert error.what.startswith(f"persona.{name} has 9,437,184 characters")
            with pytest.raises(UsageError, match="too long: 9,437,184 characters"):
                refuse_long_talk([Turn("user", text)], template, 64)
        else:
            assert not is_long
    assert template.characters <= 3 * PIECE


def test_a_token_without_an_embedding_is_named() -> None:
    model, tokenizer = tiny_model(), chatml_tokenizer()
    rows = model.config.vocab_size
    tokenizer.add_tokens([f"<extra_{number}>" for number in range(rows)])
    example = Example([1, rows - 1], [-100, rows - 1], Origin("rows.json", 1))
    refuse_unknown_tokens([example], model, tokenizer)
    with pytest.raises(UsageError, match=rf"<extra_\d+> has the id {rows}, .* for {rows} tokens"):
        refuse_unknown_tokens([example, Example([1, rows], [-100, rows], Origin("rows.json", 2))], model, tokenizer)


@pytest.mark.parametrize(("kind", "length", "count"), [("longrope", 25, 1), ("longrope", 24, 0), ("default", 25, 0)])
def test_where_positions_depend_on_a_texts_length_long_ones_share_no_row(kind: str, length: int, count: int) -> None:
    factors = {"short_factor": [1.0] * 4, "long_factor": [3.0] * 4} if kind == "longrope" else {}
    rope = {"rope_type": kind, "rope_theta": 1e4, **factors}
    config = tiny_config("phi3", rope_parameters=rope, original_max_position_embeddings=24)
    example = Example([5] * length, [5] * length, Origin("rows.json", 1))
    assert len(notes_on_length([example], config)) == count
