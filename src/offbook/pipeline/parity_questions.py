"""The conversations that an exported copy and its original are both asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.rundir import RunDir
from offbook.core.types import Conversation, Origin, Turn
from offbook.data.row_files import load_rows
from offbook.exporters import parity
from offbook.exporters.parity import Asked
from offbook.generation.llamacpp import CONTEXT
from offbook.pipeline import adapter_source as characters
from offbook.pipeline.character import Character


def parity_questions(character: Character, run: str | Path) -> list[Asked]:
    """Held-out conversations, or the character's own answers to its sample_prompts where there are none.

    Raises:
        UsageError: none can be asked of a copy.
    """
    asked, refused = _askable(character, parity.spread(_heldout(run), parity.CONVERSATIONS))
    if not asked:
        asked, refused_too = _askable(character, _probed(character))
        refused += refused_too
    if not asked:
        raise UsageError(f"there is nothing to compare a copy by: {refused[0].what}", refused[0].fix)
    return asked


def _askable(character: Character, rows: Sequence[Conversation]) -> tuple[list[Asked], list[UsageError]]:
    """The rows as a copy is asked them, and why the others cannot be."""
    asked, refused = [], []
    for row in rows:
        try:
            asked.append(_asked(character, row))
        except UsageError as error:
            refused.append(error)
    return asked, refused


def _asked(character: Character, conversation: Conversation) -> Asked:
    template, persona = character.template, character.persona
    turns = list(conversation.turns)
    prompt = template.prompt_ids(turns[:-1])
    plain = template.render(turns[:-1], generation_prompt=True)
    if template.tokenizer(plain, add_special_tokens=False)["input_ids"] != prompt:
        raise UsageError(
            f"{conversation.origin} or persona.system quotes a control token, which other programs take for the "
            "token itself",
            "Train again without it.",
        )
    longest = min(CONTEXT, character.model.config.max_position_embeddings)
    if len(prompt) >= longest:
        raise UsageError(
            f"{conversation.origin}: the prompt alone fills the {longest} tokens that a copy can read",
            "Train again with shorter rows.",
        )
    sent = turns[1:-1] if turns[0] == Turn("system", persona.system or "") else turns[:-1]
    messages = [{"role": turn.role, "content": turn.text} for turn in sent]
    return Asked(messages, prompt, template.examples(conversation, longest)[-1])


def _heldout(run: str | Path) -> Sequence[Conversation]:
    trained = run_of_adapter(characters.adapter_folder(run))
    path = trained.data / "heldout.jsonl" if trained else None
    return load_rows(path) if path and path.is_file() else []


def run_of_adapter(adapter: Path) -> RunDir | None:
    """The run that an adapter folder belongs to; None for a bare one, whatever lies beside it."""
    run = RunDir(adapter.resolve().parent)
    return run if run.exists and adapter.resolve() == run.adapter else None


def _probed(character: Character) -> list[Conversation]:
    settings = character.persona.generation.model_copy(update={"temperature": 0.0, "max_new_tokens": 32})
    conversations = []
    for number, probe in enumerate(character.persona.sample_prompts or ["Who are you?", "你是谁？"], start=1):
        said = Turn("assistant", character.reply(probe, settings=settings).text or "…")
        turns = (*character.with_system([Turn("user", probe)]), said)
        conversations.append(Conversation(turns, Origin("sample_prompts", number)))
    return conversations
