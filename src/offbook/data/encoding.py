"""Text files as they lie on people's disks, in Unicode or an older encoding, packed or not, read line by line.

The encoding is told from the bytes by fixed rules, so that the same file always reads the same: a byte order mark, else
UTF-16 that shows itself, else strict UTF-8, else the older encoding as which it reads best (`legacy_encodings.py`).
What may be in several of them, or fits none, is an error.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.progress import CountProgress, uncounted
from offbook.core.system_errors import system_reason
from offbook.data import legacy_encodings
from offbook.data.unpacking import open_bytes

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
ESCAPES = {
    rb"\x1b\$[@B]": "iso2022_jp",
    rb"\x1b\$\)C": "iso2022_kr",
    rb"~\{(?:[!-w][!-~]){2,}~\}": "hz",
}
"""What encodings of seven bits begin characters beyond ASCII with."""
SHIFTED = re.compile(rb"\+[A-Za-z0-9+/]{3,}-?")
"""Characters beyond ASCII in UTF-7."""
FEWEST_SHIFTED, SHIFTED_SHARE = 5, 0.8
"""So many must be letters or signs, and such a share of what looks like them: a telephone number is none."""
BLOCK = 1 << 16
COUNTED = 1 << 13
"""So many lines are read until it is told again how far a file is."""
ZIP, TAR = marked("a zip archive"), marked("a tar archive")
PICKLE = marked("a pickle of Python's")
DOCUMENTS = {
    b"%PDF-": marked("a PDF file"),
    b"{\\rtf": marked("an RTF file, a word processor's"),
    b"\xd0\xcf\x11\xe0": marked("an old Word or Excel file (or one of WPS)"),
    b"PK\x03\x04": ZIP,
    b"7z\xbc\xaf": marked("a 7z archive"),
    b"Rar!": marked("a RAR archive"),
    b"SQLite format 3\0": marked("a database (SQLite)"),
    **dict.fromkeys((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), PICKLE),
    b"\x89HDF": marked("an HDF5 file"),
    b"\x93NUMPY": marked("a NumPy file"),
    b"Obj\x01": marked("an Avro file"),
}
"""First bytes of what people take for text, and what it is."""
ARCHIVES = (TAR, DOCUMENTS[b"7z\xbc\xaf"], DOCUMENTS[b"Rar!"])
ZIPPED = {
    ".docx": marked("a Word file"),
    ".epub": marked("an e-book (EPUB)"),
    ".odt": marked("a LibreOffice file"),
}
"""Which of the programs that zip their files it is, by the suffix."""


def open_text(path: Path, progress: CountProgress = uncounted) -> Iterator[tuple[int, str]]:
    """The file's lines as (1-based number, text without its line end), streamed.

    Args:
        path: the file.
        progress: is told now and then how many bytes of the file are read, and how many it has; not of a packed one.

    Raises:
        UsageError: the file cannot be opened, or a line of it holds NUL bytes or bytes of no known encoding.
    """
    with readable(path):
        encoding = detect(path)
        with io.TextIOWrapper(open_bytes(path), encoding) as file:
            size = path.stat().st_size if file.buffer.seekable() else 0
            for number, line in enumerate(file, 1):
                if not number % COUNTED and size:
                    progress(file.buffer.tell(), size)
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
    encoding, *rivals = _guess(path)
    if rivals:
        raise UsageError(
            "{path}:{line}: not UTF-8 text; it may be {names}",
            "Save it as UTF-8 in an editor that shows it rightly.",
            path=path,
            line=_faulty_line(path, "utf-8"),
            names=", ".join(list(dict.fromkeys(map(_named, (encoding, *rivals))))[:3]),
        )
    if _first_fault(path, encoding) is not None:
        line = _faulty_line(path, encoding)
        raise UsageError(
            "{path}:{line}: bytes that are not {names} text",
            "Fix that line, or save the file as UTF-8 in an editor that shows it rightly.",
            path=path,
            line=line,
            names=_named(encoding),
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
            strerror=system_reason(error),
        ) from None


def _refuse_document(path: Path) -> None:
    with open_bytes(path) as file:
        head = file.read(512)
    kind = next((kind for sign, kind in DOCUMENTS.items() if head.startswith(sign)), None)
    suffix = path.suffix.lower()
    if kind == ZIP:
        kind = ZIPPED.get(suffix, ZIP)
    if head[257:262] == b"ustar":
        kind = TAR
    if kind is not None:
        fix = marked("Open it in its program and save what is in it as plain text (.txt), or a table as CSV.")
        if kind in ARCHIVES or suffix == ".zip":
            fix = marked("Unpack it, and name what is in it.")
        if kind == PICKLE:
            fix = marked("Whoever opens a pickle runs what is in it: ask its maker for the rows as CSV or JSONL.")
        raise UsageError("{path} is {named}, not text", fix, path=path, named=translate(kind))


def _named(encoding: str) -> str:
    """An encoding's name for people."""
    return legacy_encodings.NAMES.get(encoding, encoding.removesuffix("-sig").upper())


def _guess(path: Path) -> list[str]:
    """The codec of a file, the likeliest first where several may be."""
    with open_bytes(path) as file:
        head = file.read(BLOCK)
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return [encoding]
    if escaped := next((codec for sign, codec in ESCAPES.items() if re.search(sign, head)), None):
        return [escaped]
    if _is_utf7(head):
        return ["utf-7"]
    if b"\0" in head and (wide := _guess_utf16(head)):
        return [wide]
    fault = _first_fault(path, "utf-8")
    if fault is None:
        return ["utf-8"]
    with open_bytes(path) as file:
        for _ in range(max(0, fault - BLOCK) // BLOCK):  # what is packed cannot be sought in
            file.read(BLOCK)
        sample = file.read(3 * BLOCK)
    return ["utf-8"] if b"\0" in head or _is_damaged_utf8(sample) else legacy_encodings.likely(sample)


def _is_utf7(head: bytes) -> bool:
    """Whether a text of ASCII alone holds other characters as UTF-7 writes them: `M+AOQ-rta` (RFC 2152)."""
    runs = SHIFTED.findall(head) if head.isascii() else []
    runs = [run for run in runs if not run.strip(b"+-").isdigit()]  # +15555550100 is a telephone number
    shifted, characters = 0, 0
    for run in runs:
        with suppress(UnicodeDecodeError):
            text = (run.rstrip(b"-") + b"-").decode("utf-7")
            if text and all(not char.isascii() and char.isprintable() for char in text):
                shifted, characters = shifted + 1, characters + len(text)
    return characters >= FEWEST_SHIFTED and shifted >= SHIFTED_SHARE * len(runs)


def _guess_utf16(head: bytes) -> str | None:
    """UTF-16 shows by its line ends, spaces and quotes: in the wrong byte order they are rare characters."""

    def signs(encoding: str) -> int:
        text = head.decode(encoding, errors="ignore")
        return sum(text.count(sign) for sign in '\n "')

    little, big = signs("utf-16-le"), signs("utf-16-be")
    if little == big:
        return None
    return "utf-16-le" if little > big else "utf-16-be"


def _is_damaged_utf8(sample: bytes) -> bool:
    """Whether bytes are UTF-8 with damage rather than another encoding: they still hold mostly good characters."""
    text = sample.decode("utf-8", errors="replace")
    damaged = text.count("\ufffd")
    return len(text) - len(text.encode("ascii", errors="ignore")) - damaged > damaged


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
