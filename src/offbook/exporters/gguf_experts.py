"""What a GGUF file says of routed experts, and what llama.cpp takes for granted of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gguf import ExpertGatingFuncType, GGUFWriter

Check = Callable[[Any], str | None]
"""A configuration → why llama.cpp would compute something else; None where it does not."""

RENAMED = {".block_sparse_moe.": ".mlp.", ".gate.moe_statics.": ".moe_statics."}
"""Parts of transformers' names → those by which the gguf package knows them."""

BIASES = ("e_score_correction_bias", "expert_bias")
"""Ends of the names of what is added to an expert's score where experts are chosen."""


def weighed(*, normalised: bool) -> Check:
    """A check that the weights of the chosen experts are, or are not, made to sum to one.

    A configuration that does not say so is of an architecture that always does what `normalised` says.
    """

    def check(config: Any) -> str | None:
        is_normalised = getattr(config, "norm_topk_prob", normalised)
        if is_normalised != normalised or getattr(config, "routed_scaling_factor", 1.0) != 1.0:
            return "it weighs its experts in a way of its own"
        return "some of its layers have no experts" if getattr(config, "mlp_only_layers", None) else None

    return check


def all_later_layers(config: Any) -> str | None:
    """A check that every layer has experts from the first one on that has any."""
    is_so = config.moe_layer_interval == 1 and config.moe_layer_end_index == config.num_hidden_layers - 1
    return None if is_so else "some of its later layers have no experts"


def add_hyperparameters(writer: GGUFWriter, config: Any) -> None:
    """Write how many experts there are, how many are used, how wide they are, and which layers have them."""
    count = getattr(config, "num_experts", None) or getattr(config, "num_local_experts", None)
    if not count:
        return
    writer.add_expert_count(count)
    writer.add_expert_used_count(config.num_experts_per_tok)
    if (width := getattr(config, "moe_intermediate_size", None)) is not None:
        writer.add_expert_feed_forward_length(width)
    if (width := getattr(config, "shared_expert_intermediate_size", None)) is not None:
        writer.add_expert_shared_feed_forward_length(width)
    if config.model_type == "ernie4_5_moe":
        writer.add_interleave_moe_layer_step(1)
        writer.add_leading_dense_block_count(config.moe_layer_start_index)
        writer.add_expert_shared_count(config.moe_num_shared_experts)
        writer.add_expert_shared_feed_forward_length(config.moe_intermediate_size * config.moe_num_shared_experts)
    if config.model_type == "lfm2_moe":
        writer.add_leading_dense_block_count(config.num_dense_layers)
        writer.add_expert_gating_func(ExpertGatingFuncType.SIGMOID)
