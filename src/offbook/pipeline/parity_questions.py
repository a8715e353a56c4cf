"""The conversations on which an export is compared with the adapter that it was made from."""

from __future__ import annotations

from collections.abc import Sequence

from offbook.core.errors import UsageError
from offbook.core.rundir import RunDir
from offbook.core.types import Conversation, Origin, Turn
from offbook.data.row_files import load_rows
from offbook.exporters import parity
from offbook.exporters.parity import Question
from offbook.generation.context import longest_context
from offbook.generation.llamacpp import CONTEXT
from offbook.pipeline.base_model import IDENTITY
from offbook.pipeline.character import Character


def parity_questions(character: Character, run: RunDir | None) -> list[Question]:
    """Held-out conversations of the run, or the character's own answers to its sample prompts where there are none.

    Args:
        character: the character, its adapter not merged.
        run: the run that it comes from; None for a bare adapter.

    Raises:
        UsageError: an export can be asked none of them.
    """
    questions, rejected = _usable(character, parity.spread(_heldout_rows(run), parity.CONVERSATIONS))
    if not questions:
        questions, rejected_samples = _usable(character, _sample_rows(character))
        rejected += rejected_samples
    if not questions:
        raise UsageError(
            "there is nothing to compare the export and the adapter by: {detail}",
            "{advice}",
            detail=rejected[0].what,
            advice=rejected[0].fix,
        )
    return questions


def _usable(character: Character, rows: Sequence[Conversation]) -> tuple[list[Question], list[UsageError]]:
    """The rows as an export is asked them, and why the others cannot be asked."""
    questions, rejected = [], []
    for row in rows:
        try:
            questions.append(_question(character, row))
        except UsageError as error:
            rejected.append(error)
    return questions, rejected


def _question(character: Character, row: Conversation) -> Question:
    """A row as a client sends it, and the ids that training made of it.

    Raises:
        UsageError: it quotes a control token, or leaves no room for a reply.
    """
    template, persona = character.template, character.persona
    turns = list(row.turns)
    prompt = template.prompt_ids(turns[:-1])
    rendered = template.render(turns[:-1], generation_prompt=True)
    if template.tokenizer(rendered, add_special_tokens=False)["input_ids"] != prompt:
        raise UsageError(
            "{origin} or persona.system quotes a control token, which other programs take for the token itself",
            "Train again without it.",
            origin=row.origin,
        )
    longest = min(CONTEXT, longest_context(character.model.config))
    if len(prompt) >= longest:
        raise UsageError(
            "{origin}: the prompt alone fills the {longest} tokens that an export can read",
            "Train again with shorter rows.",
            origin=row.origin,
            longest=longest,
        )
    sent = turns[1:-1] if turns[0] == Turn("system", persona.system or "") else turns[:-1]
    messages = [{"role": turn.role, "content": turn.text} for turn in sent]
    return Question(messages, prompt, template.examples(row, longest)[-1])


def _heldout_rows(run: RunDir | None) -> Sequence[Conversation]:
    path = run.data / "heldout.jsonl" if run is not None else None
    return load_rows(path) if path is not None and path.is_file() else []


def _sample_rows(character: Character) -> list[Conversation]:
    """The sample prompts with the character's own answers, the likeliest ones."""
    settings = character.persona.generation.model_copy(update={"temperature": 0.0, "max_new_tokens": 32})
    rows = []
    for number, prompt in enumerate(character.persona.sample_prompts or IDENTITY, start=1):
        try:
            text = character.reply(prompt, settings=settings).text
        except UsageError:  # it is too long for the model, which is said where it is left out
            text = ""
        turns = (*character.with_system([Turn("user", prompt)]), Turn("assistant", text or "…"))
        rows.append(Conversation(turns, Origin("sample_prompts", number)))
    return rows
