"""The engine `openai`: another server runs the models; prompt, sampling, guard, page and counters are offbook's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offbook.core.config.schema import GenerationConfig
from offbook.core.errors import UsageError
from offbook.core.progress import Reporter
from offbook.core.types import Turn
from offbook.generation.text_chunk import TextChunk
from offbook.generation.upstream import UpstreamServer
from offbook.pipeline.adapter_source import CharacterSource
from offbook.pipeline.character import open_voice
from offbook.server.prompt_form import PromptForm, find_prompt_form
from offbook.server.served_model import ServedModel
from offbook.server.tokenizer_pool import TokenizerPool
from offbook.server.upstream_address import open_upstream

SLOTS = 64
"""Replies that are asked for at the same time; how many grow side by side is the other server's affair."""


class UpstreamHost:
    """A server that runs the models, and the characters that speak there.

    Args:
        sources: characters that will speak, all of one base.
        template: a built-in chat template by name, for bare adapters whose base has none.
        reporter: is told where the server is.
        upstream: the server's address.

    Raises:
        UsageError: no address is given, or no such server answers there.
    """

    engine = "openai"
    slots = SLOTS

    def __init__(
        self, sources: Sequence[CharacterSource], template: str | None, reporter: Reporter, upstream: str | None
    ) -> None:
        del sources
        self._template = template
        self._tokenizers = TokenizerPool()
        self._reporter = reporter
        self._server = open_upstream(upstream)
        reporter.info("The models run at {address}", address=self._server.address)

    def add(self, source: CharacterSource) -> ServedModel:
        """A character that is ready to speak.

        Raises:
            UsageError: the server has no model of its name, or one with another tokenizer.
            OffbookError: the server fails at its first prompt.
        """
        self._server.refresh()
        model = self._server.model_for(source.name)
        return served_upstream(
            self._server,
            source,
            model=model,
            base=self._server.parent_of(model),
            engine=self.engine,
            template=self._template,
            tokenizers=self._tokenizers,
            reporter=self._reporter,
        )

    def accepts(self, _: CharacterSource) -> bool:
        """Whether the character can be added: `add` finds out."""
        return True

    def remove(self, _: ServedModel) -> None:
        """Forget a character; the other server keeps what it has."""

    def close(self) -> None:
        """Close the connections."""
        self._server.close()


def served_upstream(
    server: UpstreamServer,
    source: CharacterSource,
    *,
    model: str,
    base: str | None,
    engine: str,
    template: str | None,
    tokenizers: TokenizerPool,
    reporter: Reporter | None = None,
) -> ServedModel:
    """A character whose model another server runs.

    Args:
        server: which.
        source: the character.
        model: the server's name for its model.
        base: the server's name for its base model; None if that is not known.
        engine: the engine's name.
        template: a built-in chat template by name, for a bare adapter whose base has none.
        tokenizers: those of the host's characters.
        reporter: where it is not known that the server takes token ids: it is asked, and what it hides is told here.
    """
    chat, persona = open_voice(source, template=template)
    tokenizer = tokenizers.share(chat)
    stop = {persona.stop_token.id: persona.stop_token.token}
    form: PromptForm = list
    if reporter is not None:
        ids = chat.prompt_ids([Turn("user", source.name)])
        form = find_prompt_form(server, model, tokenizer, ids, reporter)

    def tuned(prompt: Sequence[int], settings: GenerationConfig, seed: int | None) -> Iterator[TextChunk]:
        return server.generate(model, form(prompt), settings, seed, stop)

    def untuned(prompt: Sequence[int], settings: GenerationConfig, seed: int | None) -> Iterator[TextChunk]:
        if base is None:
            raise UsageError(
                "the server at {address} does not tell which base model '{model}' has",
                "Ask the character itself.",
                address=server.address,
                model=model,
            )
        return server.generate(base, form(prompt), settings, seed, stop)

    return ServedModel(
        name=source.name,
        engine=engine,
        persona=persona,
        template=chat,
        context=server.context_of(model),
        tuned=tuned,
        base=untuned,
        base_folder=lambda: source.base_model.path,
        key=model,
        encoding=tokenizer.lock,
    )
