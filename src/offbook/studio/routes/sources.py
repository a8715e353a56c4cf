"""Texts: dropped or pasted, who speaks in them, and what they are."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from offbook.core.errors import UsageError
from offbook.core.i18n import language, translate
from offbook.core.shell import shell_command
from offbook.core.text import normalize
from offbook.pipeline.table_columns import table_columns
from offbook.pipeline.table_rows import Table, table_rows
from offbook.studio.context import Studio, StudioDep
from offbook.studio.errors import Conflict, TooLarge, error_json
from offbook.studio.guard import MAX_UPLOAD
from offbook.studio.jobs import JobRecord, newest
from offbook.studio.workspace import free_name, nearest_name

router = APIRouter(tags=["sources"])

TABLE = "rows"
"""What a text is read as that is a table of prompts and replies."""

MESSAGES = "table"
"""What a table of messages is read as, whose columns can be named."""
MOST_COLUMNS = 400
"""Letters of what a table's columns hold."""

MOST = 200
"""Texts that are read together."""
MAX_UPLOADS = 8
"""Files that arrive at once."""

_naming = threading.Lock()


@router.get("/sources")
def list_sources(studio: StudioDep) -> list[dict[str, Any]]:
    """The texts of the workspace."""
    return [_entry(studio, path) for path in studio.workspace.list_sources()]


@router.post("/sources", status_code=201)
async def upload(name: str, request: Request, studio: StudioDep) -> dict[str, Any]:
    """Take a file: its bytes, as application/octet-stream. One of that name stays, the new one gets a number."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/octet-stream":
        raise UsageError("a text is sent as bytes", "Send it with Content-Type: application/octet-stream")
    name = nearest_name(name)
    folder = studio.workspace.sources
    folder.mkdir(parents=True, exist_ok=True)
    _require_room(folder, int(request.headers.get("content-length", 0)))
    temporary = folder / f".tmp-{name}.{os.getpid()}.{id(request)}"
    try:
        await _receive(request, temporary)
        with _naming:
            target = free_name(folder, name)
            temporary.rename(target)
    finally:
        temporary.unlink(missing_ok=True)
    return {**_entry(studio, target), "command": shell_command("cp", name, studio.workspace.relative(target))}


@router.get("/sources/{name}", response_model=None)
def show(
    name: str,
    studio: StudioDep,
    format: str = "auto",
    also: Annotated[Sequence[str], Query(max_length=MOST)] = (),
    columns: Annotated[str, Query(max_length=MOST_COLUMNS)] = "",
) -> Response | dict[str, Any]:
    """Who speaks in a text, and what it was read as. While that is being found out: 202 with the job.

    `also` names further texts that are read together with it, such as the other episodes of a series. Where nobody can
    be heard, `error` says why; `formats` are those that it can be read as. `columns` says what a table's columns hold
    (sender=from,text=body; of one that is read as `rows`, prompt=ask,reply=say), and in the answer, which ones it has.
    """
    paths = [studio.workspace.source(each) for each in (name, *also)]
    path = paths[0]
    if format == TABLE:
        return {**_entry(studio, path), **_rows_listing(path, columns)}
    details = {"fingerprint": _fingerprint(*paths), "format": format, "columns": columns}
    job = newest(studio.queue.list(), "speakers", path.name, **details)
    if job is None or job.state in ("cancelled", "interrupted") or _is_foreign(job):
        argv = ["extract", *map(studio.workspace.relative, paths), "--list", "--json"]
        argv += reading_options(format, columns)
        job = studio.queue.submit("speakers", path.name, argv, details={**details, "also": list(also)})
    if job.state in ("queued", "running"):
        return JSONResponse({"job": job.as_json()}, 202)
    if job.state == "failed" and not (also or columns) and (table := table_rows(path)) is not None:
        shown = shell_command("less", studio.workspace.relative(path))
        return {**_entry(studio, path), **_table(path, table), "command": shown}
    size = sum(each.stat().st_size for each in paths)
    listing = {**_listing(job), "formats": _formats(), "command": job.as_json()["command"]}
    if not listing["speakers"] or listing["format"] == MESSAGES:
        listing["columns"] = [asdict(column) for column in table_columns(path)]
        if "error" in listing and listing["columns"]:
            listing["error"]["fix"] = translate("Say below which column holds what.")
    return {**_entry(studio, path), "bytes": size, **listing}


@router.get("/sources/{name}/lines")
def lines(
    name: str,
    studio: StudioDep,
    offset: Annotated[int, Query(ge=0, le=2**40)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Some lines of a text, numbered."""
    from offbook.pipeline.source_text import lines_of

    path = studio.workspace.source(name)
    return {"offset": offset, "lines": lines_of(path, offset + 1, offset + limit)}


@router.delete("/sources/{name}")
async def delete(name: str, studio: StudioDep) -> dict[str, Any]:
    """Delete a text; characters that were made from it stay."""
    path = studio.workspace.source(name)
    await asyncio.to_thread(path.unlink)
    return {"command": shell_command("rm", studio.workspace.relative(path))}


def _entry(studio: Studio, path: Path) -> dict[str, Any]:
    status = path.stat()
    return {
        "name": path.name,
        "bytes": status.st_size,
        "changed": status.st_mtime,
        "path": studio.workspace.relative(path),
    }


def is_table(studio: Studio, path: Path) -> bool:
    """Whether nobody was heard to speak in a text, so that it may be a table of prompts and replies."""
    job = newest(studio.queue.list(), "speakers", path.name, fingerprint=_fingerprint(path), format="auto")
    return job is not None and job.state == "failed"


def reading_options(format: str, columns: str) -> list[str]:
    """The options of `extract` that say how a text is read."""
    if columns:
        return ["--columns", columns]
    return ["--format", format] if format != "auto" else []


def column_pairs(columns: str) -> tuple[tuple[str, str], ...]:
    """What a person says that columns mean: (prompt, ask), (reply, say) of `prompt=ask,reply=say`."""
    pairs = (each.partition("=") for each in columns.split(",") if "=" in each)
    return tuple((kind.strip(), column.strip()) for kind, _, column in pairs)


def _rows_listing(path: Path, columns: str) -> dict[str, Any]:
    """What a table of prompts and replies is found to hold, or `error`: why it holds none."""
    offered = {"formats": _formats(), "columns": [asdict(column) for column in table_columns(path)]}
    try:
        table = table_rows(path, columns=column_pairs(columns))
    except UsageError as error:
        return {"format": None, "speakers": [], "notes": [], "error": error_json(error)["error"], **offered}
    if table is None:
        reason = {"message": translate("the text could not be read"), "fix": ""}
        return {"format": None, "speakers": [], "notes": [], "error": reason, **offered}
    return {**_table(path, table), **offered}


def _table(path: Path, table: Table) -> dict[str, Any]:
    """The characters of a table of rows, as if they spoke in it; where it names fewer than two, one called like it."""
    names = {normalize(name): name for name in table.characters if name}
    replies: dict[str, list[str]] = {}
    for row, named in zip(table.rows, table.characters, strict=True):
        name = names[normalize(named)] if named and len(names) > 1 else path.stem
        replies.setdefault(name, []).append(row["messages"][-1]["content"])
    notes = []
    if table.skipped:
        text = translate("{count} rows cannot be read and are left out; the first: {reason}")
        notes.append(text.format(count=len(table.skipped), reason=table.skipped[0]))
    return {"format": TABLE, "speakers": [_speaker(name, texts) for name, texts in replies.items()], "notes": notes}


def _speaker(name: str, replies: list[str]) -> dict[str, Any]:
    speaker = {"name": name, "lines": len(replies), "characters": sum(map(len, replies))}
    return speaker | {"unsure": 0, "likely_aliases": [], "aliases": [], "samples": [text[:200] for text in replies[:3]]}


def _fingerprint(*paths: Path) -> str:
    states = [path.stat() for path in paths]
    others = [path.name for path in paths[1:]]
    return " ".join([*(f"{state.st_size}-{state.st_mtime_ns}" for state in states), *others])


def _listing(job: JobRecord) -> dict[str, Any]:
    """What a job of `extract --list` has found, or `error`: why it has found nothing."""
    listing = job.result()
    if job.state == "failed" or not isinstance(listing, dict):
        return {"format": None, "speakers": [], "notes": [], "error": _reason(job)}
    formats, unread = listing["formats"], listing["unread"]
    notes = [f"{Path(file).name}: {reason}" for file, reason in unread.items()]
    speakers = [{**speaker, "aliases": speaker["likely_aliases"]} for speaker in listing["speakers"]]
    return {"format": next(iter(formats.values()), None), "speakers": speakers, "notes": notes}


def _reason(job: JobRecord) -> dict[str, str]:
    """Why a text cannot be read, and what to do here."""
    error = job.as_json()["error"] or {}
    message = error.get("text") or translate("the text could not be read")
    fix = error.get("fix") or translate("Look at the list of jobs.")
    return {"message": message, "fix": fix}


def _is_foreign(job: JobRecord) -> bool:
    """Whether a job has told what is wrong with a text in another language than the reader's."""
    if job.request.lang == language() or job.state not in ("done", "failed"):
        return False
    listing = job.result()
    return job.state == "failed" or (isinstance(listing, dict) and bool(listing["unread"]))


def _formats() -> list[dict[str, str]]:
    """What a text can be read as: the names that `--format` knows, and what people call it."""
    from offbook.data.extract.formats import EXTRACTORS

    return [{"name": name, "title": translate(each.description)} for name, each in EXTRACTORS.items()]


def _require_room(folder: Path, size: int) -> None:
    """See that another file can arrive.

    Args:
        folder: where.
        size: its bytes, as far as the client has said.

    Raises:
        Conflict: `MAX_UPLOADS` files are arriving.
        OSError: the disk is too full for it.
    """
    if len(list(folder.glob(".tmp-*"))) >= MAX_UPLOADS:
        raise Conflict("{count} files are arriving already", "Send this one when they are here.", count=MAX_UPLOADS)
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def _receive(request: Request, target: Path) -> None:
    """Write a request's body into a file, piece by piece, and on to the disk.

    Raises:
        TooLarge: it has more bytes than are taken.
    """
    size = 0
    with target.open("xb") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > MAX_UPLOAD:
                raise TooLarge("the file is too large: {most} MB are taken", "Split it.", most=MAX_UPLOAD // 10**6)
            await asyncio.to_thread(file.write, piece)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
