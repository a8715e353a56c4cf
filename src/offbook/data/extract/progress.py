"""How far chats are read, which may be gigabytes: over all files, and over the passes that are made through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from offbook.core.progress import CountProgress
from offbook.data.extract.chat_log.slack_workspace import slack_workspace


def bytes_of(path: Path) -> int:
    """The size of a file, or of all that is read of a workspace."""
    workspace = slack_workspace(path)
    return workspace.size if workspace else path.stat().st_size


class Passes:
    """Makes of the bytes that are read of each file how far the whole is.

    Args:
        count: how often the files are gone through.
        progress: is told the bytes that are done, and those of all files.
    """

    def __init__(self, count: int, progress: CountProgress) -> None:
        self.count = count
        self.progress = progress
        self.total = 0
        """Bytes of all files."""
        self._sizes: dict[Path, int] = {}
        self._before = 0
        """Bytes of the files that were read before this one, over all passes."""
        self._furthest = 0

    def begin(self, paths: list[Path], days: Mapping[Path, Sequence[Path]] = {}) -> None:
        """These files are going to be read, and with some of them others, the days of a channel of Slack's."""
        self._sizes = {path: sum(map(bytes_of, days.get(path, [path]))) for path in paths}
        self.total = sum(self._sizes.values())

    def file(self, path: Path) -> CountProgress:
        """The next file begins; what its reader tells from then on."""
        before = self._before
        self._before += self._sizes.get(path) or bytes_of(path)

        def count(done: int, _size: int) -> None:
            position = min((before + done) // self.count, self.total)
            if position > self._furthest:  # readers look at the beginning of a file more than once
                self._furthest = position
                self.progress(position, self.total)

        return count
