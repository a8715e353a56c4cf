"""Quantized copies of models: unpacked as they are loaded where transformers does that, else refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.progress import fill

UNPACKED: dict[str, str | None] = {"fp8": None, "mxfp4": None, "compressed-tensors": "compressed_tensors"}
"""`quant_method` of the formats that transformers unpacks → the library that it needs for that.

gpt-oss (MXFP4) and DeepSeek-V3 (FP8) are published in these alone.
"""

PACKED_PARTS = frozenset(
    (
        "weight_scale",
        "weight_scale_inv",
        "weight_scale_2",
        "weight_packed",
        "weight_shape",
        "weight_zero_point",
        "input_scale",
        "scale_weight",
        "scale_input",
        "scales",
        "qweight",
        "qzeros",
        "g_idx",
        "absmax",
        "nested_absmax",
        "quant_map",
        "SCB",
        "weight_format",
    )
)
"""Last names of the tensors that formats of packed weights keep beside, or in place of, a weight."""

_SUFFIX = re.compile(
    r"[-_.](awq|gptq|bnb|bitsandbytes|gguf|int[48]|[48]-?bits?|w[48]a\d+|fp8|nvfp4|mxfp4|nf4|exl2|marlin|mlx|quantized|unsloth)"
    r"(?![a-z]).*$",
    re.IGNORECASE,
)


def original_of(name: str) -> str:
    """The name of the model that a copy was made from, by what copies add to it; the name itself where nothing is."""
    return _SUFFIX.sub("", name)


def unpack_on_loading(config: Any, raw: dict[str, Any], folder: Path) -> None:
    """Have the weights of a quantized copy unpacked when they are loaded: the model is an ordinary one from then on.

    Args:
        config: the model's configuration; changed in place.
        raw: its config.json.
        folder: the model's, for the message.

    Raises:
        UsageError: it is a quantized copy of a kind that cannot be unpacked here.
    """
    quantization = raw.get("quantization_config") or raw.get("compression_config")
    if not quantization:
        if hasattr(config, "quantization_config"):  # left empty: transformers would look for a method in it
            del config.quantization_config
        return
    method = quantization.get("quant_method", "unknown") if isinstance(quantization, dict) else "unknown"
    library = UNPACKED.get(method)
    if method in UNPACKED and (library is None or find_spec(library)):
        config.quantization_config = {**quantization, "dequantize": True}
        return
    original = original_of(folder.name)
    raise UsageError(
        "the model in {folder} is a quantized copy ({method}), which cannot be trained",
        "Take {original}; --model.storage nf4 keeps its weights in 4.5 bits each.",
        folder=folder,
        original=original if original != folder.name else translate("the original that it was made from"),
        method=method,
    )


def refuse_packed_numbers(unused: Iterable[str], folder: Path) -> None:
    """See that the weights are no packed numbers of a copy whose config.json is silent on it.

    Read as they stand they would be other weights: those of 8 bits without their scales, for one.

    Args:
        unused: names in the weight files for which the model has no place.
        folder: the model's, for the message.

    Raises:
        UsageError: there are such parts of packed weights among them.
    """
    part = next((name for name in sorted(unused) if name.rpartition(".")[2] in PACKED_PARTS), None)
    if part is None:
        return
    original = original_of(folder.name)
    raise UsageError(
        "the weights in {folder} are packed ({part}), and its config.json does not say how",
        "Take {original}; --model.storage nf4 keeps its weights in 4.5 bits each.",
        folder=folder,
        part=part,
        original=original if original != folder.name else translate("the original that it was made from"),
    )


def forget_packing(model: Any) -> None:
    """Let a model whose weights were unpacked be saved as it is.

    transformers would undo in `save_pretrained` what it did to the weights on loading: write packed numbers, and no
    word of what they were packed with.
    """
    model._weight_conversions = None


def notes_on_unpacking(config: Any) -> list[str]:
    """A sentence where `unpack_on_loading` has found something to unpack."""
    quantization = getattr(config, "quantization_config", None)
    if not quantization:
        return []
    text = marked(
        "the base model is a quantized copy ({method}): its weights are unpacked as they are loaded, and exports hold "
        "them unpacked"
    )
    return [fill(text, {"method": quantization["quant_method"]})]
