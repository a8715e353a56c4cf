"""The bytes of files as they lie on people's disks, packed or not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from offbook.core.errors import UsageError
from offbook.core.i18n import marked
from offbook.data import downloads, splits, spreadsheet

UNPACKERS: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
COMPRESSED = (*UNPACKERS, ".zst")
UNPACKED, RATIO = 1 << 28, 200
"""A packed file may hold 256 MiB, or so many times its own size; text packs to a tenth or so."""
TEXTS = frozenset([".txt", ".md", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".srt", ".vtt", ".ass", ".fountain"])
"""Suffixes of the files in an archive that are read."""
CHATS = ("_chat.txt", "conversations.json")
"""The chat in an archive of WhatsApp's, and those in one of ChatGPT's, Claude's or DeepSeek's, beside other texts."""
ABOUT = ("readme", "license", "licence", "copying", "notice", "citation", "changelog", "requirements", "dataset_info")
"""Stems of texts that tell of the others."""
TABLES = (*spreadsheet.SUFFIXES, ".parquet", ".arrow", ".feather")
"""Suffixes of rows that are not read within an archive."""
NAMED = 3
"""So many of an archive's texts are named in an error."""
LOCKED = 1
"""Bit of a ZIP entry's flags that says that a password is needed (APPNOTE.TXT, 4.4.4)."""
_UNPACK = marked("Unpack it, and name what is in it.")


def open_bytes(path: Path) -> BinaryIO:
    """The file's bytes to read, unpacked if its name says that it is packed; a workbook's are those of a CSV.

    What is packed: .gz, .xz, .bz2, .zst, and a .zip that holds one text, as phones send chats with their pictures.

    Raises:
        OSError: it cannot be opened.
        UsageError: it is no file, which can be read twice, and to an end; or a .zip that does not hold one text.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UsageError(
            "{path} is a pipe or a device, and a file is read more than once",
            "Write what comes out of it into a file, and name that.",
            path=path,
        )
    downloads.refuse_pointer(path)
    if path.suffix.lower() in spreadsheet.SUFFIXES:
        return io.BytesIO(spreadsheet.as_csv(path))
    if path.suffix.lower() == ".zip" and path.is_file():
        return io.BufferedReader(_Unpacked(path, cast(BinaryIO, _open_zipped(path))))
    if path.suffix.lower() not in COMPRESSED:
        return path.open("rb")
    if unpack := UNPACKERS.get(path.suffix.lower()):
        return io.BufferedReader(_Unpacked(path, cast(BinaryIO, unpack(path, "rb"))))
    import pyarrow

    packed = pyarrow.CompressedInputStream(pyarrow.OSFile(str(path)), "zstd")
    return io.BufferedReader(_Unpacked(path, cast(BinaryIO, packed)))


class _Unpacked(io.RawIOBase):
    """The bytes of a packed file, up to far more than text ever packs to: beyond that it is made to fill a memory."""

    def __init__(self, path: Path, source: BinaryIO) -> None:
        self._path = path
        self._source = source
        self._left = max(UNPACKED, RATIO * path.stat().st_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            block = self._source.read(len(buffer))
        except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise UsageError(
                "{path} cannot be unpacked: {reason}", "Pack it again.", path=self._path, reason=error
            ) from None
        self._left -= len(block)
        if self._left < 0:
            raise UsageError(
                "{path} unpacks to more than {ratio} times its size, which no text does",
                "Unpack it yourself, if it is what you want.",
                path=self._path,
                ratio=RATIO,
            )
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def unpacked_name(path: Path) -> str:
    """The file's name without the suffix of what packs it: `lines.jsonl` of `lines.jsonl.gz`; of a .zip, its text's.

    Raises:
        OSError: it cannot be opened.
        UsageError: it is a .zip that does not hold one text.
    """
    if path.suffix.lower() == ".zip" and path.is_file():
        with _archive(path) as archive:
            return PurePosixPath(_text_in(path, archive)).name
    return path.stem if path.suffix.lower() in COMPRESSED else path.name


def _open_zipped(path: Path) -> IO[bytes]:
    with _archive(path) as archive:
        name = _text_in(path, archive)
        if archive.getinfo(name).flag_bits & LOCKED:
            raise UsageError("{path} is locked with a password", _UNPACK, path=path)
        try:
            return archive.open(name)
        except (RuntimeError, zipfile.BadZipFile) as error:
            raise UsageError("{path} cannot be unpacked: {reason}", _UNPACK, path=path, reason=error) from None


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError) as error:
        raise UsageError("{path} cannot be unpacked: {reason}", "Pack it again.", path=path, reason=error) from None


def _text_in(path: Path, archive: zipfile.ZipFile) -> str:
    """The name of the one text in an archive: the chat, where it is an app's; what is for training, of a data set's."""
    files = [PurePosixPath(name) for name in archive.namelist()]
    shown = [file for file in files if not any(part.startswith((".", "__MACOSX")) for part in file.parts)]
    texts = [file for file in shown if file.suffix.lower() in TEXTS]
    texts, about = [file for file in texts if file.stem.lower() not in ABOUT], texts
    if not texts and (tables := [file for file in shown if file.suffix.lower() in TABLES]):
        named = ", ".join(map(str, tables[:NAMED]))
        raise UsageError("{path} is a zip archive with tables in it: {names}", _UNPACK, path=path, names=named)
    texts = texts or about
    texts = splits.for_training([file for file in texts if file.name in CHATS] or texts, str)
    names = ", ".join(map(str, (texts or files)[:NAMED]))
    if not texts:
        raise UsageError("{path} is a zip archive without a text in it: {names} …", _UNPACK, path=path, names=names)
    if len(texts) > 1:
        raise UsageError("{path} is a zip archive of several texts: {names} …", _UNPACK, path=path, names=names)
    return next(name for name in archive.namelist() if PurePosixPath(name) == texts[0])  # "./one.txt", as it is packed
