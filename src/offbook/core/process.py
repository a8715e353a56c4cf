"""Settings of the process that torch, OpenMP and the C library read once, when they are loaded.

Memory: a training step makes and drops a gigabyte of tensors. By default the C library returns each large one to the
system at once, and every page of the next is zeroed and mapped anew.

Threads: OpenMP's threads wait for each other by spinning. Beside any other program that wants a core, the one that is
waited for is the one that does not run, and a step takes several times as long.
"""

from __future__ import annotations

import ctypes
import os
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEEP_BYTES = 1 << 30


def prepare() -> None:
    """Let freed memory be reused, in huge pages, and let waiting threads sleep. To be called before torch is imported.

    What the user has set in the environment stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch's own switch for transparent huge pages
    if platform.libc_ver()[0] == "glibc" and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, KEEP_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEEP_BYTES)
