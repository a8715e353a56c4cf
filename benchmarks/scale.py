"""What more processes bring: a training step of 2 processes beside that of 1, and of 1 with 2 threads.

What the machine itself gives is measured with it: two runs that know nothing of each other take a step at the same
time. Cores share memory, cache and frequency, so that two of them are seldom twice as fast as one, whatever they run.

    python benchmarks/scale.py --rows huanhuan.json [--pairs 4] [--micro-batches 4] [--json]

All programs stay loaded and take one optimizer step in turn, on the same rows: A B C A B C …; ratios are taken round by
round and their median is reported. Weights are random, in the shape of ERNIE-4.5-0.3B (see `speed.py`). `hosts` is a
model, not a measurement: the measured seconds of a micro-batch and of what is not shared, and the bytes of the exchange
over a network of the given speed with 0.2 ms a message.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from program import Program, SharedProgram
from speed import BATCH, read_rows

from offbook.core.environment import processor

SETUPS = {"1 process": (1, 1), "2 processes": (2, 1), "1 process, 2 threads": (1, 2)}
"""Name → (processes, threads of each)."""
AT_ONCE = "2 runs at once"
ADAPTER_BYTES = 3_022_848 * 4
LATENCY = 2e-4


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Run the setups in turn; the first round warms up and is not counted."""
    job = {
        **{"model": None, "rows": read_rows(options), "batch_size": BATCH, "max_tokens": 2048},
        **{"micro_batches": options.micro_batches, "compute": options.compute, "offbook_dtype": "auto"},
    }
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:

        def start(processes: int, threads: int) -> list[Program]:
            return SharedProgram(job, Path(folder), processes, threads).programs

        running = {name: start(*setup) for name, setup in SETUPS.items()}
        running[AT_ONCE] = [program for _ in range(2) for program in start(1, 1)]
        rounds = []
        for number in range(options.pairs + 1):
            steps = {}
            for name, programs in running.items():
                answers = list(pool.map(lambda program: program.send("go"), programs))
                steps[name] = max(answers, key=lambda step: float(step["seconds"])) if name == AT_ONCE else answers[0]
            print(number, {name: f"{step['seconds']:.2f} s" for name, step in steps.items()}, file=sys.stderr)
            rounds.append(steps)
        for programs in running.values():
            for program in programs:
                program.end()
    return summary(options, rounds)


def summary(options: argparse.Namespace, rounds: list[Any]) -> dict[str, Any]:
    """The numbers of the report."""
    counted = rounds[1:]

    def seconds(name: str) -> list[float]:
        return [steps[name]["seconds"] for steps in counted]

    ratios = {
        name: sorted(one / other for one, other in zip(seconds("1 process"), seconds(name), strict=True))
        for name in list(SETUPS)[1:]
    }
    at_once = [2 * one / both for one, both in zip(seconds("1 process"), seconds(AT_ONCE), strict=True)]
    shares = [both / 2 / two for both, two in zip(seconds(AT_ONCE), seconds("2 processes"), strict=True)]
    two = [steps["2 processes"] for steps in counted]
    exchange = median(step["exchange_seconds"] for step in two)
    step_seconds, count = median(seconds("1 process")), median(step["micro_batches"] for step in two)
    return {
        "date": date.today().isoformat(),
        "processor": processor(),
        "compute": options.compute,
        "pairs": options.pairs,
        "micro_batches": count,
        "seconds": {name: round(median(seconds(name)), 3) for name in SETUPS},
        "times_one_process": {name: round(median(values), 3) for name, values in ratios.items()},
        "range": {name: [round(values[0], 3), round(values[-1], 3)] for name, values in ratios.items()},
        "machine_times_one_process": round(median(at_once), 3),
        "share_of_machine": round(median(shares), 3),
        "same_weights": all(step["2 processes"]["weights"] == step["1 process"]["weights"] for step in rounds),
        "exchange_seconds": round(exchange, 4),
        "sent_bytes": int(median(step["sent_bytes"] for step in two)),
        "peak_bytes": max(step["peak_bytes"] for step in two),
        "hosts": {
            f"{speed:g} Gbit/s": {hosts: round(modelled(step_seconds, count, hosts, speed), 2) for hosts in (2, 8, 64)}
            for speed in (1.0, 10.0)
        },
    }


def modelled(step_seconds: float, micro_batches: float, hosts: int, gigabits: float) -> float:
    """How many times as fast as one host: each host computes as one does now a step of `micro_batches` a host.

    A host sends its micro-batches' slices and its slice of the sums: (micro-batches + 1) adapters, less its own part.
    """
    sent = ADAPTER_BYTES * (micro_batches + 1) * (hosts - 1) / hosts
    exchange = sent * 8 / (gigabits * 1e9) + 3 * (hosts - 1) * LATENCY
    return hosts * step_seconds / (step_seconds + exchange)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--micro-batches", type=int, default=4)
    parser.add_argument("--compute", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.model, options.system, options.system_tokens = None, None, 0
    result = compare(options)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for name, value in result.items():
        print(f"{name:<20}{value}")


if __name__ == "__main__":
    main()
