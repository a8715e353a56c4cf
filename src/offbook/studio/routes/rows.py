"""The lines of a character: rows beside their source, changed by hand."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from offbook.core.errors import UsageError
from offbook.core.shell import shell_command
from offbook.studio.character import CharacterFolder, merge
from offbook.studio.checks import heldout_numbers
from offbook.studio.context import Studio, StudioDep
from offbook.studio.edits import Message
from offbook.studio.errors import NotFound
from offbook.studio.row_views import Filter, Order, row_view, window

router = APIRouter(prefix="/characters/{name}", tags=["rows"])

ABOVE, BELOW = 4, 6
"""Lines of the source that are shown around a row."""
LONGEST_TEXT = 100_000


class TurnText(BaseModel):
    """A turn of a row."""

    role: Literal["system", "user", "assistant"]
    content: str = Field(max_length=LONGEST_TEXT)
    weight: float | None = None
    """0: it is read and not learned."""


class Edit(BaseModel):
    """A change of a row."""

    op: Literal["exclude", "include", "edit", "merge"]
    row: str
    prompt: str | None = Field(None, max_length=LONGEST_TEXT)
    """edit: what is said to the character."""
    reply: str | None = Field(None, min_length=1, max_length=LONGEST_TEXT)
    """edit: what it answers."""
    messages: list[TurnText] | None = None
    """edit: all turns of the row, in place of prompt and reply."""
    other: str | None = Field(None, alias="with")
    """merge: the row that becomes a part of it."""


@router.get("/rows")
def rows(
    name: str,
    studio: StudioDep,
    offset: Annotated[int, Query(ge=0, le=2**40)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    order: Order = "file",
    only: Annotated[Filter, Query(alias="filter")] = "all",
    text: Annotated[str, Query(alias="q", max_length=200)] = "",
) -> dict[str, Any]:
    """A window of the rows: `total` of those that fit, `counts` of all."""
    character = _folder(studio, name)
    heldout = heldout_numbers(studio, character)
    shown = window(character, offset=offset, limit=limit, order=order, only=only, text=text, heldout=heldout)
    return {**shown, "can_undo": bool(character.edits.changes), "command": _command(studio, character)}


@router.get("/rows/{row}")
def show(name: str, row: str, studio: StudioDep) -> dict[str, Any]:
    """One row."""
    character = _folder(studio, name)
    index = character.index
    place = index.place(row) if index is not None else None
    if index is None or place is None:
        raise NotFound("there is no row '{row}'", "Load the page again.", row=row)
    return row_view(index, character.edits, place, index.read([place])[0])


@router.get("/rows/{row}/context")
def context(name: str, row: str, studio: StudioDep) -> dict[str, Any]:
    """The lines of the source around a row: `lines` of [number, text], `replies` the numbers of its own."""
    from offbook.pipeline.source_text import lines_of

    source = show(name, row, studio)["source"]
    file, replies = source.get("file"), source.get("lines") or [source.get("line")]
    path = studio.workspace.root / str(file)
    if path.parent != studio.workspace.sources or not all(isinstance(each, int) for each in replies):
        raise NotFound("the text of this row is not in the workspace", "Its place is told beside the row.")
    path = studio.workspace.source(path.name)
    lines = lines_of(path, max(1, replies[0] - ABOVE), min(replies[-1] + BELOW, replies[0] + 200))
    return {"file": file, "replies": replies, "lines": lines}


@router.post("/edits")
def change(name: str, edit: Edit, studio: StudioDep) -> dict[str, Any]:
    """Exclude a row, include it again, change what it says, or make one of two. Nothing is lost: undo takes it back."""
    character = _folder(studio, name)
    entry: dict[str, Any] = {"op": edit.op, "row": edit.row}
    if edit.op == "edit":
        entry["messages"] = _edited(character.messages(edit.row), edit)
    elif edit.op == "merge":
        if edit.other is None or edit.other == edit.row:
            raise UsageError("merge needs another row", "Name it: with.")
        entry |= {"with": edit.other, "messages": merge(character.messages(edit.row), character.messages(edit.other))}
    character.change(entry)
    return {"row": show(name, edit.row, studio), "can_undo": True, "command": _command(studio, character)}


@router.post("/undo")
def undo(name: str, studio: StudioDep) -> dict[str, Any]:
    """Take the last change back."""
    character = _folder(studio, name)
    last = character.edits.changes[-1] if character.edits.changes else None
    character.change({"op": "undo"})
    return {
        "undone": last,
        "can_undo": bool(character.edits.changes),
        "command": _command(studio, character),
    }


def _edited(messages: list[Message], edit: Edit) -> list[Message]:
    """A row's messages with a change.

    Raises:
        UsageError: nothing is changed, or nothing is left to learn.
    """
    if edit.messages is not None:
        changed = [each.model_dump(exclude_none=True) for each in edit.messages]
    else:
        changed = [dict(each) for each in messages]
        for role, text in (("user", edit.prompt), ("assistant", edit.reply)):
            place = next((at for at in reversed(range(len(changed))) if changed[at].get("role") == role), None)
            if text is not None and place is not None:
                changed[place]["content"] = text
    if not any(each["role"] == "assistant" and each["content"].strip() and each.get("weight", 1) for each in changed):
        raise UsageError("a row needs a reply to learn", "Write one, or exclude the row.")
    return changed


def _folder(studio: Studio, name: str) -> CharacterFolder:
    return CharacterFolder(studio.workspace.character(name))


def _command(studio: Studio, character: CharacterFolder) -> str:
    return shell_command("less", studio.workspace.relative(character.rows))
