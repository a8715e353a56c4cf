"""The processes of a run, one a rank, as a launcher on each host would start them.

with Ranks() as ranks:
    job = ranks.run(settings, folder, count=3)
    job = ranks.run(settings, folder, count=2, sabotage={1: "nan"})
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from offbook.core.rundir import RunDir
from tests.forks import Forked, Forks

TIMEOUT = "60"


class Ranks(Forks):
    """Starts the processes of a run, one a rank."""

    def __enter__(self) -> Ranks:
        return self

    def begin(
        self,
        settings: Mapping[str, Any],
        folder: Path,
        count: int,
        *flags: str,
        sabotage: Mapping[int, str] | None = None,
        hosts: Sequence[Any] = (),
        overrides: Mapping[int, Mapping[str, Any]] | None = None,
        timeout: str = TIMEOUT,
    ) -> RankProcesses:
        """Start `offbook train` on `count` processes.

        Args:
            settings: of the run.
            folder: where process 0 has its runs; the others' are never used.
            count: how many processes.
            flags: of the command line.
            sabotage: rank → name of a function of `PATCHES` that is called in it first; -1 stands for all.
            hosts: a `Host` for each rank; none: all on this one.
            own: rank → settings that it has of its own.
            timeout: `--timeout`.
        """
        address, port = (hosts[0].address, 29511) if hosts else ("127.0.0.1", free_port())
        processes = []
        for rank in range(count):
            runs = folder / ("runs" if rank == 0 else f"runs-{rank}")
            runs.mkdir(parents=True, exist_ok=True)
            environment = {
                **{"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)},
                **{"MASTER_ADDR": address, "MASTER_PORT": str(port), "OFFBOOK_RUNS": str(runs)},
            }
            values = {**settings, **(hosts[rank].settings if hosts else {}), **(overrides or {}).get(rank, {})}
            words = [word for key, value in values.items() for word in (f"--{key}", json.dumps(value))]
            patches = [(__name__, name) for name in ((sabotage or {}).get(rank), (sabotage or {}).get(-1)) if name]
            process = self.start(
                ["train", *words, "--timeout", timeout, *flags],
                environment,
                folder / f"said-{rank}.txt",
                patches=patches,
                namespace=hosts[rank].name if hosts else None,
            )
            processes.append(process)
        return RankProcesses(RunDir(folder / "runs" / "tiny"), processes)

    def run(self, settings: Mapping[str, Any], folder: Path, count: int, *flags: str, **more: Any) -> RankProcesses:
        """Begin, and wait for the end of all."""
        job = self.begin(settings, folder, count, *flags, **more)
        job.end()
        return job


class RankProcesses:
    """The processes of one run."""

    def __init__(self, run: RunDir, processes: list[Forked]) -> None:
        self.run_dir, self.processes = run, processes
        self.codes: list[int] = []

    def end(self) -> list[int]:
        """Wait for all; the exit code of each rank."""
        self.codes = [process.wait() for process in self.processes]
        return self.codes

    def texts(self, rank: int = 0) -> str:
        """What a rank said."""
        return self.processes[rank].texts()

    def signal(self, rank: int, number: signal.Signals) -> None:
        """Send a signal to a rank, if it still lives."""
        self.processes[rank].signal(number)

    def reach(self, step: int) -> None:
        """Wait until the checkpoint of a step is there."""
        folder = self.run_dir.checkpoints / f"step-{step:06d}"
        end = time.monotonic() + 100
        while not folder.exists() and time.monotonic() < end:
            time.sleep(0.002)
        assert folder.exists(), self.texts()

    @property
    def adapter(self) -> str:
        """The sha256 of the run's adapter."""
        return adapter_of(self.run_dir, "\n".join(map(self.texts, range(len(self.processes)))))


def adapter_of(run: RunDir, texts: str = "") -> str:
    """The sha256 of a run's adapter."""
    path = run.adapter / "adapter_model.safetensors"
    assert path.is_file(), texts
    return sha256(path.read_bytes()).hexdigest()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _assign(order: Callable[[int, int], int]) -> Callable[[], None]:
    def patch() -> None:
        from offbook.training import work_sharing

        work_sharing.share_out = lambda costs, speeds: [order(piece, len(speeds)) for piece in range(len(costs))]

    return patch


def _in_step(step: int, act: Callable[[Any], Any]) -> Callable[[], None]:
    """Do something with the loss of a micro-batch of a step."""

    def patch() -> None:
        from offbook.training import trainer

        original = trainer.StepTrainer.training_step

        def training_step(self: Any, model: Any, inputs: Any, number: Any = None) -> Any:
            if self.state.global_step == step:
                loss_sum = self.objective.loss_sum
                object.__setattr__(self.objective, "loss_sum", lambda *given: act(loss_sum(*given)))
            return original(self, model, inputs, number)

        trainer.StepTrainer.training_step = training_step  # type: ignore[method-assign, assignment]

    return patch


def _slowly(loss: Any) -> Any:
    time.sleep(0.05)
    return loss


def _raise(error: Exception) -> Any:
    raise error


def _full_disk() -> None:
    from offbook.training import trainer

    original = trainer.StepTrainer._save_checkpoint

    def save(self: Any, model: Any, trial: Any) -> None:
        if self.state.global_step > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(self, model, trial)

    trainer.StepTrainer._save_checkpoint = save  # type: ignore[method-assign]


def _out_of_order() -> None:
    """Add the gradients in another order: the mechanism broken on purpose."""
    from offbook.training import work_sharing

    original = work_sharing.WorkSharing._add_in_order

    def backwards(self: Any, parts: Any, ranks: Any) -> Any:
        counts = [ranks.count(rank) for rank in range(self.group.size)]
        order = [rank for rank, count in reversed(list(enumerate(counts))) for _ in range(count)]
        return original(self, parts, order)

    work_sharing.WorkSharing._add_in_order = backwards  # type: ignore[method-assign]


def _end_in_verdict() -> None:
    """Die as if killed when the first held-out row is to be scored."""
    from offbook.generation import scoring

    scoring._score = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]


def _other_units() -> None:
    from offbook.core import environment

    report = environment.arithmetic()
    environment.arithmetic = lambda: {**report, "vector_units": "AVX9"}


PATCHES: dict[str, Callable[[], None]] = {
    "all to the last": _assign(lambda piece, size: size - 1),
    "in turns": _assign(lambda piece, size: piece % size),
    "nan": _in_step(4, lambda loss: loss * float("nan")),
    "memory": _in_step(4, lambda loss: _raise(MemoryError())),
    "bug": _in_step(4, lambda loss: _raise(ValueError("a bug"))),
    "disk": _full_disk,
    "out of order": _out_of_order,
    "ends in verdict": _end_in_verdict,
    "slow": _in_step(0, _slowly),
    "other vector units": _other_units,
}
