"""The next line of a scene: what a character is asked, in the terminal and by POST /v1/scene alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.core.config.schema import GenerationConfig
from offbook.core.scene import Scene
from offbook.generation.text_chunk import TextChunk
from offbook.server.conversation import ContextOverflowError, Prompt
from offbook.server.scheduler import stop_at_strings
from offbook.server.served_model import ServedModel


def stage_names(models: Sequence[ServedModel]) -> dict[str, ServedModel]:
    """Some characters by the names under which they hear each other: a run's where two have one name."""
    names = [model.persona.name.casefold() for model in models]
    return {
        model.name if names.count(model.persona.name.casefold()) > 1 else model.persona.name: model for model in models
    }


def prompt_room(model: ServedModel, sampling: GenerationConfig) -> int:
    """Tokens that a prompt may have: some are left for the reply, as many as it asks for, or a quarter of all."""
    return model.context - min(sampling.max_new_tokens, max(model.context // 4, 1))


def line_prompt(model: ServedModel, scene: Scene, name: str, sampling: GenerationConfig) -> Prompt:
    """The prompt of a character's next line, under its own system prompt and in its own template.

    What others said since it spoke last is one turn; where that alone is too long, its oldest lines are left out too.

    Raises:
        ContextOverflowError: the last line alone is longer than the context.
    """
    room, first = prompt_room(model, sampling), 0
    while True:
        try:
            return model.chat_prompt(scene.turns_for(name, first), "force", room)
        except ContextOverflowError:
            if first >= len(scene.lines) - 1:
                raise
            first += max((len(scene.lines) - first) // 8, 1)


def speak_line(model: ServedModel, scene: Scene, name: str) -> Iterator[TextChunk]:
    """A character's next line, with its own sampling; it ends where somebody else's would begin."""
    sampling = model.persona.generation
    ids = line_prompt(model, scene, name, sampling).ids
    return stop_at_strings(model.tuned(ids, sampling, None), scene.prefixes_of_others(name))
