"""What every request of the API works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from offbook.studio.queue import JobQueue
from offbook.studio.sse import EventStreams
from offbook.studio.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Studio:
    """A workspace, its jobs, and who may come in."""

    workspace: Workspace
    queue: JobQueue
    cookie: str
    """Name of the cookie that holds the token."""
    token: str
    streams: EventStreams = field(default_factory=EventStreams)


def studio_of(request: Request) -> Studio:
    """The studio that a request came to."""
    studio: Studio = request.app.state.studio
    return studio


StudioDep = Annotated[Studio, Depends(studio_of)]
