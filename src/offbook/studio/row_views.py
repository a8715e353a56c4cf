"""Rows as the page shows them: a window of those that a filter lets through, each with what is known about it."""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Literal

from offbook.pipeline.row_marks import marks_of, personal_of
from offbook.studio.character import CharacterFolder
from offbook.studio.edits import Edits
from offbook.studio.rows import RowIndex, parse_row

Order = Literal["file", "confidence"]
Filter = Literal["all", "trained", "excluded", "edited", "unsure", "personal", "findings"]

UNSURE = 0.95
"""Rows below are those whose speaker is only likely."""

MAYBE_PERSONAL = re.compile(rb"@|\+\d|\d{11}")
"""What a line has in which there may be a mail address, a phone or an ID number: most lines have none of it."""

_marking = threading.Lock()


def window(
    character: CharacterFolder,
    *,
    offset: int,
    limit: int,
    order: Order,
    only: Filter,
    text: str,
    heldout: frozenset[int] | None,
) -> dict[str, Any]:
    """Some of a character's rows.

    Args:
        character: whose.
        offset: how many that fit are skipped.
        limit: how many are shown.
        order: by the file, or least sure first.
        only: which are shown.
        text: what they have to hold; "" for any.
        heldout: numbers of the trained rows that are held out; None where that is not known yet.

    Returns:
        total (of those that fit), rows, and counts of all, excluded and edited ones.
    """
    index, edits = character.index, character.edits
    if index is None:
        return {"total": 0, "rows": [], "counts": {"all": 0, "excluded": 0, "edited": 0}}
    fitting: Sequence[int]
    left_out, edited = sorted(index.places(edits.left_out)), index.places(edits.messages)
    fitting = index.by_confidence if order == "confidence" else range(len(index))
    if only != "all":
        chosen = _chosen(index, only, left_out, edited)
        fitting = [place for place in fitting if place in chosen]
    if text:
        holding = _holding(index, text.casefold().encode())
        fitting = [place for place in fitting if place in holding]
    shown = fitting[offset : offset + limit]
    rows = [row_view(index, edits, place, row) for place, row in zip(shown, index.read(shown), strict=True)]
    for place, row in zip(shown, rows, strict=True):
        if heldout is not None:
            row["heldout"] = not row["excluded"] and trained_number(place, left_out) in heldout
    counts = {"all": len(index), "excluded": len(left_out), "edited": len(edited)}
    return {"total": len(fitting), "rows": rows, "counts": counts}


def trained_number(place: int, left_out: Sequence[int]) -> int:
    """The line in rows.jsonl, from 1, of the trained row at a place; `left_out` are the other places, in order."""
    return place + 1 - bisect_left(left_out, place)


def row_view(index: RowIndex, edits: Edits, place: int, row: dict[str, Any]) -> dict[str, Any]:
    """A row as the page shows it; whether it is held out is not known."""
    name = index.id(place)
    messages = edits.messages.get(name, row["messages"])
    texts = [each["content"] for each in messages if each.get("role") != "system"]
    source = row.get("source") if isinstance(row.get("source"), dict) else {}
    assert isinstance(source, dict)
    return {
        "id": name,
        "number": place + 1,
        "prompt": _last(messages, "user"),
        "reply": "\n".join(each["content"] for each in messages if _is_learned(each)),
        "messages": messages,
        "turns": len(messages),
        "source": source,
        "source_place": " · ".join(
            str(part) for part in (f"{source.get('file', '')}:{source.get('line', '')}", source.get("scene")) if part
        ),
        "confidence": index.confidences[place],
        "excluded": name in edits.excluded or name in edits.merged,
        "merged_into": edits.merged.get(name),
        "edited": name in edits.messages,
        "heldout": None,
        "findings": marks_of(texts),
        "personal": personal_of(texts),
    }


def _chosen(index: RowIndex, only: Filter, left_out: Sequence[int], edited: Collection[int]) -> Collection[int]:
    """The places that a filter lets through."""
    match only:
        case "trained":
            return set(range(len(index))).difference(left_out)
        case "excluded":
            return set(left_out)
        case "edited":
            return edited
        case "unsure":
            return {place for place, confidence in enumerate(index.confidences) if confidence < UNSURE}
        case "personal" | "findings":
            return _marked(index, only)
        case _:
            return range(len(index))


def _holding(index: RowIndex, text: bytes) -> set[int]:
    return {place for place, line in enumerate(index.lines()) if text in line.lower()}


def _marked(index: RowIndex, only: Literal["personal", "findings"]) -> frozenset[int]:
    """Places of the rows that show something: looked for once in a file."""
    with _marking:
        return _with_personal_data(index) if only == "personal" else _with_findings(index)


@lru_cache(2)
def _with_personal_data(index: RowIndex) -> frozenset[int]:
    fitting = ((place, line) for place, line in enumerate(index.lines()) if MAYBE_PERSONAL.search(line))
    return frozenset(place for place, line in fitting if personal_of(_texts(line)))


@lru_cache(2)
def _with_findings(index: RowIndex) -> frozenset[int]:
    return frozenset(place for place, line in enumerate(index.lines()) if marks_of(_texts(line)))


def _texts(line: bytes) -> list[str]:
    return [each["content"] for each in parse_row(line)["messages"]]


def _is_learned(message: dict[str, Any]) -> bool:
    return message.get("role") == "assistant" and message.get("weight", 1) != 0


def _last(messages: list[dict[str, Any]], role: str) -> str:
    return next((each["content"] for each in reversed(messages) if each.get("role") == role), "")
