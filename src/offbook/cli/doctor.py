"""The command `offbook doctor`."""

from __future__ import annotations

import importlib.util
import shutil
from typing import Any

import click

from offbook.cli.command import Command
from offbook.cli.options import json_option, print_json
from offbook.core.i18n import translate
from offbook.core.launch import launched
from offbook.core.progress import fill
from offbook.core.text import format_bytes

GIB = 2**30

OPTIONAL = {
    "tensorboard": "pip install tensorboard",
    "wandb": "pip install wandb",
    "mlflow": "pip install mlflow",
    "trackio": "pip install trackio",
}
"""Trackers beyond SwanLab, and the command that brings them."""


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
    from offbook.core import environment
    from offbook.core.rundir import runs_root
    from offbook.models.load import choose_device, choose_dtype

    network = _network(processes) if processes else None
    if launched().rank:
        return  # process 0 tells
    folder = next(path for path in (runs_root().resolve(), *runs_root().resolve().parents) if path.exists())
    hardware = environment.hardware()
    report: dict[str, Any] = {
        "versions": environment.versions(),
        "hardware": hardware,
        "device": choose_device().type,
        "dtype": str(choose_dtype("auto")).removeprefix("torch."),
        "disk_free_bytes": shutil.disk_usage(folder).free,
        "problems": _problems(hardware, shutil.disk_usage(folder).free),
        "optional": {name: how for name, how in OPTIONAL.items() if importlib.util.find_spec(name) is None},
        **({} if network is None else {"network": network}),
    }
    if as_json:
        print_json(report)
    else:
        _show(report)


def _network(processes: int) -> dict[str, Any] | None:
    from offbook.pipeline.network_check import check_network

    return check_network(processes, timeout=60)


def _problems(hardware: dict[str, Any], disk_free: int) -> list[dict[str, str]]:
    problems = []
    if hardware["memory_bytes"] < 3 * GIB:
        problems.append(
            {
                "what": f"{format_bytes(hardware['memory_bytes'])} of memory: larger models may not fit",
                "fix": "--model.storage bfloat16 --train.max_tokens_per_micro_batch 512",
            }
        )
    if disk_free < 3 * GIB:
        problems.append(
            {
                "what": f"{format_bytes(disk_free)} of disk are free",
                "fix": "Make room, or OFFBOOK_RUNS=/other/disk",
            }
        )
    if hardware["gpu"] is None and shutil.which("nvidia-smi"):
        problems.append(
            {
                "what": "there is an NVIDIA GPU, but this torch is a CPU build",
                "fix": "make setup TORCH_INDEX=… with the address of torch's CUDA builds",
            }
        )
    return problems


def _show(report: dict[str, Any]) -> None:
    hardware = report["hardware"]
    click.echo(
        fill(
            "processor   {processor}, {cores} cores, {vector_units}",
            {"processor": hardware["processor"], "cores": hardware["cores"], "vector_units": hardware["vector_units"]},
        )
    )
    click.echo(fill("memory      {memory_bytes}", {"memory_bytes": format_bytes(hardware["memory_bytes"])}))
    click.echo(fill("GPU         {gpu}", {"gpu": hardware["gpu"] or "none"}))
    click.echo(
        fill(
            "computes    on {device} in {dtype}, {threads} threads",
            {"device": report["device"], "dtype": report["dtype"], "threads": hardware["threads"]},
        )
    )
    click.echo(fill("disk free   {disk_free_bytes}", {"disk_free_bytes": format_bytes(report["disk_free_bytes"])}))
    for name, version in report["versions"].items():
        click.echo(f"{name:<12}{version}")
    for name, how in report["optional"].items():
        click.echo(fill("{name:<12}not installed (only needed to track there): {how}", {"name": name, "how": how}))
    if "network" in report:
        _show_network(report["network"])
    for problem in report["problems"]:
        click.echo(fill("Problem: {detail}\n  {advice}", {"detail": problem["what"], "advice": problem["fix"]}))
    if not report["problems"]:
        click.echo(translate("No problems found."))


def _show_network(network: dict[str, Any]) -> None:
    for place in network["processes"]:
        click.echo(f"process {place['rank']:<4}{place['host']}, {place['address']} on {place['interface']}")
    if network["bytes_per_second"]:
        click.echo(f"latency     {network['latency_seconds'] * 1000:.2f} ms")
        click.echo(f"bandwidth   {format_bytes(int(network['bytes_per_second']))}/s out of each process")
        seconds = f"{network['exchange_seconds']:.3f} s a step"
        click.echo(f"exchange    {seconds} (adapter of rank 8 on ERNIE-4.5-0.3B, a micro-batch a process)")
