"""Frozen weights that the processes of a machine hold once: in a file that each maps into its memory.

A page of a mapped file that nobody has written to is in memory once, however many processes map it (mmap(2)). A process
that changes a weight gets a copy of that page of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from offbook.models.mapped_memory import trim_heap

ALIGNMENT = 64
"""Bytes: where a weight may begin, so that vector instructions read it as they do elsewhere (a cache line)."""


def shareable_bytes(model: nn.Module) -> int:
    """Bytes of the file that `write_weights` makes; 0 for a model that is not in the processor's memory."""
    return sum(_padded(weight) for weight in _frozen(model))


def write_weights(model: nn.Module, path: Path) -> None:
    """Write a model's frozen weights to a file, one behind the other.

    Raises:
        OSError: the disk is full.
    """
    with path.open("wb") as file:
        for weight in _frozen(model):
            content = weight.detach().contiguous().view(-1).view(torch.uint8)
            file.write(content.numpy().data)
            file.write(bytes(_padded(weight) - content.numel()))


def map_weights(model: nn.Module, path: Path) -> None:
    """Let the file of `write_weights`, made of a model with the same weights, take the place of this model's own.

    Parameters stay the same objects. The file may be deleted once it is mapped, where the system allows that.
    """
    size = shareable_bytes(model)
    if not size:
        return
    mapped = torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8)
    start = 0
    for weight in _frozen(model):
        weight.data = mapped[start : start + weight.nbytes].view(weight.dtype).view(weight.shape)
        start += _padded(weight)
    trim_heap()


def _frozen(model: nn.Module) -> Iterator[torch.Tensor]:
    """Parameters and buffers that are not trained and lie in the processor's memory; one that is shared comes once."""
    seen: set[int] = set()
    for weight in (*model.parameters(), *model.buffers()):
        if not weight.requires_grad and weight.device.type == "cpu" and weight.numel() and id(weight) not in seen:
            seen.add(id(weight))
            yield weight


def _padded(weight: torch.Tensor) -> int:
    return -(-weight.nbytes // ALIGNMENT) * ALIGNMENT
