"""Which layers of a model get an adapter: `lora.target_modules`, and what is left out.

Adapters go into the language model alone: a vision or audio tower hears nothing of a character's lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from peft.utils import transformers_weight_conversion
from torch import nn
from transformers.pytorch_utils import Conv1D

from offbook.core.errors import UsageError
from offbook.core.i18n import marked
from offbook.core.progress import fill
from offbook.models.layer_names import ALL_LINEAR, matches

ROUTERS = frozenset(("gate", "router", "wg", "shared_expert_gate"))
"""Names of parts that choose experts: an adapter there would change who computes, not what."""

REFUSED_BY_PEFT = {
    **dict.fromkeys(("falcon_h1", "falcon_mamba", "mamba", "mamba2", "nemotron_h"), ("out_proj",)),
    "deepseek_v4": ("o_a_proj",),
    "laguna": ("shared_experts",),
    "inkling2_text": ("k_sconv", "v_sconv"),
}
"""Model type → parts of names of layers whose weights its code uses without calling them, so that peft puts no adapter
there; that are several matrices in one, which peft takes for a single one; or whose adapters peft saves under names by
which it does not find them again."""

TOWER = re.compile(r"(?:^|[._])(?:audio|speech|vision|visual|image|img)(?:[._]|$)")
"""What the names of parts for pictures and sound have in them, where a model keeps those inside its decoder (Phi-4)."""


def _taken_for_experts(model_type: str) -> frozenset[str]:
    """Names that peft takes for the routed experts of a model type, and only for them, wherever a layer has them."""
    groups = getattr(transformers_weight_conversion, "_MODEL_TO_CONVERSION_PATTERN", {})
    names = getattr(transformers_weight_conversion, "_MOE_TARGET_MODULE_MAPPING", {})
    return frozenset(names.get(groups.get(model_type), ()))


def select(model: Any, wanted: Sequence[str]) -> list[str]:
    """The layers that get an adapter, as peft takes them: last names where they are unambiguous, full names elsewhere.

    Args:
        model: the transformers model.
        wanted: `all-linear`, names of layers (`q_proj`, `self_attn.q_proj`), or regular expressions that match a
            layer's whole name.

    Raises:
        UsageError: nothing in the language model matches one of them.
    """
    candidates = linear_layers(model)
    defaults = {name for name in candidates if not _is_left_out(model, name)}
    chosen: set[str] = set()
    missing = []
    for entry in wanted:
        named = defaults if entry == ALL_LINEAR else {name for name in candidates if matches(entry, name)}
        if not named:
            missing.append(entry)
        chosen |= named
    if missing:
        names = sorted({name.rpartition(".")[2] for name in defaults})
        raise UsageError(
            "the model has no layer named {missing} (lora.target_modules)",
            _KNOWN if names else _NONE,
            missing=", ".join(missing),
            known=", ".join(names),
            all_linear=ALL_LINEAR,
        )
    return _shortest(model, chosen)


def modules_named(model: Any, chosen: Sequence[str]) -> list[str]:
    """Full names of the modules that `chosen` names, as peft finds them."""
    return [name for name, _ in model.named_modules() if any(matches(entry, name) for entry in chosen)]


def linear_layers(model: Any) -> list[str]:
    """Full names of the linear layers of the language model, its output layer left out if it is tied."""
    prefix = _decoder_prefix(model)
    head = model.get_output_embeddings()
    tied = head is not None and head.weight is getattr(model.get_input_embeddings(), "weight", None)
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D)
        and (name.startswith(prefix) if module is not head else not tied)
        and not TOWER.search(name.removeprefix(prefix))
    ]


def left_out(model: Any, chosen: Sequence[str], wanted: Sequence[str] = (ALL_LINEAR,)) -> list[str]:
    """Sentences on the parts that learn nothing because no adapter can be, or is, put there.

    Args:
        model: the transformers model.
        chosen: the layers that have an adapter.
        wanted: the layers that were asked for.
    """
    all_wanted = list(wanted) == [ALL_LINEAR]
    prefix = _decoder_prefix(model)
    notes = []
    experts = sorted({general_name(name) for name, p in model.named_parameters() if p.dim() == 3 and "expert" in name})
    if experts:
        left = {"layers": ", ".join(experts)}
        notes.append(fill("the routed experts get no adapter, the layers beside them do: {layers}", left))
    adapted = set(modules_named(model, chosen))
    unchosen = sorted(
        {
            general_name(name)
            for name in linear_layers(model)
            if name.startswith(prefix) and not _is_router(name) and (all_wanted or _is_left_out(model, name))
            if adapted.isdisjoint(accumulate(name.split("."), "{}.{}".format))  # it, or what it is a part of
        }
    )
    if unchosen:
        left = {"layers": ", ".join(unchosen)}
        notes.append(fill("peft puts no adapter into these layers of such a model: {layers}", left))
    return notes


def _decoder_prefix(model: Any) -> str:
    """What the names of the decoder's modules begin with; "" where the whole model is the decoder."""
    decoder = model.get_decoder()
    if isinstance(decoder, nn.Linear):  # ModernBERT's output layer goes by that name
        decoder = model.base_model
    return next((f"{name}." for name, module in model.named_modules() if name and module is decoder), "")


def _is_left_out(model: Any, name: str) -> bool:
    """Whether `all-linear` leaves a layer out: the output layer, a router, or what peft refuses."""
    model_type = model.config.get_text_config().model_type
    is_head = model.get_submodule(name) is model.get_output_embeddings()
    last, refused = name.rpartition(".")[2], set(REFUSED_BY_PEFT.get(model_type, ()))
    # peft asks the whole model's type, which for a text model inside a larger one is another.
    experts = _taken_for_experts(model.config.model_type)
    return is_head or _is_router(name) or last in experts or not refused.isdisjoint(name.split("."))


def _is_router(name: str) -> bool:
    return not ROUTERS.isdisjoint(name.split("."))


def _shortest(model: Any, chosen: set[str]) -> list[str]:
    """Last names, where no other module of the model has one of them; else the full names."""
    last = {name.rpartition(".")[2] for name in chosen}
    others = {name.rpartition(".")[2] for name, _ in model.named_modules() if name not in chosen}
    return sorted(last) if not last & others else sorted(chosen)


def general_name(name: str) -> str:
    """A name with the number of its layer left open."""
    return re.sub(r"\.\d+\.", ".*.", name.removesuffix(".weight"))


_KNOWN = marked("Its linear layers: {known}; {all_linear} takes them all.")
_NONE = marked("It has no linear layers that can have an adapter: choose another model.")
