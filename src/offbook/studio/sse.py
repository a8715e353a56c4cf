"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import json
from typing import Any

MEDIA_TYPE = "text/event-stream"
POLL_SECONDS = 0.4
"""How often files are looked at while somebody listens."""
KEEP_ALIVE_SECONDS = 15.0
KEEP_ALIVE = b": still here\n\n"
"""What is sent where there is nothing to say, so that nobody takes the connection for dead."""


def sse(data: Any, event: str = "message", number: int | str | None = None) -> bytes:
    """An event as it is sent.

    Args:
        data: its content, sent as JSON.
        event: its name.
        number: what a client sends back to go on after it.
    """
    head = f"event: {event}\n" + (f"id: {number}\n" if number is not None else "")
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode("utf-8", "replace")
