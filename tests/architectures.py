"""Tiny models of every architecture that transformers can load as a causal language model: random weights, real code.

A configuration is the architecture's own default with its sizes made small by their names; where names are not enough,
`SPECIAL` has what else an architecture wants.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, PreTrainedModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

VOCABULARY = 448
LAYERS = 4

SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "n_embd": 32,
    "d_model": 32,
    "word_embed_proj_dim": 32,
    "embedding_size": 32,
    "intermediate_size": 64,
    "ffn_hidden_size": 64,
    "ffn_dim": 64,
    "ffn_intermediate": 64,
    "n_inner": 64,
    "shared_intermediate_size": 32,
    "moe_intermediate_size": 16,
    "intermediate_size_mlp": 64,
    "shared_expert_intermediate_size": 16,
    "moe_shared_expert_intermediate_size": 16,
    "expert_ffn_hidden_size": 16,
    "num_hidden_layers": LAYERS,
    "n_layer": LAYERS,
    "n_layers": LAYERS,
    "num_layers": LAYERS,
    "num_attention_heads": 4,
    "n_head": 4,
    "n_heads": 4,
    "num_heads": 4,
    "num_key_value_heads": 2,
    "num_kv_heads": 2,
    "head_dim": 8,
    "kv_channels": 8,
    "attention_head_dim": 8,
    "swa_head_dim": 8,
    "global_head_dim": 8,
    "max_position_embeddings": 512,
    "n_positions": 512,
    "max_seq_len": 512,
    "sliding_window": 8,
    "num_local_experts": 4,
    "num_experts": 4,
    "n_routed_experts": 4,
    "moe_num_experts": 4,
    "num_experts_per_tok": 2,
    "num_experts_per_token": 2,
    "moe_k": 2,
    "moe_topk": 2,
    "n_shared_experts": 1,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "num_dense_layers": 1,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 8,
    "v_head_dim": 8,
    "qk_head_dim": 16,
    "index_topk": 512,
    "index_head_dim": 8,
    "index_n_heads": 2,
    "state_size": 8,
    "mamba_d_state": 8,
    "mamba_d_ssm": 64,
    "mamba_d_head": 8,
    "mamba_head_dim": 8,
    "mamba_headdim": 8,
    "mamba_num_heads": 8,
    "mamba_n_heads": 8,
    "mamba_n_groups": 1,
    "mamba_ngroups": 1,
    "n_mamba_heads": 2,
    "mamba_dt_rank": 4,
    "mamba_chunk_size": 16,
    "chunk_size": 16,
    "ssm_state_size": 8,
    "n_groups": 1,
    "time_step_rank": 4,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "lru_width": 32,
    "attention_window_size": 8,
    "attention_chunk_size": 8,
    "vocab_size_per_layer_input": VOCABULARY,
    "hidden_size_per_layer_input": 8,
    "laurel_rank": 8,
    "altup_num_inputs": 2,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
"""Name of a configuration's field → its size in a tiny model."""

BY_LAYER = ("layer_types", "mlp_layer_types", "block_types", "layers_block_type", "hybrid_override_pattern")
"""Fields that say something of each layer; the default's are shortened so that every kind stays."""

SPECIAL: dict[str, dict[str, Any]] = {
    "bloom": {"hidden_size": 32, "n_head": 4},
    "exaone4": {"sliding_window": None, "layer_types": ["full_attention"] * LAYERS},
    "ministral3": {"sliding_window": None},
    "mistral": {"sliding_window": None},
    "mixtral": {"sliding_window": None},
    "phi3": {"sliding_window": None},
    "starcoder2": {"sliding_window": None},
    "qwen3_moe": {"norm_topk_prob": True},
    "qwen3_vl_moe_text": {"sliding_window": None},
    "olmoe": {"num_key_value_heads": 4},
    "gemma2": {"query_pre_attn_scalar": 8},
    "gemma3_text": {
        "query_pre_attn_scalar": 8,
        "num_hidden_layers": 6,
        "layer_types": ["sliding_attention"] * 5 + ["full_attention"],
    },
    "gemma3n_text": {
        "intermediate_size": [64] * LAYERS,
        "num_kv_shared_layers": 1,
        "activation_sparsity_pattern": None,
    },
    "lfm2": {"block_auto_adjust_ff_dim": False, "layer_types": ["conv", "conv", "full_attention", "conv"]},
    "lfm2_moe": {"layer_types": ["conv", "conv", "full_attention", "conv"]},
    "granitemoehybrid": {"layers_block_type": ["mamba", "attention", "mamba", "mamba"], "mamba_n_heads": 8},
    "bamba": {"attn_layer_indices": [1]},
    "gptj": {"rotary_dim": 4},
    "codegen": {"rotary_dim": 4},
    "zaya": {"num_experts_per_tok": 1},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1},
    "nemotron_h": {"layers_block_type": ["mamba", "attention", "mamba", "moe"]},
    "falcon_h1": {"mamba_d_ssm": 64, "mamba_n_heads": 8, "mamba_d_head": 8},
    **{
        kind: {
            "head_dim": 16,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e4,
                "partial_rotary_factor": 0.25,
                "mrope_section": [1, 1, 0],
            },
        }
        for kind in ("qwen3_5_text", "qwen3_5_moe_text")
    },
    "mistral4": {"head_dim": 16},
    **{
        kind: {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]}}
        for kind in ("qwen2_vl_text", "qwen2_5_vl_text", "glm4v_text")
    },
    "glm4v_moe_text": {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 0]}},
    "hunyuan_vl_text": {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 1, 1]}},
    "deepseek_v4": {"num_key_value_heads": 1, "o_groups": 2, "o_lora_rank": 16, "partial_rotary_factor": 0.5},
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "rope_theta": 1e4, "clip_qkv": 8.0},
        "ffn_config": {"hidden_size": 32, "ffn_hidden_size": 64, "moe_num_experts": 4, "moe_top_k": 2},
    },
    "gpt_neo": {"attention_types": [[["global", "local"], 2]], "window_size": 8},
    "zamba": {
        "layer_types": ["linear_attention", "hybrid"] * 2,
        "layers_block_type": ["linear_attention", "hybrid"] * 2,
        "attention_hidden_size": 64,
        "attention_head_dim": 16,
        "num_key_value_heads": 4,
    },
    "cohere_compass_text": {
        "rope_parameters": {
            kind: {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]}
            for kind in ("full_attention", "sliding_attention")
        }
    },
    "dots3_note_text": {
        f"swa_{name}": size
        for name, size in {
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "q_lora_rank": 16,
            "kv_lora_rank": 16,
            "head_dim": 16,
            "qk_nope_head_dim": 8,
            "qk_rope_head_dim": 8,
            "v_head_dim": 8,
        }.items()
    },
    "qwen4_exp_text": {
        "indexer_n_heads": 2,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 8,
        "indexer_budget": 64,
        "indexer_compress_ratio": 4,
        "hc_count": 2,
        "hc_lowrank": 8,
    },
    "zamba2": {"attention_head_dim": 16, "n_mamba_heads": 8, "num_key_value_heads": 4},
    "xlstm": {"hidden_size": 128},  # its heads are rounded up to 64 values in all
    "mamba2": {"num_heads": 8, "head_dim": 8, "hidden_size": 32},
}


def tiny_config(model_type: str, **changes: Any) -> Any:
    """A small configuration of a model type of transformers' (`llama`, `qwen3_5` …)."""
    return _shrunk(CONFIG_MAPPING[model_type], changes)


def _shrunk(kind: type[Any], changes: dict[str, Any]) -> Any:
    default = kind()
    names = set(default.to_dict()) | set(inspect.signature(kind.__init__).parameters)
    fields = {name: value for name, value in SIZES.items() if name in names}
    for name in BY_LAYER:
        value = getattr(default, name, None)
        field = getattr(kind, "attribute_map", {}).get(name, name)
        settable = not isinstance(getattr(kind, field, None), property)
        if isinstance(value, (list, str)) and len(value) and settable:
            fields[name] = _every_kind(value)
    if "kv_lora_rank" in names:  # multi-head latent attention has no grouped keys
        fields["num_key_value_heads"] = SIZES["num_attention_heads"]
    for name in getattr(kind, "sub_configs", {}):
        part = getattr(default, name, None)
        if part is not None:
            fields[name] = _shrunk(type(part), {}).to_dict()
    fields |= SPECIAL.get(kind.model_type, {})
    return kind(**{**fields, **changes})


def _every_kind(layers: Any) -> Any:
    """Layers of each kind in their order, LAYERS of them."""
    kinds = list(dict.fromkeys(layers))
    if set(layers[:LAYERS]) == set(kinds):
        return layers[:LAYERS]
    most = max(kinds, key=list(layers).count)
    chosen = (kinds + [most] * LAYERS)[:LAYERS]
    return "".join(chosen) if isinstance(layers, str) else chosen


def tiny_model(config: Any, seed: int = 0) -> PreTrainedModel:
    """A model with random weights in float32, larger than at initialization, where half the layers do nothing."""
    torch.manual_seed(seed)
    causal = type(config) in AutoModelForCausalLM._model_mapping
    auto: Any = AutoModelForCausalLM if causal else AutoModelForImageTextToText
    model: PreTrainedModel = auto.from_config(config).float()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1 and weight.dtype.is_floating_point and "A_log" not in name:
                weight.normal_(0, 0.1)
            elif "gemma4" in config.get_text_config().model_type and name.endswith("q_norm.weight"):
                # Gemma 4 leaves it to these weights to scale the scores; at 1 its attention magnifies rounding tenfold.
                weight.mul_(weight.numel() ** -0.5)
    return model.eval()
