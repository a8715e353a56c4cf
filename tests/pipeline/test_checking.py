"""What check tells of a training sequence."""

from __future__ import annotations

from pathlib import Path

from transformers import AutoTokenizer

from offbook.core.types import NO_LABEL, Example, Origin
from offbook.pipeline.checking import masked_text


def test_the_masked_row_is_the_sequence_in_runs_of_learned_tokens_and_others(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    prompt, reply = (tokenizer.encode(text, add_special_tokens=False) for text in ("Who goes there?", " A friend."))
    example = Example(prompt + reply, [NO_LABEL] * len(prompt) + reply, Origin("guard.jsonl", 1))
    assert masked_text(example, tokenizer) == [
        {"text": "Who goes there?", "learned": False},
        {"text": " A friend.", "learned": True},
    ]
