"""Versions, hardware and git state of the computer: shown by `doctor`, recorded in a run's `environment.json`."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "tokenizers",
    "safetensors",
    "numpy",
    "swanlab",
    "modelscope-hub",
)


def versions() -> dict[str, str]:
    """Name → version of Python, offbook and the libraries that affect the result."""
    return {
        "python": platform.python_version(),
        **{name: version for name in ("offbook", *PACKAGES) if (version := _version(name)) is not None},
    }


def hardware() -> dict[str, Any]:
    """Processor, cores, threads, memory in bytes, GPU."""
    import psutil
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "system": platform.platform(),
        "processor": processor(),
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
        "threads": torch.get_num_threads(),
        "vector_units": torch.backends.cpu.get_cpu_capability(),
        "bfloat16_matrix_units": torch.cpu._is_amx_tile_supported(),
        "memory_bytes": psutil.virtual_memory().total,
        "gpu": gpu or ("Apple" if torch.backends.mps.is_available() else None),
    }


def usable_cores() -> int:
    """Cores that this process may use, which a container or a scheduler may have limited."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def arithmetic() -> dict[str, Any]:
    """The part of the hardware that decides in which order numbers are summed, and so the last bits of a result."""
    report = hardware()
    return {name: report[name] for name in ("threads", "vector_units", "gpu")}


def snapshot() -> dict[str, Any]:
    """Versions and hardware with time, command line and git state, for `environment.json`."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "versions": versions(),
        "hardware": hardware(),
        "git": _git_state(),
    }


def _version(package: str) -> str | None:
    """The installed version; None for an optional package that is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """The processor's name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def _git_state() -> str | None:
    """Commit of the current folder's repository, with a mark where files differ from it.

    None outside of a repository, or where git does not answer.
    """
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):  # a huge repository on a slow disk, say
        return None
    return answer.stdout.strip() or None
