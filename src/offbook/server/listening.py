"""Where a server listens, who can reach it there, and whether it may: what serving characters and the studio share."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Sequence

import psutil

from offbook.core.errors import UsageError
from offbook.core.system_errors import system_reason
from offbook.server.middleware import LOOPBACK

KEY = "OFFBOOK_API_KEY"
"""The environment variable with the key that clients have to show."""


def key_of_environment() -> str | None:
    """The key that clients have to show; None where the environment names none.

    Raises:
        UsageError: it could not be sent by a client.
    """
    key = os.environ.get(KEY) or None
    if key is not None and (key != key.strip() or any(ord(letter) < 32 for letter in key)):
        raise UsageError(
            "the key in {key} begins or ends with a space, or holds a control character: no client could send it",
            "Set another one in the environment: {key}=…",
            key=KEY,
        )
    return key


def check_access(host: str, key: str | None, origins: Sequence[str]) -> None:
    """See that nobody else can reach a server that no key protects.

    Raises:
        UsageError: another computer, or any website, could; or an origin is none.
    """
    for origin in origins:
        if not re.fullmatch(r"\*|null|[a-z][a-z0-9+.-]*://[^/\s]*/?", origin, re.IGNORECASE):
            raise UsageError(
                "--allow-origin {origin} is no origin: no page sends it",
                "Write scheme, host and port, without a path: --allow-origin https://example.org",
                origin=origin,
            )
    if key is None and not is_loopback(host):
        raise UsageError(
            "{host} can be reached by other computers, and no key protects the character",
            "Set one that clients have to show, in the environment: {key}=…",
            host=host,
            key=KEY,
        )
    everybody = next((origin for origin in origins if origin in ("*", "null")), None)  # a sandboxed frame sends null
    if key is None and everybody:
        raise UsageError(
            "--allow-origin '{origin}' lets every website talk to the character, and no key protects it",
            "Name the origin, or set a key: {key}=… offbook serve …",
            origin=everybody,
            key=KEY,
        )


def reachable(host: str) -> list[str]:
    """The addresses that can be typed into a browser: of a server on all of them, this computer's own first."""
    if host not in ("0.0.0.0", "::"):
        return [host]
    active = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    reachable = [
        address.address
        for name, addresses in psutil.net_if_addrs().items()
        for address in addresses
        if name in active and address.family == socket.AF_INET and not is_loopback(address.address)
    ]
    return ["127.0.0.1" if host == "0.0.0.0" else "::1", *reachable]


def is_loopback(host: str) -> bool:
    """Whether an address is this computer's own, which no other can reach."""
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, had before a model is loaded for nothing."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise UsageError(
            "cannot listen on {host}:{port}: {strerror}",
            "Choose another --port.",
            host=host,
            port=port,
            strerror=system_reason(error),
        ) from None
