"""One file from the web, fetched once."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import urllib.error
import urllib.request
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from offbook.core.atomic import atomic_dir
from offbook.core.errors import OffbookError, UsageError
from offbook.core.i18n import marked
from offbook.core.progress import Reporter
from offbook.hub import cache

_ANSWERED = marked("{address} answered {code} {reason}")
_LOOK = marked("Check the address in a browser.")
_AGAIN = marked("Check the network and try again, or download the file yourself and name it by its path.")


def web_file(address: str, reporter: Reporter) -> Path:
    """The file of an https address, in the cache.

    Raises:
        UsageError: the address names no file, or there is none.
        OffbookError: the download failed.
    """
    name = unquote(PurePosixPath(urlsplit(address).path).name)
    if "/" in name or cache.escapes_directory(name):
        raise UsageError(
            "'{address}' names no file",
            "Give the address of the file itself.",
            address=address,
        )
    target = cache.home() / "files" / hashlib.sha256(address.encode()).hexdigest()[:16]
    if not (target / name).is_file():
        with cache.writing(target, reporter):
            reporter.stage("Fetching {address} …", address=address)
            with atomic_dir(target) as folder:
                _save(address, folder / name)
    return target / name


def _save(address: str, path: Path) -> None:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer, path.open("wb") as file:
            shutil.copyfileobj(answer, file)
            if answer.length:
                raise OffbookError(
                    "the connection broke while {address} was fetched",
                    _AGAIN,
                    address=address,
                )
    except urllib.error.HTTPError as error:
        kind = UsageError if error.code in (401, 403, 404, 410) else OffbookError
        raise kind(
            _ANSWERED,
            _LOOK,
            address=address,
            code=error.code,
            reason=error.reason,
        ) from error
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise OffbookError(
            "cannot fetch {address}: {reason}",
            _AGAIN,
            address=address,
            reason=getattr(error, "reason", error),
        ) from error
