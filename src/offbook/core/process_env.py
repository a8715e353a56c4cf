"""Settings of the process that torch, OpenMP and the C library read once, when they are loaded.

Memory: a training step makes and drops a gigabyte of tensors. By default the C library returns each large one to the
system at once, and every page of the next is zeroed and mapped anew. oneDNN keeps a kernel, a megabyte each, for every
shape that it has met, and each pass of a training run has shapes of its own.

Threads: OpenMP's threads wait for each other by spinning. Beside any other program that wants a core, the one that is
waited for is the one that does not run, and a step takes several times as long. Threads that sleep at once need longer
to wake than the small products of a new token take. So they spin, but not for long.

Objects: importing torch and transformers makes millions that stay, and Python's garbage collector would go through all
of them hundreds of times. It goes through them seldom instead, which takes a fifth off the start.

Text: what is printed is UTF-8 whatever the locale says. Some know no Chinese, and a print would end the run.
"""

from __future__ import annotations

import ctypes
import gc
import io
import os
import platform
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEEP_BYTES = 1 << 30
KERNELS = 64
"""Kernels that oneDNN keeps: more than a pass needs, fewer than a run would collect."""
SPINS = 1000
"""Rounds that a thread of GNU's OpenMP waits before it sleeps: some ten microseconds."""
NEW_OBJECTS = 10_000
"""New objects after which Python looks for garbage among them, in place of 700 (2,000 in later versions)."""


def prepare() -> None:
    """Print UTF-8, seek garbage seldom, reuse freed memory, in huge pages, keep few kernels, let waiting threads sleep.

    To be called before torch is imported. What the user has set in the environment stays.
    """
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
    for stream in (sys.stdout, sys.stderr):
        if "PYTHONIOENCODING" not in os.environ and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # for OpenMP libraries that know no other word
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))
    for cache in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):  # torch's own, and the library's below it
        os.environ.setdefault(cache, str(KERNELS))
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch's own switch for transparent huge pages
    if platform.libc_ver()[0] == "glibc" and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, KEEP_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEEP_BYTES)
