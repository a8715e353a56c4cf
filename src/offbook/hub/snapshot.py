"""A revision of a hub's repository as a folder in the cache: chosen, fetched, checked, then there at once."""

from __future__ import annotations

import hashlib
import re
import shutil
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from offbook.core.atomic import atomic_dir
from offbook.core.errors import OffbookError, UsageError
from offbook.core.i18n import marked
from offbook.core.progress import Reporter
from offbook.core.text import format_bytes
from offbook.hub import cache
from offbook.hub.arrival import counting_bytes
from offbook.hub.cache import FileFingerprint, Record
from offbook.hub.clients import HUBS, Entry, Hub, Kind, damaged
from offbook.hub.weights import check_weights, model_files, weight_files

DEFAULT_BRANCHES = ("master", "main")
MODEL_FILES = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.tiktoken", "*.txt", "LICENSE*")
# Some repositories hold their weights a second time, for another program.
SECOND_COPIES = ("consolidated*",)
_NO_FILE = marked("{source} holds no {path}")
_NO_DATA = marked("{source} holds no data file")
DATA_FILES = ("*.json", "*.jsonl", "*.csv", "*.tsv", "*.parquet", "*.arrow", "*.feather", "*.xlsx", "*.xlsm")


def snapshot(scheme: str, kind: Kind, repo: str, revision: str, reporter: Reporter, path: str = "") -> Path:
    """The folder of a repository, or of the one file `path` in it: from the cache, else from its hub.

    A revision that is here is not asked for again, so a branch stays what it was when it was pulled.

    Raises:
        UsageError: the names make no sense, the hub has no such thing, or it is not usable.
        OffbookError: the download failed, a file is damaged, or the disk is full.
    """
    hub = HUBS[scheme]
    check_names(scheme, repo, revision, path)
    revision = hub.default_branch if revision in DEFAULT_BRANCHES else revision
    repo_dir = cache.home() / f"{kind}s" / scheme / cache.repo_dir_name(repo, path)
    folder = cache.find(repo_dir, revision)
    if folder:
        return folder
    target = repo_dir / cache.folder_name(revision)
    with cache.writing(target, reporter):
        folder = cache.find(repo_dir, revision)
        if folder:  # another process made it meanwhile
            return folder
        reporter.stage("Asking {hub} for {repo} …", hub=hub.title, repo=repo)
        commit, listed = hub.listing(repo, kind, revision)
        folder = cache.find(repo_dir, commit)
        if folder:
            return folder
        entries = _choose(kind, f"{scheme}:{repo}", listed, path)
        _fetch(hub, kind, repo, commit, entries, target, reporter)
    return target


def is_pulled(scheme: str, repo: str, revision: str = "master") -> bool:
    """Whether a revision of a model's repository is here; default: its default branch."""
    repo_dir = cache.home() / "models" / scheme / cache.repo_dir_name(repo, "")
    return cache.find(repo_dir, HUBS[scheme].default_branch if revision in DEFAULT_BRANCHES else revision) is not None


def check_names(scheme: str, repo: str, revision: str, path: str = "") -> None:
    """See that names of a repository, a revision and a path in it are names.

    Raises:
        UsageError: one is not, or leads elsewhere.
    """
    if (
        not re.fullmatch(r"[\w.-]+/[\w.-]+", repo)
        or cache.escapes_directory(repo)
        or (path and cache.escapes_directory(path))
    ):
        raise UsageError(
            "'{scheme}:{repo}' is no name of a repository",
            "Write it as {scheme}:ORG/NAME.",
            scheme=scheme,
            repo=repo,
        )
    if not re.fullmatch(r"[\w./-]+", revision) or cache.escapes_directory(revision):
        raise UsageError(
            "'{revision}' is no revision",
            "Name a branch, a tag or a commit.",
            revision=revision,
        )


def _choose(kind: Kind, source: str, listed: list[Entry], path: str) -> list[Entry]:
    """The files that are wanted; one hostile path anywhere condemns the whole repository.

    Raises:
        UsageError: a listed path leads out of its folder, or nothing usable is listed.
    """
    hostile = next((entry.path for entry in listed if cache.escapes_directory(entry.path)), None)
    if hostile is not None:
        raise UsageError(
            "{source} lists a file outside its own folder: {hostile!r}",
            "Do not use this repository.",
            source=source,
            hostile=hostile,
        )
    names = [entry.path for entry in listed]
    if kind == "model":
        names = model_files(names)
        check_weights(source, names)
        wanted = {name for name in names if _matches(name, MODEL_FILES) and not _matches(name, SECOND_COPIES)}
    elif path:
        wanted = {path} & set(names)
    else:
        wanted = {name for name in names if _matches(PurePosixPath(name).name, DATA_FILES)}
        wanted |= {"README.md"} & set(names) if wanted else set()  # which may say what is for training
    if not wanted:
        raise UsageError(
            _NO_FILE if path else _NO_DATA,
            "offbook reads {data_files}.",
            source=source,
            path=path,
            data_files=", ".join(DATA_FILES),
        )
    return [entry for entry in listed if entry.path in wanted]


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    # fnmatch's * crosses slashes and takes leading dots; what lies there is for other programs.
    return "/" not in name and name[0] != "." and any(fnmatchcase(name, pattern) for pattern in patterns)


def _fetch(
    hub: Hub, kind: Kind, repo: str, commit: str, entries: list[Entry], target: Path, reporter: Reporter
) -> None:
    """Download into a staging folder that outlives failures, check all of it, then let `target` appear."""
    staging = target.with_name(f".part-{target.name}")
    staging.mkdir(exist_ok=True)
    size = sum(entry.size or 0 for entry in entries)
    here = sum(file.stat().st_size for file in staging.rglob("*") if file.is_file())
    cache.need_space(staging, size - here)
    reporter.stage(
        "Pulling {repo} from {hub}: {size} (files: {count}) …",
        repo=repo,
        hub=hub.title,
        count=len(entries),
        size=format_bytes(size),
    )
    with counting_bytes(staging, size, reporter):
        hub.download(repo, kind, commit, entries, staging)
    reporter.stage("Comparing what arrived")
    fingerprints = {}
    for number, entry in enumerate(entries):
        fingerprints[entry.path] = _verify(hub, repo, staging, entry)
        reporter.progress(number + 1, len(entries), "file")
    if kind == "model":
        weight_files(staging)
    with atomic_dir(target) as folder:
        for entry in entries:
            (folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
            (staging / entry.path).rename(folder / entry.path)
        Record(commit, fingerprints).save(folder)
    shutil.rmtree(staging, ignore_errors=True)


def _verify(hub: Hub, repo: str, folder: Path, entry: Entry) -> FileFingerprint:
    """The fingerprint of a file that is what the hub said; any other is deleted, and the next pull gets it anew.

    Raises:
        OffbookError: the file is missing, is a link, or has another size or hash.
    """
    file = folder / entry.path
    if file.is_symlink() or not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):
        raise OffbookError(
            "{path} of {repo} did not arrive from {title}",
            "Pull again.",
            path=entry.path,
            repo=repo,
            title=hub.title,
        )
    fingerprint = cache.fingerprint_files(folder, [entry.path])[entry.path]
    same = (
        entry.size in (None, fingerprint.size)
        and entry.sha256 in (None, fingerprint.sha256)
        and (entry.git_sha1 is None or entry.git_sha1 == git_sha1(file))
    )
    if not same:
        file.unlink()
        raise damaged(hub.title, repo, entry.path)
    return fingerprint


def git_sha1(file: Path) -> str:
    """The name that git gives a file's content."""
    content = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
