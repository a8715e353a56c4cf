"""The server that runs the models for the engine `openai`, opened by its address."""

from __future__ import annotations

import os

from offbook.core.errors import UsageError
from offbook.generation.ollama import OllamaServer, is_ollama
from offbook.generation.upstream import UpstreamServer

KEY = "OFFBOOK_UPSTREAM_KEY"
"""The environment variable with the key of the server that runs the models."""


def open_upstream(address: str | None) -> UpstreamServer:
    """The server at an address, as the API that it speaks wants it.

    Raises:
        UsageError: no address is given, or no such server answers there.
    """
    if address is None:
        raise UsageError(
            "--engine openai asks another server, and none is named", "Name it: --upstream http://HOST:PORT"
        )
    key = os.environ.get(KEY)
    return (OllamaServer if is_ollama(address, key) else UpstreamServer)(address, key)
