"""The user's cache folder: where downloads lie, and how a whole one is told from a half one.

A download is written under a temporary name and renamed when every byte was checked, so a folder that is
there is whole. What its files hashed to is recorded in it, and a file whose size and time of change are the
recorded ones is not read again: half a gigabyte of weights would take a second at every start.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

import platformdirs
from filelock import FileLock, Timeout

from offbook.core.atomic import atomic_write_json
from offbook.core.errors import OffbookError, UsageError
from offbook.core.i18n import marked
from offbook.core.progress import Reporter
from offbook.core.system_errors import system_reason
from offbook.core.text import format_bytes

RECORD = ".offbook.json"


def home() -> Path:
    """Where downloads lie: OFFBOOK_HOME, or the system's place for caches (~/.cache/offbook on Linux)."""
    chosen = os.environ.get("OFFBOOK_HOME")
    return Path(chosen).expanduser().absolute() if chosen else platformdirs.user_cache_path("offbook", False)


class FileFingerprint(NamedTuple):
    """What a file was when it was last read."""

    sha256: str
    size: int
    changed_ns: int
    """When its content or its name last changed, which no program can set back (unlike its time of modification)."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a folder holds: the revision it is of, and its files' fingerprints."""

    revision: str
    files: dict[str, FileFingerprint]

    def save(self, folder: Path) -> None:
        """Write the record into the folder that it describes."""
        atomic_write_json(folder / RECORD, {"revision": self.revision, "files": self.files})

    @classmethod
    def load(cls, folder: Path) -> Record | None:
        """The folder's record, or None where there is none that can be read."""
        try:
            stored = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            return cls(
                stored["revision"],
                {name: FileFingerprint(*fingerprint) for name, fingerprint in stored["files"].items()},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def fingerprint_files(
    folder: Path, names: Iterable[str], old_record: Record | None = None
) -> dict[str, FileFingerprint]:
    """The fingerprints of a folder's files; those that `old_record` has, unchanged in size and time, are not read.

    Raises:
        OSError: a file is missing or cannot be read.
    """
    fingerprints = {}
    for name in names:
        status = (folder / name).stat()
        old = old_record.files.get(name) if old_record else None
        if old and old[1:] == (status.st_size, status.st_ctime_ns):
            fingerprints[name] = old
        else:
            fingerprints[name] = FileFingerprint(sha256(folder / name), status.st_size, status.st_ctime_ns)
    return fingerprints


def sha256(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find(repo_dir: Path, revision: str) -> Path | None:
    """The repository's folder that is named or recorded as of `revision`, if it is whole and undamaged."""
    for folder in repo_dir.glob("[!.]*"):
        record = Record.load(folder)
        matches = folder.name == folder_name(revision) or (record and record.revision == revision)
        if record and matches and _is_whole(folder, record):
            return folder
    return None


def _is_whole(folder: Path, record: Record) -> bool:
    try:
        fingerprints = fingerprint_files(folder, record.files, record)
    except OSError:
        return False
    if any(fingerprints[name].sha256 != fingerprint.sha256 for name, fingerprint in record.files.items()):
        return False
    remember(folder, Record(record.revision, fingerprints), record)
    return True


def remember(folder: Path, record: Record, old_record: Record | None) -> None:
    """Save what is new in a record. Where the folder is read-only, its files are read again next time."""
    if record != old_record:
        with suppress(OSError):
            record.save(folder)


def folder_name(name: str) -> str:
    """A path or revision as the name of one folder, which no other gets: feature/v1 → feature%2Fv1.

    Hyphens that stand together or at an end are written out too; `repo_dir_name` puts two of its own between the parts.
    """
    return re.sub("[%/]|^-|-(?=-|$)|(?<=-)-", lambda match: f"%{ord(match[0]):02X}", name)


def repo_dir_name(repo: str, path: str = "") -> str:
    """A hub's repository, or one file of it, as the name of one folder: ORG/NAME → ORG--NAME."""
    return "--".join(map(folder_name, repo.split("/"))) + (folder_name(f"/{path}") if path else "")


def escapes_directory(path: str) -> bool:
    """Whether a path from a hub or an archive could point outside its folder, on any system.

    Absolute paths, drive letters, network shares and `..` do; a backslash is a separator on Windows alone, so
    it is never right.
    """
    windows = PureWindowsPath(path)
    return (
        not path
        or "\\" in path
        or "\0" in path
        or bool(windows.anchor)
        or PurePosixPath(path).is_absolute()
        or ".." in windows.parts
    )


@contextmanager
def writing(target: Path, reporter: Reporter) -> Iterator[None]:
    """What makes `target` happens in here: one process at a time, and a fault of the disk is explained.

    Raises:
        OffbookError: the disk is full.
        UsageError: the folder may not be written in.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target, reporter):
            yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OffbookError(
                "the disk is full: {parent}",
                _MORE_ROOM,
                parent=target.parent,
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) or not target.parent.is_dir():
            raise UsageError(
                "cannot write in {parent}: {strerror}",
                _OTHER_PLACE,
                parent=target.parent,
                strerror=system_reason(error),
            ) from error
        raise


@contextmanager
def _alone(target: Path, reporter: Reporter) -> Iterator[None]:
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        reporter.info("Waiting for another offbook process that is writing {path} …", path=target)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


_MORE_ROOM = marked("Make room there, or set OFFBOOK_HOME to a folder on a larger disk; what has arrived is kept.")
_OTHER_PLACE = marked("Set OFFBOOK_HOME to a folder that you may write in.")


def need_space(folder: Path, size: int) -> None:
    """Refuse early what the disk cannot hold.

    Raises:
        OffbookError: fewer than `size` bytes are free at `folder`; both figures are named.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OffbookError(
            "{size} are needed in {folder}, {free} are free",
            _MORE_ROOM,
            size=format_bytes(size),
            folder=folder,
            free=format_bytes(free),
        )
