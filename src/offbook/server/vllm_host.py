"""The engine `vllm`: starts vLLM on a base model with the characters' adapters, and stops it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from offbook.core.errors import UsageError
from offbook.core.progress import Reporter
from offbook.generation.upstream import UpstreamServer
from offbook.generation.vllm_server import BASE_NAME, VllmServer
from offbook.models.adapter_files import read_lora_config
from offbook.models.load import choose_dtype
from offbook.pipeline.adapter_source import CharacterSource
from offbook.server.served_model import ServedModel
from offbook.server.tokenizer_pool import TokenizerPool
from offbook.server.upstream_host import SLOTS, served_upstream

MOST_AT_WORK = 8
"""Adapters that vLLM lets into one batch; it keeps the others in memory."""
ROOM_RANK = 16
"""Characters that come later may have this rank, whatever those have that are here."""


class VllmHost:
    """vLLM with one base model, and the characters that speak there.

    The prompt is offbook's, sent as ids with the character's sampling, as for any other server.

    Args:
        sources: characters that will speak, all of one base; those are loaded at the start.
        template: a built-in chat template by name, for bare adapters whose base has none.
        reporter: is told what is being loaded.

    Raises:
        UsageError: vLLM is not installed, or an adapter is of a kind that it does not take.
        OffbookError: vLLM does not start.
    """

    engine = "vllm"
    slots = SLOTS

    def __init__(self, sources: Sequence[CharacterSource], template: str | None, reporter: Reporter) -> None:
        self._template = template
        self._tokenizers = TokenizerPool()
        self._numbers = count()
        self._started_with = {source.adapter: f"character{next(self._numbers)}" for source in sources}
        self._vllm = VllmServer(
            sources[0].base_model.path,
            {key: adapter for adapter, key in self._started_with.items()},
            max_rank=max(ROOM_RANK, *map(_rank, sources)),
            max_adapters=min(max(len(sources), 1), MOST_AT_WORK),
            dtype=str(choose_dtype("auto")).removeprefix("torch."),
            reporter=reporter,
        )
        self._server = UpstreamServer(self._vllm.address, self._vllm.key)

    def add(self, source: CharacterSource) -> ServedModel:
        """A character that is ready to speak.

        Raises:
            UsageError: its adapter is of a kind that vLLM does not take.
            OffbookError: vLLM refuses it.
        """
        key = self._started_with.pop(source.adapter, None)
        if key is None:
            _rank(source)
            key = f"character{next(self._numbers)}"
            self._vllm.add(key, source.adapter)
        self._server.refresh()
        return served_upstream(
            self._server,
            source,
            model=key,
            base=BASE_NAME,
            engine=self.engine,
            template=self._template,
            tokenizers=self._tokenizers,
        )

    def accepts(self, source: CharacterSource) -> bool:
        """Whether the character can be added: vLLM was started for adapters up to a rank."""
        return _rank(source) <= self._vllm.max_rank

    def remove(self, model: ServedModel) -> None:
        """Take a character out, none of whose replies is growing."""
        self._vllm.remove(model.key)

    def close(self) -> None:
        """Stop vLLM."""
        self._server.close()
        self._vllm.close()


def _rank(source: CharacterSource) -> int:
    """The largest rank of a character's adapter.

    Raises:
        UsageError: it is more than plain LoRA.
    """
    config = read_lora_config(source.adapter)
    unusual = [name for name in ("use_dora", "modules_to_save", "lora_bias") if config.get(name)]
    if unusual:
        raise UsageError(
            "vLLM takes plain LoRA alone, and {name} has {unusual}",
            "Serve a merged copy of it: offbook export RUN --to merged, or another engine: --engine transformers",
            name=source.name,
            unusual=", ".join(unusual),
        )
    return max([int(config["r"]), *map(int, (config.get("rank_pattern") or {}).values())])
