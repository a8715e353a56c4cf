"""The number format of each tensor of a GGUF, and its bytes.

f16 and q8_0 are the `gguf` library's own; the K-quants of q4_k_m are `libgguf`'s.
"""

from __future__ import annotations

import re

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, LlamaFileType, quants

Type = GGMLQuantizationType

FILE_TYPES = {
    "f16": LlamaFileType.MOSTLY_F16,
    "q8_0": LlamaFileType.MOSTLY_Q8_0,
    "q4_k_m": LlamaFileType.MOSTLY_Q4_K_M,
}

# A K-quant needs rows of a multiple of 256; llama.cpp's own quantiser falls back in the same way.
_SMALLER_BLOCKS = {Type.Q4_K: Type.Q5_0, Type.Q6_K: Type.Q8_0}
KEPT = ("ffn_gate_inp.", "ffn_gate_inp_shexp.", "shortconv.conv.", "ssm_conv1d.", "position_embd.")
"""Small tensors that llama.cpp reads in float32 alone: routers, convolutions, positions."""
_K_QUANTS = frozenset(_SMALLER_BLOCKS)


def tensor_type(name: str, shape: tuple[int, ...], quant: str, layers: int, *, tied: bool) -> Type:
    """The number format of one tensor.

    Args:
        name: the tensor's GGUF name (`blk.3.ffn_down.weight`).
        shape: rows first.
        quant: f16, q8_0 or q4_k_m; the mix of the latter is that of llama.cpp's `Q4_K_M`.
        layers: how many blocks the model has.
        tied: whether the token embeddings are the output matrix too.
    """
    if len(shape) < 2 or any(part in name for part in KEPT):
        return Type.F32
    if quant == "f16":
        return Type.F16
    wanted = Type.Q8_0 if quant == "q8_0" else _q4_k_m(name, layers, tied)
    if shape[-1] % GGML_QUANT_SIZES[wanted][0]:
        wanted = _SMALLER_BLOCKS.get(wanted, Type.F16)
    return wanted if shape[-1] % GGML_QUANT_SIZES[wanted][0] == 0 else Type.F16


def _q4_k_m(name: str, layers: int, tied: bool) -> Type:
    if name == "output.weight" or (tied and name == "token_embd.weight"):
        return Type.Q6_K
    sensitive = re.fullmatch(r"blk\.(\d+)\.(?:attn_v|ffn_down)\.weight", name)
    return Type.Q6_K if sensitive and _more_bits(int(sensitive[1]), layers) else Type.Q4_K


def _more_bits(layer: int, layers: int) -> bool:
    """The first and last eighth of the blocks, and every third between."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def pack(values: np.ndarray, kind: Type) -> np.ndarray:
    """float32 values (rows, columns) as the bytes (or floats) of a number format."""
    if kind in _K_QUANTS:
        import libgguf

        rows = np.ascontiguousarray(values.reshape(-1, values.shape[-1]))
        packed = np.asarray(libgguf.quantize_rows(rows, kind))
        return packed.reshape(*values.shape[:-1], packed.shape[-1])
    return quants.quantize(values, kind)


def fallbacks(types: dict[str, Type], quant: str) -> str | None:
    """A sentence about the tensors of a q4_k_m file that K-quants do not fit, if there are any."""
    odd = [kind for name, kind in types.items() if quant == "q4_k_m" and kind in (Type.Q5_0, Type.Q8_0, Type.F16)]
    if not odd:
        return None
    names = ", ".join(sorted({kind.name for kind in odd}))
    return (
        f"{len(odd)} of {len(types)} matrices have rows that are no multiple of 256, which K-quants need: "
        f"they are kept as {names}, and the file is larger than others of its name."
    )
