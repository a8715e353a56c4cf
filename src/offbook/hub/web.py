"""One file from the web, fetched once."""

from __future__ import annotations

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from offbook.core.atomic import atomic_dir
from offbook.core.errors import OffbookError, UsageError
from offbook.core.i18n import marked
from offbook.core.progress import Reporter
from offbook.hub import cache
from offbook.hub.arrival import tell_bytes

_ANSWERED = marked("{address} answered {code} {reason}")
_LOOK = marked("Check the address in a browser.")
_AGAIN = marked(
    "Check the network and try again, or download the file yourself and name it by its path "
    "(for rows: --data.source FILE)."
)
MIRRORS = (
    (
        re.compile(r"https://raw\.githubusercontent\.com/([^/]+/[^/]+)/([^/]+)/(.+)"),
        (r"https://cdn.jsdelivr.net/gh/\1@\2/\3", r"https://fastly.jsdelivr.net/gh/\1@\2/\3"),
    ),
)
"""Addresses whose host cannot be reached from everywhere, and where the same files lie as well: tried in turn."""
TIMEOUT = 20
"""Seconds in which a host has to answer."""
BLOCK = 2**18
"""Bytes that are read at once."""


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
        with cache.writing(target, reporter), atomic_dir(target) as folder:
            _save_from_any([address, *_mirrors(address)], folder / name, reporter)
    return target / name


def _mirrors(address: str) -> list[str]:
    """Other addresses of the same file."""
    return [
        match.expand(other) for pattern, others in MIRRORS if (match := pattern.fullmatch(address)) for other in others
    ]


def _save_from_any(addresses: list[str], path: Path, reporter: Reporter) -> None:
    """Save the file of the first address that gives it.

    Raises:
        UsageError: none gave it, and the first says that there is no such file, or not for everybody.
        OffbookError: none gave it; the error tells of the first address, and names the other hosts.
    """
    failures: list[OffbookError] = []
    for address in addresses:
        reporter.stage("Fetching {address} …", address=address)
        try:
            return _save(address, path, reporter)
        except OffbookError as error:
            failures.append(error)
    if len(addresses) == 1 or isinstance(failures[0], UsageError):
        raise failures[0]
    raise OffbookError(
        "{failure}; neither from {hosts}",
        _AGAIN,
        failure=failures[0].what,
        hosts=", ".join(urlsplit(address).netloc for address in addresses[1:]),
    ) from failures[-1]


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Follows an address to another one, but never to one that anybody on the way could read and change."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme != "https":
            raise UsageError(
                "{address} leads to {other}, which is not https",
                "Download the file yourself and name its path.",
                address=req.full_url,
                other=newurl,
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _save(address: str, path: Path, reporter: Reporter) -> None:
    try:
        with urllib.request.build_opener(_OnlyHttps).open(address, timeout=TIMEOUT) as answer, path.open("wb") as file:
            size = answer.length or 0
            while block := answer.read(BLOCK):
                file.write(block)
                if size:
                    tell_bytes(reporter, file.tell(), size)
            if answer.length:
                raise OffbookError(
                    "the connection broke while {address} was fetched",
                    _AGAIN,
                    address=address,
                )
    except urllib.error.HTTPError as error:
        error_class = UsageError if error.code in (401, 403, 404, 410) else OffbookError
        raise error_class(
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
