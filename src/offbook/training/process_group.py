"""The processes of a run: what they tell each other, and what happens when one of them is lost.

Process 0 (or torchrun's agent) keeps a store of small texts, by which the processes meet, compare what they have, and
leave word of why they failed. Tensors travel through gloo (torch.distributed). A group of one needs neither.
"""

from __future__ import annotations

import ctypes
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch

from offbook.core.errors import OffbookError
from offbook.core.i18n import marked, translate
from offbook.core.launch import Launch
from offbook.training.process_store import SLICE, ProcessStore

TIMEOUT = 600.0
"""Seconds that a process waits for the others, which may be loading a model or writing a checkpoint."""
WORD = 2.0
"""Seconds in which a process that fails has left word of it."""
RESUME = marked("What was saved is intact: go on with --resume, with as many processes as you like.")


class ProcessGroup:
    """The processes of a run; `ProcessGroup()` is the group of one.

    Args:
        launch: this process among them.
        timeout: seconds to wait for the others.
        fate: says what became of the processes that this one started, if one is known to have ended.
        folder: for files that process 0 makes for all; None where not all are known to be on this machine.
    """

    def __init__(
        self,
        launch: Launch | None = None,
        timeout: float = TIMEOUT,
        fate: Callable[[], str | None] = lambda: None,
        folder: Path | None = None,
    ) -> None:
        self.launch = launch or Launch()
        self.timeout = timeout
        self.fate = fate
        self.folder = folder
        self.flag = 0
        """What this process tells the others with the next step: the number of a signal, 0 for none."""
        self.agreed_flag = 0
        """The largest flag that any process told with the last step."""
        self.sent_bytes = 0
        """Bytes of tensors that this process has sent."""
        self.shared_tasks = 0
        """How often tasks were shared out, all processes having the same number (see `work_sharing.share_tasks`)."""
        self._store: ProcessStore | None = None
        self._gloo: Any = None
        self._begun = 0

    @property
    def rank(self) -> int:
        """This process's number."""
        return self.launch.rank

    @property
    def size(self) -> int:
        """How many processes there are."""
        return self.launch.size

    def meet(self, listener: socket.socket | None = None) -> None:
        """Reach the store.

        Args:
            listener: where process 0 keeps the store, if it is bound already.

        Raises:
            OffbookError: nobody answers there.
        """
        self._store = ProcessStore(self.launch, self.timeout, listener)

    def connect(self) -> None:
        """Join the processes for tensors; all call it.

        Raises:
            OffbookError: one of the others is lost.
        """
        from torch.distributed import ProcessGroupGloo

        options: Any = ProcessGroupGloo._Options()  # type: ignore[attr-defined]
        options._devices = [ProcessGroupGloo.create_device(hostname=self.own_address())]
        options._timeout = timedelta(seconds=self.timeout)
        try:
            self._gloo = ProcessGroupGloo(self.store.store, self.rank, self.size, options)
        except RuntimeError as error:
            raise self._lost() from error

    def own_address(self) -> str:
        """The address of this machine from which the meeting place is reached; the others reach it there."""
        family = socket.AF_INET6 if ":" in self.launch.address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((self.launch.address, self.launch.port or 9))
                return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"

    def share(self, name: str, make: Callable[[], str]) -> str:
        """A text that process 0 makes, on all processes.

        Raises:
            OffbookError: process 0 is lost.
        """
        if self.size == 1:
            return make()
        if self.rank:
            return self.read(name, 0)
        text = make()
        self.tell(name, text)
        return text

    def tell(self, name: str, text: str) -> None:
        """Leave a text for the others, under this process's number."""
        self.store.tell(name, text)

    def read(self, name: str, rank: int) -> str:
        """Wait for a text of another process.

        Raises:
            OffbookError: it is lost, or has nothing to say for too long.
        """
        end = time.monotonic() + self.timeout
        while (text := self.store.read(name, rank, wait=True)) is None:
            self._look_after(patient=time.monotonic() < end)
        return text

    @property
    def store(self) -> ProcessStore:
        """Where the processes leave texts for each other; there is none in a group of one."""
        assert self._store is not None
        return self._store

    def all_gather(self, values: torch.Tensor) -> list[torch.Tensor]:
        """The tensors of all processes, in their order; all have the same shape."""
        if self.size == 1:
            return [values]
        gathered = [torch.empty_like(values) for _ in range(self.size)]
        self._collective(lambda gloo: gloo.allgather([gathered], [values]))
        self.sent_bytes += values.nbytes * (self.size - 1)
        return gathered

    def all_to_all(self, sent: torch.Tensor, sizes_sent: list[int], sizes: list[int]) -> list[torch.Tensor]:
        """Send a part of a flat tensor to each process, and get what each sent here.

        Args:
            sent: the parts, one behind the other.
            sizes_sent: length of each part.
            sizes: length of what comes from each process.
        """
        received = sent.new_empty(sum(sizes))
        self._collective(lambda gloo: gloo.alltoall_base(received, sent, sizes, sizes_sent))
        self.sent_bytes += (len(sent) - sizes_sent[self.rank]) * sent.element_size()
        return list(received.split(sizes))

    def broadcast(self, content: bytes) -> bytes:
        """Bytes of process 0, on all processes (what the others pass is not looked at)."""
        if self.size == 1:
            return content
        size = torch.tensor([len(content)])
        self._collective(lambda gloo: gloo.broadcast([size], _from_first()))
        data = torch.frombuffer(bytearray(content), dtype=torch.uint8) if not self.rank and content else None
        data = torch.empty(int(size), dtype=torch.uint8) if data is None else data
        if len(data):
            self._collective(lambda gloo: gloo.broadcast([data], _from_first()))
        return data.numpy().tobytes()

    def _collective(self, start: Callable[[Any], Any]) -> None:
        """Take part in a collective, and wait for it.

        Raises:
            OffbookError: a process is lost, or does not come.
        """
        self._begun += 1
        self.tell("begun", str(self._begun))
        end = time.monotonic() + self.timeout
        try:
            work = start(self._gloo)
        except RuntimeError as error:
            raise self._lost() from error
        while True:
            try:
                work.wait(SLICE)
                return
            except RuntimeError as error:
                if work.is_completed() or time.monotonic() > end:
                    raise self._lost() from error
                self._look_after(patient=True)

    def _look_after(self, *, patient: bool) -> None:
        """Raise if a process is known to be lost, or if patience is at an end."""
        if self._word() is not None or not patient or not self.store.answers():
            raise self._lost()

    def _word(self) -> str | None:
        """Why another process failed, if it said so or ended before the eyes of this one."""
        words = (self.store.read("failed", rank) for rank in range(self.size) if rank != self.rank)
        return next((word for word in words if word is not None), None) or self.fate()

    def _lost(self) -> OffbookError:
        """What to tell the user when a process does not answer."""
        end = time.monotonic() + WORD
        word = self._word()
        while word is None and time.monotonic() < end:
            time.sleep(0.1)
            word = self._word()
        if word is not None:
            return OffbookError("{word}", RESUME, word=word)
        return OffbookError(
            "{who} ended, or has not answered for {seconds:.0f} s", RESUME, who=self._missing(), seconds=self.timeout
        )

    def _missing(self) -> str:
        """Which processes have not come as far as this one."""
        begun = {rank: int(self.store.read("begun", rank) or 0) for rank in range(self.size) if rank != self.rank}
        behind = [rank for rank, count in begun.items() if count < self._begun]
        if not self.store.answers():
            behind = [0]
        numbers = ", ".join(map(str, behind))
        return translate("process {numbers}").format(numbers=numbers) if behind else translate("another process")

    def give_up(self, error: BaseException) -> None:
        """Say why this process fails, before it does."""
        if self._store is not None:
            what = error.what if isinstance(error, OffbookError) else f"{type(error).__name__}: {error}"
            text = translate("process {rank} ({host}) ended: {what}")
            self.tell("failed", text.format(rank=self.rank, host=socket.gethostname(), what=what))
        if self._gloo is not None:
            # Never destroyed: gloo's destructor would wait, until its own timeout, for a collective that hangs.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._gloo))

    def compare(self, topic: str, ours: dict[str, str]) -> list[str]:
        """Compare what must be the same everywhere.

        Args:
            topic: what it is about; each is compared once.
            ours: name of a thing → its hash or text here.

        Returns:
            What differs from process 0's, a phrase each with the process and its host; the same list on all processes.
        """
        if self.size == 1:
            return []
        self.tell(f"own {topic}", json.dumps([socket.gethostname(), ours]))
        if self.rank:
            differences = list(json.loads(self.read(f"different {topic}", 0)))
            self.tell(f"heard {topic}", "")
            return differences
        different, process = [], translate("process")
        for rank in range(1, self.size):
            host, other = json.loads(self.read(f"own {topic}", rank))
            for name, value in ours.items():
                if other.get(name) != value:
                    shown = f" ({value} → {other.get(name)})" if len(value) < 64 else ""
                    different.append(f"{name}{shown}: {process} {rank} ({host})")
        self.tell(f"different {topic}", json.dumps(different))
        for rank in range(1, self.size) if different else ():
            self.read(f"heard {topic}", rank)  # whoever is refused then hears of it before this process ends
        return different


def _from_first() -> Any:
    from torch.distributed import BroadcastOptions

    options = BroadcastOptions()
    options.rootRank, options.rootTensor = 0, 0
    return options


@contextmanager
def joined(group: ProcessGroup, listener: socket.socket | None = None) -> Iterator[ProcessGroup]:
    """Context manager: the group with its store; a failure of this process is told to the others."""
    if group.size > 1:
        group.meet(listener)
    try:
        yield group
    except BaseException as error:
        group.give_up(error)
        raise
