"""Files and folders that appear whole or not at all, whenever the process is killed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Error codes of a full disk and of a quota that is used up."""


@contextmanager
def atomic_dir(target: Path) -> Iterator[Path]:
    """Context manager: a temporary sibling of `target` to write in, which replaces it only if the block ends well.

    Every file and the folder are on disk before the rename, so after a crash `target` is absent, old or whole. The old
    one makes way by a rename of its own; a crash between the two is undone by `restore`, which every writer calls.

    Raises:
        OSError: ENOSPC if the disk filled up, whatever error the block made of it.
    """
    restore(target)
    remove_stale(target)
    temporary = _temporary_path(target)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for path in sorted(temporary.rglob("*"), reverse=True):
            sync(path)
        sync(temporary)
        if target.exists():
            target.rename(_backup_path(target))
        temporary.rename(target)
        sync(target.parent)
        shutil.rmtree(_backup_path(target), ignore_errors=True)
    except BaseException as error:
        full = _is_full(temporary)
        shutil.rmtree(temporary, ignore_errors=True)
        restore(target)
        if full and isinstance(error, Exception) and not isinstance(error, OSError):
            # Libraries that write through C or Rust hide the system's error in one of their own.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
        raise


def restore(target: Path) -> None:
    """Put the old `target` back if a writer was killed after it had made way and before the new one took its place."""
    old = _backup_path(target)
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif old.exists():
        old.rename(target)


def remove_stale(target: Path) -> None:
    """Remove the temporary siblings of `target` whose writers were killed."""
    import psutil

    prefix = f".tmp-{target.name}."
    for path in target.parent.glob(".tmp-*"):
        writer = path.name.removeprefix(prefix).partition(".")[0]
        if not path.name.startswith(prefix) or not writer.isdigit() or psutil.pid_exists(int(writer)):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _temporary_path(target: Path) -> Path:
    """A hidden sibling that no other process or thread uses."""
    return target.with_name(f".tmp-{target.name}.{os.getpid()}.{threading.get_ident()}")


def _backup_path(target: Path) -> Path:
    return target.with_name(f".old-{target.name}")


def _is_full(folder: Path) -> bool:
    """Whether not even a mebibyte more can be written there (found by trying: free space does not show a quota)."""
    try:
        (folder / ".probe").write_bytes(bytes(2**20))
    except OSError as error:
        return error.errno in FULL
    return False


@contextmanager
def atomic_text_file(path: Path) -> Iterator[TextIO]:
    """Context manager: a text file to write in, which takes the place of `path` only if the block ends well.

    Raises:
        OSError: the file cannot be written; nothing is left of the attempt.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(path)
    temporary = _temporary_path(path)
    try:
        with temporary.open("x", encoding="utf-8") as file:  # never through a link that somebody laid there
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Context manager: a name to write a file under, which takes the place of `path` only if the block ends well.

    For libraries that write files themselves: a link that lies at `path` is replaced and never followed.

    Raises:
        OSError: the file cannot be written; nothing is left of the attempt.
    """
    temporary = _temporary_path(path)
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def atomic_write_text(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old content or the new, never a part.

    Raises:
        OSError: as in `atomic_text_file`.
    """
    with atomic_text_file(path) as file:
        file.write(text)


def atomic_write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, as `atomic_write_text` does."""
    atomic_write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def sync(path: Path) -> None:
    """Fsync a file or a folder (a folder where the system allows it)."""
    if path.is_dir() and os.name == "nt":
        return
    # Windows syncs only what is open for writing.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
