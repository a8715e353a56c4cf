"""The command `offbook doctor`."""

from __future__ import annotations

import importlib.util
import shutil
from typing import Any

import click

from offbook.cli.command import Command
from offbook.cli.json_output import json_option, print_json
from offbook.core.i18n import translate
from offbook.core.launch import launched
from offbook.core.progress import fill
from offbook.core.text import format_bytes

GIB = 2**30

OPTIONAL = {name: f"pip install {name}" for name in ("swanlab", "tensorboard", "wandb", "mlflow", "trackio")}
"""Trackers, and the command that brings each."""


@click.command(cls=Command)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="See also whether so many processes reach each other, how fast, and what a step's exchange costs; under "
    "torchrun, whether its processes do.",
)
@json_option
def command(processes: int | None, as_json: bool) -> None:
    """Look at versions, memory, disk, processor and GPU, and say what is missing and how to fix it."""
    from offbook.cli.progress_bar import reporting

    with reporting() as reporter:
        reporter.stage("Starting")
        from offbook.models import load  # noqa: F401 - its imports are what takes time

        if processes:
            reporter.stage("Letting the processes meet")
        network = _network(processes) if processes else None
    if launched().rank:
        return  # process 0 tells
    report = _report() if network is None else {**_report(), "network": network}
    if as_json:
        print_json(report)
    else:
        _show(report)


def _report() -> dict[str, Any]:
    """What this computer is and has."""
    from offbook.core import environment
    from offbook.core.rundir import runs_root
    from offbook.models.load import choose_device, choose_dtype

    folder = next(path for path in (runs_root().resolve(), *runs_root().resolve().parents) if path.exists())
    hardware = environment.hardware()
    return {
        "versions": environment.versions(),
        "hardware": hardware,
        "device": choose_device().type,
        "dtype": str(choose_dtype("auto")).removeprefix("torch."),
        "disk_free_bytes": shutil.disk_usage(folder).free,
        "problems": _problems(hardware, shutil.disk_usage(folder).free),
        "optional": {name: how for name, how in OPTIONAL.items() if importlib.util.find_spec(name) is None},
    }


def _network(processes: int) -> dict[str, Any] | None:
    from offbook.pipeline.network_check import check_network

    return check_network(processes, timeout=60)


def _problems(hardware: dict[str, Any], disk_free: int) -> list[dict[str, str]]:
    problems = []
    if hardware["memory_bytes"] < 3 * GIB:
        memory = {"memory": format_bytes(hardware["memory_bytes"])}
        problems.append(
            {
                "what": fill("{memory} of memory: larger models may not fit", memory),
                "fix": fill(
                    "Train with {options}",
                    {"options": "--model.storage bfloat16 --train.max_tokens_per_micro_batch 512"},
                ),
            }
        )
    if disk_free < 3 * GIB:
        problems.append(
            {
                "what": fill("only {free} of disk are free", {"free": format_bytes(disk_free)}),
                "fix": translate("Make room, or keep runs on another disk: export OFFBOOK_RUNS=/other/disk"),
            }
        )
    if hardware["gpu"] is None and shutil.which("nvidia-smi"):
        problems.append(
            {
                "what": translate("there is an NVIDIA GPU, but this torch is a CPU build"),
                "fix": translate("make setup TORCH_INDEX=… with the address of torch's CUDA builds"),
            }
        )
    return problems


def _show(report: dict[str, Any]) -> None:
    """Print the report: the machine first, problems last, where they are seen."""
    from rich.table import Table

    from offbook.cli.terminal import console

    hardware = report["hardware"]
    out = console(stderr=False)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    processor = fill(
        "{processor}, {cores} cores, {vector_units}",
        {key: hardware[key] for key in ("processor", "cores", "vector_units")},
    )
    computes = fill(
        "on {device} in {dtype}, {threads} threads",
        {"device": report["device"], "dtype": report["dtype"], "threads": hardware["threads"]},
    )
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    for title, value in (
        (translate("processor"), processor),
        (translate("memory"), format_bytes(hardware["memory_bytes"])),
        (translate("GPU"), hardware["gpu"] or translate("none")),
        (translate("computes"), computes),
        (translate("disk free"), format_bytes(report["disk_free_bytes"])),
        (translate("versions"), versions),
        (translate("trackers"), _trackers(report["optional"])),
        *(_network_rows(report["network"]) if "network" in report else ()),
    ):
        table.add_row(title, value)
    out.print(table)
    for problem in report["problems"]:
        out.print(fill("Problem: {what}", problem), style="yellow")
        out.print(f"  {problem['fix']}", soft_wrap=True)
    if not report["problems"]:
        out.print(translate("No problems found."))


def _trackers(missing: dict[str, str]) -> str:
    """What can be tracked to, and how to get what cannot."""
    if not missing:
        return translate("all installed")
    packages = " ".join(missing)
    return fill("not installed, and only needed to track there: {names} (pip install {names})", {"names": packages})


def _network_rows(network: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        (fill("process {rank}", place), fill("{host}, {address} on {interface}", place))
        for place in network["processes"]
    ]
    if network["bytes_per_second"]:
        speed = {"speed": format_bytes(int(network["bytes_per_second"]))}
        exchange = {"seconds": network["exchange_seconds"]}
        rows += [
            (translate("latency"), f"{network['latency_seconds'] * 1000:.2f} ms"),
            (translate("bandwidth"), fill("{speed}/s out of each process", speed)),
            (
                translate("exchange"),
                fill("{seconds:.3f} s a step (adapter of rank 8 on ERNIE-4.5-0.3B, a micro-batch a process)", exchange),
            ),
        ]
    return rows
