"""A folder as a ZIP archive that is sent while it is made: nothing is written, and little is held in memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from typing import Any

CHUNK = 2**18


class _Pipe(RawIOBase):
    """Takes what zipfile writes, and cannot be sought in: sizes then follow each file."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        content, self.pieces = b"".join(self.pieces), []
        return content


def zip_stream(folder: Path) -> Iterator[bytes]:
    """The archive of a folder, stored without compression (weights do not shrink); links are left out."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            info = zipfile.ZipInfo.from_file(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as entry:
                while piece := source.read(CHUNK):
                    entry.write(piece)
                    yield pipe.take()
    yield pipe.take()
