"""What the libraries would draw as progress bars of their own, counted instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Any

from offbook.core.progress import CountProgress


@contextmanager
def counting(progress: CountProgress) -> Iterator[None]:
    """Context manager: each bar over a known number of things that transformers would draw is told to `progress`."""
    from transformers.utils import logging

    def count(_factory: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> _CountedBar:
        return _CountedBar(progress, *arguments, **options)

    previous = logging.set_tqdm_hook(count)
    try:
        yield
    finally:
        logging.set_tqdm_hook(previous)


class _CountedBar:
    """Stands in for tqdm's bar: iterates, or is updated by hand."""

    def __init__(
        self, progress: CountProgress, iterable: Iterable[Any] = (), *_: Any, total: float | None = None, **__: Any
    ) -> None:
        self._progress = progress
        self._iterable = iterable
        self._done = 0
        self._total = int(total) if total else len(iterable) if isinstance(iterable, Sized) else 0

    def __iter__(self) -> Iterator[Any]:
        for item in self._iterable:
            yield item
            self.update()

    def __enter__(self) -> _CountedBar:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing has to be taken down."""

    def update(self, count: int = 1) -> None:
        """Count some more."""
        self._done += count
        if self._total:
            self._progress(min(self._done, self._total), self._total)

    def __getattr__(self, _name: str) -> Callable[..., None]:
        """Whatever else a bar can do: descriptions, refreshes."""
        return lambda *_arguments, **_options: None
