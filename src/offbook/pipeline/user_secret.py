"""A secret of this user on this computer: what is signed with it was written here, not by whoever sent a folder."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from offbook.hub.cache import home

SIZE = 32


def signature(text: str) -> str:
    """A text's signature by this user (HMAC-SHA256, in hexadecimal digits).

    Raises:
        OSError: the secret can be neither read nor made.
    """
    return hmac.new(_secret(home() / "user-secret"), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _secret(path: Path) -> bytes:
    """The secret, made when it is first asked for; it appears whole, and the first of several makers wins."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".tmp-{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SIZE))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, path)
        temporary.unlink()
    return path.read_bytes()
