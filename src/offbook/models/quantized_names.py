"""Names of quantized copies of models."""

from __future__ import annotations

import re

_SUFFIX = re.compile(
    r"[-_.](awq|gptq|bnb|bitsandbytes|gguf|int[48]|[48]-?bits?|w[48]a\d+|fp8|nvfp4|mxfp4|nf4|exl2|marlin|mlx|quantized|unsloth)"
    r"(?![a-z]).*$",
    re.IGNORECASE,
)


def original_of(name: str) -> str:
    """The name of the model that a copy was made from, by what copies add to it; the name itself where nothing is."""
    return _SUFFIX.sub("", name)
