"""Key-value caches of conversations of different lengths that go through one model side by side, without padding.

Every row of a batch has a cache of its own, and attends to it alone, by the very call that it would make if it were
the only row. All that rows share is the products with the model's weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache
from transformers.cache_utils import DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from offbook.generation.cache import ModelCache, takes

NAME = "offbook_rows"
"""The attention function's name in transformers' registry."""


class RowCaches(DynamicCache):
    """The caches of the rows of a batch.

    Args:
        rows: one cache a row.
    """

    def __init__(self, rows: Sequence[DynamicCache]) -> None:
        super().__init__()
        self.rows = rows

    def update(  # type: ignore[override]
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Append each row's new keys and values to its cache.

        Args:
            key_states: (rows, heads, tokens, d).
            value_states: (rows, heads, tokens, d).
            layer_idx: of the decoder layer.

        Returns:
            Keys and values of each row, (1, heads, all tokens of the row, d).
        """
        updated = [
            row.update(key_states[index : index + 1], value_states[index : index + 1], layer_idx)
            for index, row in enumerate(self.rows)
        ]
        return [keys for keys, _ in updated], [values for _, values in updated]


def attend_rows(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: list[torch.Tensor],
    value: list[torch.Tensor],
    attention_mask: torch.Tensor | None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """Attention function in the form that transformers' `AttentionInterface` calls: each row by itself.

    Args:
        module: the attention module that calls.
        query: (rows, heads, tokens, d); the tokens are the last ones of each row.
        key: of each row, (1, heads, all tokens of the row, d).
        value: as `key`.
        attention_mask: ignored; each token sees those before it in its row.
        **settings: scaling and dropout, as the module gives them.

    Returns:
        (rows, tokens, heads, d), and None for the attention weights.
    """
    del attention_mask
    tokens = query.shape[2]
    outputs = []
    for index, (keys, values) in enumerate(zip(key, value, strict=True)):
        length = keys.shape[2]
        mask = None  # a single token sees all; a whole prompt is masked by the function itself
        if 1 < tokens < length:
            mask = torch.ones(tokens, length, dtype=torch.bool, device=query.device).tril(length - tokens)[None, None]
        output, _ = sdpa_attention_forward(module, query[index : index + 1], keys, values, mask, **settings)
        outputs.append(output)
    return torch.cat(outputs), None


def no_mask(*_args: Any, **_kwargs: Any) -> None:
    """Mask function for transformers: builds none, because rows see nothing of each other."""


AttentionInterface.register(NAME, attend_rows)
AttentionMaskInterface.register(NAME, no_mask)


def can_go_side_by_side(model: Any) -> bool:
    """Whether `attend_rows` computes this model's attention: plain, over all tokens, in float32.

    An architecture that looks as if it did is asked the same as it is and in rows; the answers have to agree.
    """
    cache = ModelCache.of(model)
    has_plain_layers = cache.cache is not None and all(type(layer) is DynamicLayer for layer in cache.cache.layers)
    if model.dtype != torch.float32 or not has_plain_layers or model.config._attn_implementation != "sdpa":
        return False
    if cache.argument != "past_key_values" or not all(
        takes(model, name) for name in ("position_ids", "logits_to_keep")
    ):
        return False
    expected = _answers(model, lambda: DynamicCache(config=model.config))
    model.config._attn_implementation = NAME
    try:
        given = _answers(model, lambda: RowCaches([DynamicCache(config=model.config)]))
    except (RuntimeError, TypeError, ValueError, AttributeError):  # it does more with keys than to hand them over
        return False
    finally:
        model.config._attn_implementation = "sdpa"
    return bool(torch.allclose(expected, given, rtol=1e-4, atol=1e-4 * float(expected.abs().max())))


@torch.inference_mode()
def _answers(model: Any, fresh: Callable[[], DynamicCache]) -> torch.Tensor:
    """The logits after a text that is read in three parts, the last one a single token."""
    cache, parts = fresh(), torch.arange(3, 13, device=model.device)[None].split((6, 3, 1), 1)
    for part in parts:
        positions = (part - 3).long()
        logits: torch.Tensor = model(
            input_ids=part, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1
        ).logits
    return logits


def use_row_caches(model: Any) -> None:
    """Let the model attend by `attend_rows`; from then on it takes `RowCaches` alone."""
    model.config._attn_implementation = NAME
