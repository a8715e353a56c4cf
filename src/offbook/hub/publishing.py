"""The writing half of the hubs' own clients: whose token it is, what a repository is, making one, uploading to it.

Both clients send what the hub does not have yet and then commit, so an upload that broke goes on where it was. The
token is the clients' own business (`hf auth login`, `modelscope login`, or an environment variable); what they report
is told without it.
"""

from __future__ import annotations

import contextlib
import glob
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from offbook.core.errors import OffbookError, UsageError


@dataclass(frozen=True, slots=True)
class Publisher:
    """A hub's client, reduced to what is asked of it when a character is pushed."""

    check_token: Callable[[], None]
    """Raises a UsageError where no token is stored here; asks nobody."""
    account: Callable[[], str]
    """The name of the account that the token belongs to."""
    is_private: Callable[[str], bool | None]
    """(repository) → whether only its owner sees it; None where there is no such repository."""
    create: Callable[[str, bool], None]
    """(repository, private): make an empty one."""
    upload: Callable[[str, Path, Sequence[str]], None]
    """(repository, folder, names): commit these files of the folder to the default branch."""
    page: Callable[[str], str]
    """(repository) → its address for a browser."""
    initial_files: frozenset[str]
    """What the hub itself puts into a new repository."""


def _modelscope_token() -> None:
    from modelscope_hub.config import get_default_config

    if not get_default_config().token:
        raise _no_token("ModelScope", _MODELSCOPE_LOGIN)


def _modelscope_account() -> str:
    from modelscope_hub import HubApi

    _modelscope_token()
    with _modelscope_faults(""):
        return HubApi().openapi.get_current_username()


def _modelscope_is_private(repo: str) -> bool | None:
    from modelscope_hub import HubApi, errors
    from modelscope_hub.constants import Visibility

    with _modelscope_faults(repo):
        try:
            return HubApi().get_repo(repo, "model").visibility == Visibility.PRIVATE
        except errors.NotExistError:
            return None


def _modelscope_create(repo: str, private: bool) -> None:
    from modelscope_hub import HubApi

    with _modelscope_faults(repo):
        HubApi().create_repo(repo, "model", visibility="private" if private else "public")


def _modelscope_upload(repo: str, folder: Path, names: Sequence[str]) -> None:
    from modelscope_hub import HubApi

    patterns = [glob.escape(name) for name in names]
    # What it prints is no result of ours. Its cache of finished files would take a repository that was deleted since
    # for one that is still full.
    with _modelscope_faults(repo), contextlib.redirect_stdout(sys.stderr):
        HubApi().upload_folder(
            repo, "model", folder, allow_patterns=patterns, use_cache=False, commit_message="Push by offbook"
        )


def _modelscope_page(repo: str) -> str:
    from modelscope_hub.config import get_default_config

    return f"{get_default_config().endpoint}/models/{repo}"


def _huggingface_token() -> None:
    from huggingface_hub import get_token

    if not get_token():
        raise _no_token("Hugging Face", _HUGGING_FACE_LOGIN)


def _huggingface_account() -> str:
    from huggingface_hub import HfApi

    _huggingface_token()
    with _huggingface_faults(""):
        return str(HfApi().whoami()["name"])


def _huggingface_is_private(repo: str) -> bool | None:
    from huggingface_hub import HfApi, errors

    with _huggingface_faults(repo):
        try:
            return bool(HfApi().model_info(repo).private)
        except errors.RepositoryNotFoundError as error:
            if isinstance(error, errors.GatedRepoError):
                raise
            return None


def _huggingface_create(repo: str, private: bool) -> None:
    from huggingface_hub import HfApi

    with _huggingface_faults(repo):
        HfApi().create_repo(repo, private=private)


def _huggingface_upload(repo: str, folder: Path, names: Sequence[str]) -> None:
    from huggingface_hub import HfApi

    patterns = [glob.escape(name) for name in names]
    with _huggingface_faults(repo):
        HfApi().upload_folder(
            repo_id=repo, folder_path=folder, allow_patterns=patterns, commit_message="Push by offbook"
        )


def _huggingface_page(repo: str) -> str:
    from huggingface_hub import HfApi

    return f"{HfApi().endpoint}/{repo}"


_MODELSCOPE_LOGIN = "modelscope login"
_HUGGING_FACE_LOGIN = "hf auth login"
_VARIABLES = {"ModelScope": "MODELSCOPE_API_TOKEN", "Hugging Face": "HF_TOKEN"}


@contextmanager
def _modelscope_faults(repo: str) -> Iterator[None]:
    from modelscope_hub import errors
    from modelscope_hub.config import get_default_config

    # Its log tells in many lines what is told here in two.
    logging.getLogger("modelscope_hub").setLevel(logging.CRITICAL)
    token = get_default_config().token
    try:
        yield
    except errors.AuthenticationError as error:
        raise _wrong_token("ModelScope", _MODELSCOPE_LOGIN) from error
    except errors.PermissionDeniedError as error:
        raise _not_allowed("ModelScope", repo) from error
    except errors.HubError as error:
        raise _failed("ModelScope", error, token) from error


@contextmanager
def _huggingface_faults(repo: str) -> Iterator[None]:
    import httpx2
    from huggingface_hub import errors, get_token

    token = get_token()
    try:
        yield
    except (errors.HfHubHTTPError, httpx2.HTTPError, RuntimeError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's, not the hub's
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status == 401:
            raise _wrong_token("Hugging Face", _HUGGING_FACE_LOGIN) from error
        if status == 403:
            raise _not_allowed("Hugging Face", repo) from error
        raise _failed("Hugging Face", error, token) from error


def _no_token(hub: str, login: str) -> UsageError:
    return UsageError(
        "{hub} wants to know who you are, and no token is stored here",
        "Log in with a token that may write: {login}. Or set {variable}.",
        hub=hub,
        login=login,
        variable=_VARIABLES[hub],
    )


def _wrong_token(hub: str, login: str) -> UsageError:
    return UsageError(
        "{hub} does not accept the token",
        "Log in anew: {login}. If {variable} is set, it goes before what is stored.",
        hub=hub,
        login=login,
        variable=_VARIABLES[hub],
    )


def _not_allowed(hub: str, repo: str) -> UsageError:
    return UsageError(
        "{hub} does not let you write {repo}",
        "Name a repository of your own account, and use a token that may write.",
        hub=hub,
        repo=repo,
    )


def _failed(hub: str, error: BaseException, token: str | None) -> OffbookError:
    while cause := error.__cause__ or error.__context__:  # the clients wrap the reason in layers of their own
        error = cause
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return OffbookError(
        "the upload to {hub} failed: {reason}",
        "Check the network and push again: what has arrived is not sent twice.",
        hub=hub,
        reason=reason.replace(token, "…") if token else reason,
    )


MODELSCOPE = Publisher(
    _modelscope_token,
    _modelscope_account,
    _modelscope_is_private,
    _modelscope_create,
    _modelscope_upload,
    _modelscope_page,
    frozenset({".gitattributes", "README.md", "configuration.json"}),
)
HUGGING_FACE = Publisher(
    _huggingface_token,
    _huggingface_account,
    _huggingface_is_private,
    _huggingface_create,
    _huggingface_upload,
    _huggingface_page,
    frozenset({".gitattributes"}),
)
