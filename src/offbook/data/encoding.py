"""Text files as they lie on people's disks: UTF-8, UTF-16, GB18030, Windows-1252, packed or not, read line by line.

The encoding is told from the bytes by fixed rules, so that the same file always reads the same: a byte order mark, else
UTF-16 that gives itself away, else strict UTF-8, else GB18030 (which includes GBK and GB2312), else Windows-1252 where
all that is not ASCII is a Western accent or mark. What fits none of them is an error that names the line.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from offbook.core.errors import UsageError
from offbook.data import legacy_encodings

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
NAMES = {"utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-16": "UTF-16", **legacy_encodings.READ}
BLOCK = 1 << 16
COMPRESSED = (".gz", ".zst")
UNPACKED, RATIO = 1 << 28, 200
"""A packed file may hold 256 MiB, or so many times its own size; text packs to a tenth or so."""
DOCUMENTS = {
    b"%PDF-": "a PDF file",
    b"{\\rtf": "an RTF file, a word processor's",
    b"\xd0\xcf\x11\xe0": "an old Word or Excel file (or one of WPS)",
    b"PK\x03\x04": "a zip archive",
}
"""First bytes of what people take for text, and what it is."""
ZIPPED = {".docx": "a Word file", ".xlsx": "an Excel file", ".epub": "an e-book (EPUB)", ".odt": "a LibreOffice file"}
"""Which of the programs that zip their files it is, by the suffix."""


def open_bytes(path: Path) -> BinaryIO:
    """The file's bytes to read, unpacked if its name ends in .gz or .zst.

    Raises:
        OSError: it cannot be opened.
        UsageError: it is no file, which can be read twice, and to an end.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UsageError(
            "{path} is a pipe or a device, and a file is read more than once",
            "Write what comes out of it into a file, and name that.",
            path=path,
        )
    if path.suffix.lower() not in COMPRESSED:
        return path.open("rb")
    if path.suffix.lower() == ".gz":
        return io.BufferedReader(_Unpacked(path, cast(BinaryIO, gzip.open(path, "rb"))))
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
        except (OSError, EOFError, zlib.error) as error:
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


def open_text(path: Path) -> Iterator[tuple[int, str]]:
    """The file's lines as (1-based number, text without its line end), streamed.

    Raises:
        UsageError: the file cannot be opened, or a line of it holds NUL bytes or bytes of no known encoding.
    """
    with readable(path):
        encoding = detect(path)
        with io.TextIOWrapper(open_bytes(path), encoding) as file:
            for number, line in enumerate(file, 1):
                if "\0" in line:
                    raise UsageError(
                        "{path}:{number}: NUL bytes; this is no text file",
                        "Export it again as UTF-8 text.",
                        path=path,
                        number=number,
                    )
                yield number, line.removesuffix("\n")


def read_text(path: Path) -> str:
    """The whole text, lines joined by a newline.

    Raises:
        UsageError: as in `open_text`.
    """
    return "\n".join(line for _, line in open_text(path))


def detect(path: Path) -> str:
    """The name of the codec that reads the whole file strictly.

    Raises:
        UsageError: none does; the first line that cannot be read is named, or the program whose file it is.
    """
    _refuse_document(path)
    encoding = _guess(path)
    if encoding in legacy_encodings.NAMES and encoding not in legacy_encodings.READ:
        raise UsageError(
            "{path}:{faulty_line}: not UTF-8 text; it seems to be {names}",
            "Save it as UTF-8 in an editor that shows it rightly.",
            path=path,
            faulty_line=_faulty_line(path, "utf-8"),
            names=legacy_encodings.NAMES[encoding],
        )
    if _first_fault(path, encoding) is not None:
        line = _faulty_line(path, encoding)
        raise UsageError(
            "{path}:{line}: bytes that are not {names} text",
            "Fix that line, or save the file as UTF-8 in an editor that shows it rightly.",
            path=path,
            line=line,
            names=NAMES.get(encoding, "UTF-8"),
        )
    return encoding


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in a sentence why a file cannot be opened."""
    try:
        yield
    except FileNotFoundError:
        raise UsageError(
            "{path}: no such file",
            "Check the path.",
            path=path,
        ) from None
    except IsADirectoryError:
        raise UsageError(
            "{path} is a folder",
            "Name a file in it.",
            path=path,
        ) from None
    except OSError as error:
        raise UsageError(
            "{path} cannot be read: {strerror}",
            "Check the path and its rights.",
            path=path,
            strerror=error.strerror or error,
        ) from None


def _refuse_document(path: Path) -> None:
    with open_bytes(path) as file:
        head = file.read(8)
    for sign, kind in DOCUMENTS.items():
        if head.startswith(sign):
            named = ZIPPED.get(path.suffix.lower(), kind) if kind == "a zip archive" else kind
            raise UsageError(
                "{path} is {named}, not text",
                "Open it in its program and save what is in it as plain text (.txt), or a table as CSV.",
                path=path,
                named=named,
            )


def _guess(path: Path) -> str:
    with open_bytes(path) as file:
        head = file.read(BLOCK)
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        return _guess_utf16(head)
    fault = _first_fault(path, "utf-8")
    if fault is None:
        return "utf-8"
    with open_bytes(path) as file:
        for _ in range(max(0, fault - BLOCK) // BLOCK):  # what is packed cannot be sought in
            file.read(BLOCK)
        sample = file.read(3 * BLOCK)
    return _before_unicode(sample) or "utf-8"


def _guess_utf16(head: bytes) -> str:
    """UTF-16 shows by its line ends, spaces and quotes: in the wrong byte order they are rare characters."""

    def signs(encoding: str) -> int:
        text = head.decode(encoding, errors="ignore")
        return sum(text.count(sign) for sign in '\n "')

    little, big = signs("utf-16-le"), signs("utf-16-be")
    if little == big:
        return "utf-8"
    return "utf-16-le" if little > big else "utf-16-be"


def _before_unicode(sample: bytes) -> str | None:
    """The codec of bytes that are not UTF-8, or None where they are rather UTF-8 with damage.

    Damaged UTF-8 still holds mostly good characters. A Western accent stands alone, before an ASCII letter,
    where the second byte of a Chinese character rarely is one.
    """
    text = sample.decode("utf-8", errors="replace")
    damaged = text.count("\ufffd")
    good = len(text) - len(text.encode("ascii", errors="ignore")) - damaged
    if good > damaged:
        return None
    codec = legacy_encodings.guess(sample)
    if codec == "cp1252" and good:
        return None
    pairs = re.findall(rb"[\x81-\xfe]([\x30-\xfe])", sample)
    could_be_chinese = 2 * sum(second < b"\x80" for second in pairs) <= len(pairs)
    return codec or ("gb18030" if could_be_chinese else None)


def _first_fault(path: Path, encoding: str) -> int | None:
    """Offset of the first character that the codec cannot read (exact to a few bytes), or None."""
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 0
    with open_bytes(path) as file:
        while True:
            block = file.read(BLOCK)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return offset + error.start
            if not block:
                return None
            offset += len(block)


def _faulty_line(path: Path, encoding: str) -> int:
    with io.TextIOWrapper(open_bytes(path), encoding, errors="replace") as file:
        return next((number for number, line in enumerate(file, 1) if "\ufffd" in line), 1)
