"""Characters: made from a text, renamed, duplicated, deleted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from offbook.core.atomic import atomic_dir, atomic_write_text
from offbook.core.config import loading
from offbook.core.errors import UsageError
from offbook.core.i18n import translate
from offbook.core.run_lock import remove
from offbook.core.shell import offbook_command, shell_command
from offbook.pipeline.table_rows import table_rows
from offbook.studio.character import CharacterFolder
from offbook.studio.checks import version_of
from offbook.studio.context import Studio, StudioDep
from offbook.studio.errors import Conflict
from offbook.studio.jobs import newest
from offbook.studio.json_files import objects
from offbook.studio.new_character import Persona, make_folder, what_to_expect
from offbook.studio.queue import TALK
from offbook.studio.routes.sources import MOST, MOST_COLUMNS, TABLE, column_pairs, is_table, reading_options
from offbook.studio.runs import character_of, run_entry
from offbook.studio.workspace import checked_name, folder_bytes, free_name, nearest_name

router = APIRouter(tags=["characters"])

ROWS_READ = 200
"""So many rows of a table tell its language."""


class NewCharacter(BaseModel):
    """A character, and the text that it speaks in."""

    source: str
    also: list[str] = Field([], max_length=MOST)
    """Further texts that it speaks in."""
    role: str = Field(min_length=1, max_length=200)
    """By the name that it has there."""
    aliases: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field([], max_length=50)
    """Further names of it."""
    name: str | None = None
    """Of its folder; default: the role, or what comes nearest to it that can be a folder's."""
    format: str = "auto"
    """What the text is read as."""
    columns: str = Field("", max_length=MOST_COLUMNS)
    """What a table's columns hold: sender=from,text=body."""
    context: int = Field(0, ge=0, le=50)
    """Turns before the prompt that a row carries along."""


class Rename(BaseModel):
    """A character's new name."""

    name: str


@router.get("/characters")
def list_characters(studio: StudioDep) -> list[str]:
    """The names of the characters."""
    return [path.name for path in studio.workspace.list_characters()]


@router.post("/characters", status_code=201)
def create(new: NewCharacter, studio: StudioDep) -> dict[str, Any]:
    """Make a character's folder with its settings, and a job that takes its lines out of the text."""
    source, *others = [studio.workspace.source(each) for each in (new.source, *new.also)]
    name = nearest_name(new.role) if new.name in (None, new.role) else checked_name(new.name)
    folder = studio.workspace.characters / name
    if folder.exists():
        raise Conflict("there is a character '{name}' already", "Choose another name.", name=name)
    studio.queue.require_room()
    is_rows = new.format == TABLE or (new.format == "auto" and not (others or new.columns) and is_table(studio, source))
    columns = column_pairs(new.columns) if is_rows else ()
    table = table_rows(source, new.role, columns) if is_rows else None  # may raise, before there is a folder
    texts = _said(studio, source) if table is None else _contents(table.rows)
    recipe = make_folder(folder, Persona.of(new.role, texts))
    init = offbook_command("init", studio.workspace.relative(folder), "--recipe", recipe)
    if table is not None:
        return {"name": name, "job": None, "command": _take_rows(studio, folder, source, table.rows, init)}
    out = studio.workspace.relative(folder / "lines.jsonl")
    argv = ["extract", *map(studio.workspace.relative, (source, *others)), "--role", new.role, "--out", out, "--json"]
    argv += ["--min-confidence", "0"]  # the page shows how sure each row is, least sure first
    argv += reading_options(new.format, new.columns)
    argv += ["--context", str(new.context)] if new.context else []
    for alias in new.aliases:
        if "=" in alias or "=" in new.role:
            raise UsageError("a name with = in it has no alias", "Leave the aliases out.")
        argv += ["--alias", f"{alias}={new.role}"]
    job = studio.queue.submit("extract", name, argv, details={"source": source.name, "also": new.also})
    return {"name": name, "job": job.as_json(), "command": f"{init} && {job.as_json()['command']}"}


@router.get("/characters/{name}")
def show(name: str, studio: StudioDep) -> dict[str, Any]:
    """A character: its settings, its rows, its runs, the job that extracts its lines."""
    character = CharacterFolder(studio.workspace.character(name))
    config, index, edits = character.load(), character.index, character.edits
    job = newest(studio.queue.list(), "extract", name)
    runs = [run for run in studio.workspace.list_runs() if character_of(studio.workspace, run) == name]
    return {
        "name": name,
        "config": config.model_dump(),
        "rows": len(index) if index else 0,
        "trained_rows": len(index) - len(index.places(edits.left_out)) if index else 0,
        "runs": [run_entry(studio.workspace, run) for run in runs],
        "extract": job.as_json() if job else None,
        "summary": job.result() if job else None,
        "left_out": _left_out(job.result()) if job else [],
        "expect": what_to_expect(config.model.source),
        "path": studio.workspace.relative(character.path),
        "command": offbook_command("train", "-c", studio.workspace.relative(character.config)),
    }


@router.get("/characters/{name}/state")
def state(name: str, studio: StudioDep) -> dict[str, Any]:
    """What is different after each change of its rows or settings, and the jobs that make rows or findings.

    It is quickly told: pages ask for it again and again, so that they show what another page or a terminal has changed.
    """
    character = CharacterFolder(studio.workspace.character(name))
    jobs = [newest(studio.queue.list(), kind, name) for kind in ("extract", "check")]
    return {"version": version_of(character), "jobs": {job.request.kind: job.state for job in jobs if job is not None}}


@router.patch("/characters/{name}")
def rename(name: str, change: Rename, studio: StudioDep) -> dict[str, Any]:
    """Give a character's folder another name; its runs are told where its rows lie now."""
    folder = studio.workspace.character(name)
    target = studio.workspace.characters / checked_name(change.name)
    if target.exists():
        raise Conflict("there is a character '{name}' already", "Choose another name.", name=target.name)
    _refuse_busy(studio, name)
    runs = [run for run in studio.workspace.list_runs() if character_of(studio.workspace, run) == name]
    if any(run.running for run in runs):
        raise Conflict("'{name}' is being trained", "Wait until it ends, or stop it.", name=name)
    folder.rename(target)
    _name_runs(target, name, target.name)
    for run in runs:
        config = loading.load(run.config)
        data = config.data.model_copy(update={"source": str(target / "rows.jsonl")})
        atomic_write_text(run.config, loading.dump(config.model_copy(update={"data": data})))
    paths = studio.workspace.relative(folder), studio.workspace.relative(target)
    return {"name": target.name, "command": shell_command("mv", *paths)}


@router.post("/characters/{name}/duplicate", status_code=201)
def duplicate(name: str, studio: StudioDep) -> dict[str, Any]:
    """Copy a character: its settings, lines and changes, without its runs."""
    folder = studio.workspace.character(name)
    target = free_name(studio.workspace.characters, name)
    with atomic_dir(target) as new:
        for path in folder.iterdir():
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                shutil.copy2(path, new / path.name)
        _name_runs(new, name, target.name)
    paths = studio.workspace.relative(folder), studio.workspace.relative(target)
    return {"name": target.name, "command": shell_command("cp", "-r", *paths)}


@router.get("/characters/{name}/size")
def size(name: str, studio: StudioDep) -> dict[str, Any]:
    """What deleting a character would take away: its files, and its runs where they go, too."""
    folder = studio.workspace.character(name)
    runs = [run for run in studio.workspace.list_runs() if character_of(studio.workspace, run) == name]
    return {
        "files": [{"path": studio.workspace.relative(folder), "bytes": folder_bytes(folder)}],
        "runs": [{"name": run.name, "bytes": folder_bytes(run.path)} for run in runs],
    }


@router.delete("/characters/{name}")
def delete(name: str, studio: StudioDep, runs: Annotated[bool, Query()] = False) -> dict[str, Any]:
    """Delete a character, and with `runs` also what was trained from it."""
    folder = studio.workspace.character(name)
    _refuse_busy(studio, name)
    commands = [shell_command("rm", "-r", studio.workspace.relative(folder))]
    if runs:
        for run in studio.workspace.list_runs():
            if character_of(studio.workspace, run) == name:
                studio.queue.end_talks(run.name)
                remove(run)
                commands.append(offbook_command("runs", "rm", studio.workspace.relative(run.path)))
    _remove(folder)
    return {"command": " && ".join(commands)}


def _said(studio: Studio, source: Path) -> list[str]:
    """Some of what is said in a text, as far as somebody has looked who speaks there."""
    job = newest(studio.queue.list(), "speakers", source.name)
    listing = job.result() if job is not None else None
    speakers = objects(listing.get("speakers")) if isinstance(listing, dict) else []
    return [str(sample) for speaker in speakers for sample in speaker.get("samples", [])]


def _contents(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What is said in the first rows of a table."""
    return [str(message["content"]) for row in rows[:ROWS_READ] for message in row["messages"]]


def _name_runs(folder: Path, before: str, now: str) -> None:
    """Call the runs of a character by its new name, if they were called by the old one; a damaged config stays."""
    character = CharacterFolder(folder)
    with suppress(UsageError):
        if character.settings().get("name") == before:
            character.change_settings({"name": now})


def _left_out(summary: Any) -> list[dict[str, Any]]:
    """What an extraction left out of the text and why, the most first, each with its first examples."""
    left = summary.get("left") if isinstance(summary, dict) else None
    reasons = sorted((left or {}).items(), key=lambda item: -item[1])
    examples = summary.get("examples") or {} if left else {}
    return [{"reason": translate(key), "count": n, "examples": examples.get(key, [])} for key, n in reasons]


def _take_rows(studio: Studio, folder: Path, source: Path, rows: list[dict[str, Any]], init: str) -> str:
    """Write the rows of a table as a character's lines; the command that would do as much is returned."""
    place = studio.workspace.relative(source)
    texts = [json.dumps({**row, "source": {**row["source"], "file": place}}, ensure_ascii=False) for row in rows]
    atomic_write_text(folder / "lines.jsonl", "".join(f"{text}\n" for text in texts))
    return f"{init} && {shell_command('cp', place, studio.workspace.relative(folder / 'rows.jsonl'))}"


def _remove(folder: Path) -> None:
    """Delete a folder: it is gone at once, or all there, whenever the process is killed."""
    hidden = folder.with_name(f".tmp-{folder.name}")
    shutil.rmtree(hidden, ignore_errors=True)
    folder.rename(hidden)
    shutil.rmtree(hidden)


def _refuse_busy(studio: Studio, name: str) -> None:
    about = [job for job in studio.queue.list() if job.request.subject == name and job.request.kind != TALK]
    if any(job.state in ("queued", "running") for job in about):
        raise Conflict("a job works with '{name}'", "Wait until it ends, or cancel it.", name=name)
