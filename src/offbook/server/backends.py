"""The engines behind the server. An engine is a class that keeps to `Host`, and its entry in ENGINES."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from offbook.core.progress import Reporter
from offbook.core.registry import lookup
from offbook.generation.vllm_server import find_vllm
from offbook.pipeline.adapter_source import CharacterSource
from offbook.server.gguf_files import gguf_files, not_exported
from offbook.server.upstream_address import open_upstream

if TYPE_CHECKING:
    from offbook.server.served_model import ServedModel


class Host(Protocol):
    """A base model in an engine, and the characters that speak on it."""

    engine: str
    """Its name in ENGINES."""
    slots: int
    """Replies that may grow at the same time."""

    def add(self, source: CharacterSource) -> ServedModel:
        """A character that is ready to speak; replies that are growing go on."""
        ...

    def accepts(self, source: CharacterSource) -> bool:
        """Whether a character of the same base can be added."""
        ...

    def remove(self, model: ServedModel) -> None:
        """Take a character out, none of whose replies is growing."""
        ...

    def close(self) -> None:
        """Free what the engine holds; no reply may be growing."""
        ...


OpenHost = Callable[[Sequence[CharacterSource], str | None, Reporter, str | None], Host]
"""(characters of one base, built-in chat template, reporter, address of a model server) → their host, to which they
are not added yet."""


def _transformers(sources: Sequence[CharacterSource], template: str | None, reporter: Reporter, _: str | None) -> Host:
    from offbook.server.transformers_host import TransformersHost

    return TransformersHost(sources, template, reporter)


def _llamacpp(sources: Sequence[CharacterSource], _: str | None, reporter: Reporter, __: str | None) -> Host:
    from offbook.server.llamacpp_host import LlamaCppHost

    return LlamaCppHost(sources, reporter)


def _openai(sources: Sequence[CharacterSource], template: str | None, reporter: Reporter, upstream: str | None) -> Host:
    from offbook.server.upstream_host import UpstreamHost

    return UpstreamHost(sources, template, reporter, upstream)


def _vllm(sources: Sequence[CharacterSource], template: str | None, reporter: Reporter, _: str | None) -> Host:
    from offbook.server.vllm_host import VllmHost

    return VllmHost(sources, template, reporter)


ENGINES: dict[str, OpenHost] = {
    "transformers": _transformers,
    "llama.cpp": _llamacpp,
    "openai": _openai,
    "vllm": _vllm,
}


def check_engine(name: str) -> None:
    """See that there is an engine of that name.

    Raises:
        UsageError: there is none.
    """
    lookup({"auto": None, **ENGINES}, name, "engine")


def check_means(engine: str, upstream: str | None, sources: Sequence[CharacterSource]) -> None:
    """See that what an engine needs beside the model is there: another server, its program, or files for it.

    Args:
        engine: its name in ENGINES, or auto.
        upstream: the address that the user gave.
        sources: characters that will speak.

    Raises:
        UsageError: it is not.
    """
    if engine == "openai":
        open_upstream(upstream)
    elif engine == "vllm":
        find_vllm()
    elif engine == "llama.cpp":
        for source in sources:
            if gguf_files([source]) is None:
                raise not_exported([source])


def open_host(
    sources: Sequence[CharacterSource],
    engine: str,
    template: str | None,
    reporter: Reporter,
    upstream: str | None = None,
) -> Host:
    """Load the base model of some characters.

    Args:
        sources: the characters, all of one base.
        engine: a name in ENGINES, or auto: llama.cpp where all have files that passed the parity gate.
        template: a built-in chat template by name, for bare adapters whose base has none.
        reporter: is told what is being loaded.
        upstream: address of the server that runs the models, for the engine that asks one.

    Raises:
        UsageError: characters or engine are at fault.
    """
    if engine == "auto":
        engine = "llama.cpp" if gguf_files(sources, reporter) is not None else "transformers"
    return lookup(ENGINES, engine, "engine")(sources, template, reporter, upstream)
