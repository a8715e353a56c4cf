"""Weights that are read from a mapped file: their pages count as this process's memory until they are given back.

safetensors maps a file instead of reading it, so a weight takes memory when it is first looked at, and keeps it for as
long as any other weight of the same file is in use, an embedding for instance.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path

import torch

MAPS = Path("/proc/self/maps")
MADV_DONTNEED = 4
"""Linux: the pages are not needed; of a file that nobody has changed they are read again if they are (madvise(2))."""


def release(weight: torch.Tensor) -> None:
    """Give back the memory of a weight that lies in a mapped file, on Linux; any other weight is left alone.

    The weight stays what it is: looked at again, it is read from the file again.
    """
    if sys.platform != "linux" or weight.device.type != "cpu" or not weight.is_contiguous():
        return
    address, size = weight.data_ptr(), weight.numel() * weight.element_size()
    first = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
    last = (address + size) // mmap.PAGESIZE * mmap.PAGESIZE
    if last > first and _is_in_file(first, last):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), MADV_DONTNEED)


def trim_heap() -> None:
    """Give back the memory of what was freed, which glibc keeps for later (malloc_trim(3)); elsewhere, do nothing."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _is_in_file(first: int, last: int) -> bool:
    """Whether addresses lie in one mapping of a file.

    Lines of maps: `first-last perms offset device inode path` (proc_pid_maps(5)).
    """
    try:
        lines = MAPS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    for line in lines:
        addresses, _, _, _, inode, *_ = line.split(maxsplit=5)
        low, high = (int(bound, 16) for bound in addresses.split("-"))
        if low <= first and last <= high:
            return inode != "0"
    return False
