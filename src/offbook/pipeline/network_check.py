"""Do the processes of a run reach each other, by which way, how fast, and what does that cost a step?"""

from __future__ import annotations

import json
import socket
import time
from statistics import median
from typing import Any

import psutil
import torch

from offbook.pipeline.launching import process_group
from offbook.training.process_group import ProcessGroup

WEIGHTS = 3_022_848
"""Adapter weights of the exchange that is timed: rank 8 on all modules of ERNIE-4.5-0.3B."""
PINGS = 20


def check_network(processes: int, timeout: float | None = None) -> dict[str, Any] | None:
    """Let the processes meet, and time their exchange; started by a launcher, all call it.

    Returns:
        `processes` (rank, host, address, interface of each), `latency_seconds` of the smallest exchange,
        `exchange_seconds` and `exchange_bytes` of a step with a micro-batch a process, `bytes_per_second`; None on all
        processes but the first.

    Raises:
        OffbookError: they do not reach each other.
    """

    def command(_folder: object) -> list[str]:
        return ["doctor", "--processes", str(processes)]

    with process_group(command, processes, timeout) as group:
        if group.size == 1:
            return _report([_place(group)], 0.0, 0.0, 0)
        group.connect()
        group.tell("place", json.dumps(_place(group)))
        latency = median(_seconds(group, torch.zeros(1)) for _ in range(PINGS))
        before, seconds = group.sent_bytes, min(_exchange(group) for _ in range(3))
        sent = (group.sent_bytes - before) // 3
        if group.rank:
            group.read("done", 0)
            return None
        places = [json.loads(group.read("place", rank)) for rank in range(group.size)]
        group.tell("done", "")
        return _report(places, latency, seconds, sent)


def _report(places: list[Any], latency: float, seconds: float, sent: int) -> dict[str, Any]:
    return {
        "processes": places,
        "latency_seconds": latency,
        "exchange_seconds": seconds,
        "exchange_bytes": sent,
        "bytes_per_second": sent / seconds if seconds else None,
    }


def _place(group: ProcessGroup) -> dict[str, Any]:
    address = group.own_address()
    interfaces = [
        name for name, entries in psutil.net_if_addrs().items() if address in {entry.address for entry in entries}
    ]
    return {
        "rank": group.rank,
        "host": socket.gethostname(),
        "address": address,
        "interface": interfaces[0] if interfaces else None,
    }


def _seconds(group: ProcessGroup, values: torch.Tensor) -> float:
    began = time.perf_counter()
    group.all_gather(values)
    return time.perf_counter() - began


def _exchange(group: ProcessGroup) -> float:
    """Seconds of a step's exchange: a micro-batch's gradient from each process, and the sums."""
    width = -(-WEIGHTS // group.size)
    began = time.perf_counter()
    group.all_to_all(torch.zeros(width * group.size), [width] * group.size, [width] * group.size)
    group.all_gather(torch.zeros(width))
    return time.perf_counter() - began
