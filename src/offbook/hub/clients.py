"""The hubs' own clients behind one shape: list a repository, fetch files named in that listing, put a folder there.

    hub = HUBS["ms"]
    revision, entries = hub.listing("ORG/NAME", "model", "master")
    hub.download("ORG/NAME", "model", revision, entries, folder)
    hub.publish.upload("ORG/NAME", folder, ["README.md"])

Neither client is trusted with paths or with hashes: `snapshot` checks both. Each resumes a broken transfer in
its own way, and heeds its own environment variables (HF_ENDPOINT, MODELSCOPE_ENDPOINT, tokens, proxies).
"""

from __future__ import annotations

import glob
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from offbook.core.errors import OffbookError, UsageError
from offbook.hub import publishing
from offbook.hub.publishing import Publisher

Kind = Literal["model", "dataset"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as a hub lists it."""

    path: str
    size: int | None
    sha256: str | None = None
    git_sha1: str | None = None
    """git's own hash of the file, where the hub tells no sha256 (Hugging Face: small files)."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub's client, reduced to what is asked of it."""

    title: str
    default_branch: str
    listing: Callable[[str, Kind, str], tuple[str, list[Entry]]]
    """(repository, kind, revision) → the commit, or the revision where the hub names none, and all files."""
    download: Callable[[str, Kind, str, list[Entry], Path], None]
    """(repository, kind, revision, entries, folder): fetch the entries into the folder."""
    publish: Publisher
    """What is asked of the client when a character is pushed."""


def _modelscope_listing(repo: str, kind: Kind, revision: str) -> tuple[str, list[Entry]]:
    from modelscope_hub import HubApi

    with _modelscope_faults(repo, revision):
        files = HubApi().list_repo_files(repo, kind, revision=revision)
    # The client says 0 for a size that it was not told.
    return revision, [Entry(file.path, file.size or None, file.sha256) for file in files if not file.is_dir]


def _modelscope_download(repo: str, kind: Kind, revision: str, entries: list[Entry], folder: Path) -> None:
    from modelscope_hub import HubApi

    # Handing the checked listing over keeps the client from asking for another one.
    files = [{"Path": entry.path, "Size": entry.size, "Sha256": entry.sha256} for entry in entries]
    with _modelscope_faults(repo, revision):
        HubApi().download_repo(repo, kind, revision=revision, local_dir=folder, file_list=files)


def _huggingface_listing(repo: str, kind: Kind, revision: str) -> tuple[str, list[Entry]]:
    from huggingface_hub import HfApi

    read = HfApi().model_info if kind == "model" else HfApi().dataset_info
    with _huggingface_faults(repo, revision):
        info = read(repo, revision=revision, files_metadata=True)
    entries = [
        Entry(file.rfilename, file.size, file.lfs.sha256, None)
        if file.lfs
        else Entry(file.rfilename, file.size, None, file.blob_id)
        for file in info.siblings or []
    ]
    return info.sha or revision, entries


def _huggingface_download(repo: str, kind: Kind, revision: str, entries: list[Entry], folder: Path) -> None:
    from huggingface_hub import snapshot_download

    names = [glob.escape(entry.path) for entry in entries]
    with _huggingface_faults(repo, revision):
        snapshot_download(repo, repo_type=kind, revision=revision, local_dir=folder, allow_patterns=names)


@contextmanager
def _modelscope_faults(repo: str, revision: str) -> Iterator[None]:
    from modelscope_hub import errors

    # Its log tells in many lines what is told here in two.
    logging.getLogger("modelscope_hub").setLevel(logging.CRITICAL)
    try:
        yield
    except errors.NotExistError as error:
        raise _not_there("ModelScope", repo, revision) from error
    except (errors.AuthenticationError, errors.PermissionDeniedError) as error:
        raise _closed("ModelScope", repo, "modelscope login") from error
    except errors.FileDownloadError as error:
        path, cause = next(iter(error.failed_files.items()))
        if isinstance(cause, OSError) and cause.errno is not None:
            raise cause from None
        if isinstance(cause, errors.NotExistError):
            raise _withheld("ModelScope", repo, path) from error
        if isinstance(cause, errors.FileIntegrityError):
            raise damaged("ModelScope", repo, path) from error
        raise _unreachable("ModelScope", cause) from error
    except errors.HubError as error:
        raise _unreachable("ModelScope", error) from error


@contextmanager
def _huggingface_faults(repo: str, revision: str) -> Iterator[None]:
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise _closed("Hugging Face", repo, "hf auth login") from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise _not_there("Hugging Face", repo, revision) from error
    except errors.RemoteEntryNotFoundError as error:
        raise _withheld("Hugging Face", repo, str(error.response.url.path).rpartition("/")[2]) from error
    except (errors.EntryNotFoundError, errors.OfflineModeIsEnabled, httpx2.HTTPError) as error:
        raise _unreachable("Hugging Face", error) from error
    except OSError as error:
        if error.errno is not None:
            raise
        # The client's word for a file of another length than announced.
        raise _unreachable("Hugging Face", error) from error


def _not_there(title: str, repo: str, revision: str) -> UsageError:
    return UsageError(
        "{repo} (revision {revision}) is not on {title}, or it is private",
        "Check the name and the revision on its page; the same model may lie on the other hub (ms:, hf:).",
        repo=repo,
        revision=revision,
        title=title,
    )


def _closed(title: str, repo: str, login: str) -> UsageError:
    return UsageError(
        "{title} does not let you read {repo}",
        "Accept its terms on its page, then: {login}",
        title=title,
        repo=repo,
        login=login,
    )


def _withheld(title: str, repo: str, path: str) -> OffbookError:
    return OffbookError(
        "{title} lists {path} in {repo} but does not have it",
        "Try another revision (--revision), or the other hub.",
        title=title,
        path=path,
        repo=repo,
    )


def damaged(title: str, repo: str, path: str) -> OffbookError:
    """The error for a file that is not what the hub says it is."""
    return OffbookError(
        "{path} of {repo} arrived damaged: its hash is not the one that {title} lists",
        "Pull again; if it stays so, the hub's copy is broken: take another revision, or the other hub.",
        path=path,
        repo=repo,
        title=title,
    )


def _unreachable(title: str, error: BaseException) -> OffbookError:
    while cause := error.__cause__ or error.__context__:  # the clients wrap the reason in layers of their own
        error = cause
    reason = str(error).strip() or type(error).__name__
    return OffbookError(
        "the download from {title} failed: {reason}",
        "Check the network and pull again: what arrived is kept. Or copy the folder here and name its path.",
        title=title,
        reason=reason.splitlines()[0],
    )


HUBS = {
    "ms": Hub("ModelScope", "master", _modelscope_listing, _modelscope_download, publishing.MODELSCOPE),
    "hf": Hub("Hugging Face", "main", _huggingface_listing, _huggingface_download, publishing.HUGGING_FACE),
}
