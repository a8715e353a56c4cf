"""Which of the processes of one training run this is, as the launcher said in the environment.

`offbook train --processes N`, torchrun and `accelerate launch` set the same variables. They are taken out of the
environment, because transformers and accelerate would act on them: each process's Trainer is to see one process, and
only the optimizer step is shared (`training/process_group.py`).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from offbook.core.errors import UsageError

VARIABLES = (
    *("RANK", "LOCAL_RANK", "GROUP_RANK", "ROLE_RANK"),
    *("WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE"),
    *("MASTER_ADDR", "MASTER_PORT"),
)
"""What launchers set for each process; beside these, accelerate sets ACCELERATE_…."""
PARENT = "OFFBOOK_PARENT"
"""The process that started this one, which ends with it."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Launch:
    """This process among those of its run."""

    rank: int = 0
    """Its number; process 0 owns the run folder."""
    size: int = 1
    """How many there are."""
    address: str = "127.0.0.1"
    """Where process 0, or the launcher's agent, is reached."""
    port: int = 0
    agent_listens: bool = False
    """Whether the launcher listens at that address, rather than process 0."""
    restarts: int = 0
    """How often the launcher has started the processes anew."""

    def variables(self, parent: int) -> dict[str, str]:
        """What tells a process on this machine that it is this one, started by process `parent`."""
        values = {
            **{"RANK": self.rank, "LOCAL_RANK": self.rank, "WORLD_SIZE": self.size, "LOCAL_WORLD_SIZE": self.size},
            **{"MASTER_ADDR": self.address, "MASTER_PORT": self.port, PARENT: parent},
        }
        return {name: str(value) for name, value in values.items()}


@cache
def launched() -> Launch:
    """What the launcher said; the first call takes it out of the environment, so it comes before transformers is used.

    Raises:
        UsageError: the variables contradict each other, or some are missing.
    """
    given = {name: os.environ.pop(name) for name in VARIABLES if name in os.environ}
    for name in [name for name in os.environ if name.startswith("ACCELERATE_")]:
        del os.environ[name]
    if given.get("WORLD_SIZE", "1") == "1":
        return Launch()
    launch = _parse(given)
    if parent := os.environ.pop(PARENT, None):
        _end_with(int(parent))
    _keep_one_gpu(int(given.get("LOCAL_RANK", "0")))
    return launch


def _parse(given: Mapping[str, str]) -> Launch:
    try:
        launch = Launch(
            rank=int(given["RANK"]),
            size=int(given["WORLD_SIZE"]),
            address=given["MASTER_ADDR"],
            port=int(given["MASTER_PORT"]),
            agent_listens=os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
            restarts=int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")),
        )
    except KeyError as missing:
        raise UsageError(
            "WORLD_SIZE says that there are several processes, but {name} is not set",
            "Start them with torchrun or accelerate launch, which set it; on one machine: offbook train --processes N",
            name=missing.args[0],
        ) from None
    except ValueError:
        launch = Launch(rank=-1)
    if not 0 <= launch.rank < launch.size:
        text = ", ".join(f"{name}={given[name]}" for name in ("RANK", "WORLD_SIZE", "MASTER_PORT"))
        raise UsageError("the launcher's variables make no sense: {text}", "Start it with torchrun.", text=text)
    return launch


def _end_with(parent: int) -> None:
    """End this process when its parent is gone, even one that is killed while this one loads a model (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def _keep_one_gpu(local_rank: int) -> None:
    """Let this process see one GPU: its own among those of its machine."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(local_rank)
    elif local_rank < len(devices := visible.split(",")):
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[local_rank]
