"""What the base model says of itself, as rows to mix in: learning to say it again keeps it what it is.

Pseudo-rehearsal (Robins 1995, "Catastrophic forgetting, rehearsal and pseudorehearsal"): a network that learns
something new beside a sample of its own answers forgets less. The model writes the questions as well, from the
template's own opening of a user's turn (Xu et al. 2024, "Magpie"), so that no text of anybody else's is needed, in
whatever language it speaks.
"""

from __future__ import annotations

from hashlib import sha256
from string import whitespace
from typing import Any

from offbook.core.atomic import atomic_write_text
from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.core.progress import Reporter
from offbook.core.types import Conversation, Origin, Turn
from offbook.data.row_files import load_rows, rows_text
from offbook.generation import batch
from offbook.hub import cache
from offbook.pipeline.base_model import BaseModel
from offbook.tokenization.stop_tokens import stop_ids

ROWS = 64
QUESTION = GenerationConfig(temperature=1, top_p=0.95, repetition_penalty=1, max_new_tokens=32)
ANSWER = GenerationConfig(temperature=1, top_p=0.95, repetition_penalty=1, max_new_tokens=64)
"""Close to the model's own distribution: what is learned from its own samples moves it hardly anywhere on average."""

_PLACE = "\ue002"
_WITHOUT = "Train without: --data.replay null"


def own_rows(model: Any, part: BaseModel, dtype: str, reporter: Reporter) -> list[Conversation]:
    """Questions and answers of the model's, one each a row, without a system prompt; the same ones every time.

    They are drawn once for a model and kept in the cache folder: drawn again with another number of threads, a token
    might fall otherwise. An answer that the limit cut off has no ending that could be learned.

    Args:
        model: the base model as it was loaded, without an adapter.
        dtype: what it was loaded as (`model.dtype` of the config).

    Raises:
        UsageError: the model cannot be made to ask, or says nothing.
    """
    ends = stop_ids(part.template.stop_token, model.generation_config.eos_token_id)
    told = part.tokenizer.backend_tokenizer.to_str()
    known = (part.pulled.files, part.template.sha256, told, ends, dtype, model.device.type, ROWS, QUESTION, ANSWER)
    path = cache.home() / "rehearsal" / f"{sha256(repr(known).encode()).hexdigest()[:16]}.jsonl"
    with cache.writing(path, reporter):
        if not path.is_file():
            reporter.stage(
                "Sampling {count} replies of {source} to mix in (once per model)", count=ROWS, source=part.pulled.source
            )
            atomic_write_text(path, rows_text(_drawn(model, part, ends)))
    return load_rows(path)


def _drawn(model: Any, part: BaseModel, ends: list[int]) -> list[Conversation]:
    template, tokenizer = part.template, part.tokenizer
    opening, closing = _around_a_question(part)
    asked = batch.generate(model, tokenizer, [opening] * ROWS, QUESTION, [*ends, closing], seed=list(range(ROWS)))
    questions = [Turn("user", text) for reply in asked if (text := _whole(reply.text))]
    prompts = [template.prompt_ids([question]) for question in questions]
    answered = batch.generate(model, tokenizer, prompts, ANSWER, ends) if prompts else []
    rows = [
        Conversation(
            (question, Turn("assistant", text, has_stop_token=reply.stopped)), Origin("the base model", number)
        )
        for number, (question, reply) in enumerate(zip(questions, answered, strict=True), 1)
        if (text := _whole(reply.text))
    ]
    if not rows:
        raise UsageError("the base model says nothing by itself that could be mixed in", _WITHOUT)
    return rows


def _around_a_question(part: BaseModel) -> tuple[list[int], int]:
    """The ids that a user's turn follows, and the one that follows it: a control token, or where a template has none
    there, the line's end."""
    before, found, after = part.template.render([Turn("user", _PLACE)], generation_prompt=True).partition(_PLACE)
    opening, asked, ended = (
        part.tokenizer(text, add_special_tokens=False)["input_ids"]
        for text in (before, f"{before}?", f"{before}?{after}")
    )
    if not (found and opening and len(ended) > len(asked)):
        raise UsageError("the model's chat template has no place where the model could ask itself something", _WITHOUT)
    return opening, ended[len(asked)]


def _whole(text: str) -> str:
    """Without the half of a character that a limit may leave at the end."""
    return text.lstrip().rstrip(f"\ufffd{whitespace}")
