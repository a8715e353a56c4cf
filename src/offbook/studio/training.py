"""Starting a training: under which name, with which command."""

from __future__ import annotations

from offbook.studio.character import CharacterFolder
from offbook.studio.context import Studio
from offbook.studio.errors import Conflict
from offbook.studio.estimates import end_estimates
from offbook.studio.jobs import JobRecord
from offbook.studio.workspace import checked_name, free_name


def start_training(studio: Studio, character: CharacterFolder, name: str | None = None) -> JobRecord:
    """Put a training of a character into the queue.

    Args:
        studio: its workspace and queue.
        character: what is trained.
        name: of the run; default: that of the settings, with a number where there is such a run.

    Raises:
        Conflict: there is nothing to train, a run of that name exists, or is to be made by another job.
    """
    character.require_rows()
    end_estimates(studio, character)
    taken = {job.request.details.get("run") for job in studio.queue.list() if job.state in ("queued", "running")}
    if name is None:
        run = free_name(studio.workspace.runs, character.load().name, taken).name
    else:
        run = checked_name(name)
        if (studio.workspace.runs / run).exists() or run in taken:
            raise Conflict("there is a run '{name}' already", "Choose another name.", name=run)
    argv = ["train", "-c", studio.workspace.relative(character.config), "--name", run, "--json"]
    return studio.queue.submit("train", character.name, argv, details={"run": run})
