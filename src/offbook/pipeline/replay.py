"""Questions and answers of the base model, as rows to train on beside the character's: it then forgets less.

Pseudo-rehearsal (Robins 1995, "Catastrophic forgetting, rehearsal and pseudorehearsal"): a network that learns
something new beside a sample of its own answers forgets less. The model writes the questions as well, from the
template's own opening of a user's turn (Xu et al. 2024, "Magpie"), so that no text of anybody else's is needed, in
whatever language it speaks.
"""

from __future__ import annotations

from functools import partial
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
"""Questions that the model is made to ask itself."""
QUESTION = GenerationConfig(temperature=1, top_p=0.95, repetition_penalty=1, max_new_tokens=32)
ANSWER = GenerationConfig(temperature=1, top_p=0.95, repetition_penalty=1, max_new_tokens=64)
"""Close to the model's own distribution: what is learned from its own samples moves it hardly anywhere on average."""

_PLACEHOLDER = "\ue002"
_WITHOUT = "Train without: --data.replay null"


def base_model_rows(model: Any, base: BaseModel, dtype: str, reporter: Reporter) -> list[Conversation]:
    """Questions and answers of the base model, one of each a row, without a system prompt; the same ones every time.

    They are drawn once for a model and kept in the cache folder: drawn again with another number of threads, a token
    might come out differently. An answer that was cut off by the length limit is learned without a stop token.

    Args:
        model: the base model as it was loaded, without an adapter.
        base: its tokenizer and chat template.
        dtype: what it was loaded as (`model.dtype` of the config).
        reporter: is told when the answers have to be drawn, which takes a minute or so.

    Raises:
        UsageError: the model cannot be made to ask, or answers with nothing.
    """
    stops = stop_ids(base.template.stop_token, model.generation_config.eos_token_id)
    tokenizer = base.tokenizer.backend_tokenizer.to_str()
    files, template = base.local.files, base.template.sha256
    key = (files, template, tokenizer, stops, dtype, model.device.type, ROWS, QUESTION, ANSWER)
    path = cache.home() / "rehearsal" / f"{sha256(repr(key).encode()).hexdigest()[:16]}.jsonl"
    with cache.writing(path, reporter):
        if not path.is_file():
            reporter.stage(
                "Sampling {count} questions of {source} to replay in training (once per model)",
                count=ROWS,
                source=base.local.source,
            )
            atomic_write_text(path, rows_text(_draw(model, base, stops, reporter)))
    return load_rows(path)


def _draw(model: Any, base: BaseModel, stops: list[int], reporter: Reporter) -> list[Conversation]:
    """Let the model write questions, and answer them."""
    template, tokenizer = base.template, base.tokenizer
    counted = partial(reporter.progress, unit="token")
    prefix, question_stop = _around_a_question(base)
    replies = batch.generate(
        model,
        tokenizer,
        [prefix] * ROWS,
        QUESTION,
        [*stops, question_stop],
        seed=list(range(ROWS)),
        rows=ROWS,
        progress=counted,
    )
    questions = [Turn("user", text) for reply in replies if (text := _complete(reply.text))]
    prompts = [template.prompt_ids([question]) for question in questions]
    reporter.stage("Sampling its replies to them")
    answers = batch.generate(model, tokenizer, prompts, ANSWER, stops, rows=ROWS, progress=counted) if prompts else []
    rows = [
        Conversation(
            (question, Turn("assistant", text, has_stop_token=reply.stopped)),
            Origin("the base model", number, kind="replay"),
        )
        for number, (question, reply) in enumerate(zip(questions, answers, strict=True), 1)
        if (text := _complete(reply.text))
    ]
    if not rows:
        raise UsageError("the base model says nothing by itself that could be replayed", _WITHOUT)
    return rows


def _around_a_question(base: BaseModel) -> tuple[list[int], int]:
    """The ids that come before a user's text, and the id that follows it.

    The latter is a control token, or the end of the line where a template has no control token there.
    """
    rendered = base.template.render([Turn("user", _PLACEHOLDER)], generation_prompt=True)
    before, placeholder, after = rendered.partition(_PLACEHOLDER)
    prefix, question, ended = (
        base.tokenizer(text, add_special_tokens=False)["input_ids"]
        for text in (before, f"{before}?", f"{before}?{after}")
    )
    if not (placeholder and prefix and len(ended) > len(question)):
        raise UsageError("the model's chat template leaves no place for a question of its own", _WITHOUT)
    return prefix, ended[len(question)]


def _complete(text: str) -> str:
    """The text without the half of a character that a length limit may leave at its end."""
    return text.lstrip().rstrip(f"\ufffd{whitespace}")
