"""Short texts that the processes of a run leave for each other; process 0, or torchrun's agent, keeps them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from threading import Thread
from typing import Any

from offbook.core.errors import OffbookError
from offbook.core.launch import Launch

SLICE = timedelta(seconds=0.5)
"""How long a wait goes on before Ctrl-C is heard and the others are looked after."""
POLL = 0.02
"""Seconds between two looks for a text."""
PATIENCE = 15.0
"""Seconds in which the store answers, if the process that keeps it is not stopped."""


class ProcessStore:
    """Texts by name and process.

    Args:
        launch: this process.
        timeout: seconds to wait for the process that keeps the store.
        listener: where process 0 keeps it, if it is bound already.

    Raises:
        OffbookError: nobody answers there.
    """

    def __init__(self, launch: Launch, timeout: float, listener: socket.socket | None = None) -> None:
        from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

        place: Any = {"master_listen_fd": listener.detach()} if listener else {"multi_tenant": True}
        try:
            store = TCPStore(
                launch.address,
                launch.port,
                is_master=launch.rank == 0 and not launch.agent_listens,
                timeout=timedelta(seconds=timeout),
                wait_for_workers=False,
                **place,
            )
        except RuntimeError as error:
            raise OffbookError(
                "process {rank} cannot reach process 0 at {address}:{port}",
                "Is it running, and does a firewall let the port through? offbook doctor --processes 2, started the "
                "same way, says what is reached.",
                rank=launch.rank,
                address=launch.address,
                port=launch.port,
            ) from error
        self.rank = launch.rank
        self.store: Any = PrefixStore(f"offbook/{launch.restarts}", store)
        """torch's own object, through which gloo finds the other processes."""
        self._deaf = False

    def tell(self, name: str, text: str) -> None:
        """Leave a text under this process's number."""
        with suppress(RuntimeError):  # it will be missed where it is waited for
            self._ask(lambda store: store.set(f"{name}/{self.rank}", text))

    def read(self, name: str, rank: int, *, wait: bool = False) -> str | None:
        """What another process has left; None if that is nothing, or if the store does not answer.

        Args:
            name: of the text.
            rank: of the process.
            wait: whether to wait for it, for `SLICE`.
        """
        key = f"{name}/{rank}"

        def look(store: Any) -> str | None:
            end = time.monotonic() + (SLICE.total_seconds() if wait else 0.0)
            # The store's own wait would print a warning of torch's wherever it takes longer than a slice.
            while not (there := store.check([key])) and time.monotonic() < end:
                time.sleep(POLL)
            return store.get(key).decode() if there else None

        try:
            return self._ask(look)
        except RuntimeError:
            return None

    def answers(self) -> bool:
        """Whether the process that keeps the store is there."""
        try:
            self._ask(lambda store: store.check(["anything"]))
        except RuntimeError:
            return False
        return True

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        """Ask the store; one whose process is stopped would never answer, and is not asked again.

        Raises:
            RuntimeError: it does not answer, or has no such thing.
        """
        if self._deaf:
            raise RuntimeError("the store does not answer")
        answers: list[tuple[Any, RuntimeError | None]] = []

        def ask() -> None:
            try:
                answers.append((question(self.store), None))
            except RuntimeError as error:
                answers.append((None, error))

        thread = Thread(target=ask, daemon=True)
        thread.start()
        thread.join(PATIENCE)
        if not answers:
            self._deaf = True
            raise RuntimeError("the store does not answer")
        answer, error = answers[0]
        if error is not None:
            raise error
        return answer
