"""Rows kept, dropped and changed by hand. Each decision is on disk before the next row is shown.

    review = Review(Path("rows.jsonl"))
    for number in review.pending():
        review.decide(number, "keep")
    review.save()                       rows.kept.jsonl: all rows but the dropped ones, the changed ones as changed

The rows' file stays as it is. Decisions are appended to a journal beside it (rows.review.jsonl), under a hash of the
row, so that they hold for the same rows after another extraction, too.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from offbook.core.errors import UsageError
from offbook.data.extract import save
from offbook.data.extract.rows import Row
from offbook.data.sources import read_rows

Decision = Literal["keep", "drop", "edit"]
SEAM = "\n---\n"
"""What stands between the replies of a row where they are changed together."""


class Review:
    """The rows of a file, and what has been decided of them.

    Args:
        path: rows that `extract` wrote.

    Raises:
        UsageError: the file cannot be read, or holds other rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = path.with_name(f"{path.stem}.review.jsonl")
        self.rows: list[Row] = [row for _, row in read_rows(path)]
        if not all("messages" in row and "source" in row for row in self.rows):
            raise UsageError(
                "{path} holds rows that extract did not write",
                "Review what `offbook extract` wrote.",
                path=path,
            )
        self._keys = _keys(self.rows)
        self._made: list[dict[str, Any]] = self._read_journal()

    @property
    def decisions(self) -> dict[str, dict[str, Any]]:
        """Key of a row → its last decision."""
        return {entry["row"]: entry for entry in self._made}

    def pending(self) -> list[int]:
        """Places of the rows that are not decided, those of whose speaker the reader is least sure first."""
        decided = self.decisions
        places = [place for place, key in enumerate(self._keys) if key not in decided]
        return sorted(places, key=lambda place: self.rows[place].get("confidence", 1.0))

    def decide(self, place: int, decision: Decision, text: str = "") -> None:
        """Decide of a row.

        Args:
            place: its place among `rows`.
            decision: keep it, drop it, or keep it with other replies.
            text: for "edit": the replies, as `replies` gives them.

        Raises:
            ValueError: the text has more or fewer replies than the row, or an empty one.
        """
        if decision == "edit":
            _changed(self.rows[place], text)
        entry = {"row": self._keys[place], "decision": decision, **({"text": text} if decision == "edit" else {})}
        self._append(entry)
        self._made.append(entry)

    def undo(self) -> int | None:
        """Take the last decision back: the place of its row, or None where there is none."""
        places = {key: place for place, key in enumerate(self._keys)}
        last = next((entry for entry in reversed(self._made) if entry["row"] in places), None)
        if last is None:
            return None
        self._append({"row": last["row"], "decision": "undo"})
        self._made = [entry for entry in self._made if entry["row"] != last["row"]]
        return places[last["row"]]

    def save(self) -> Path:
        """Write the rows as decided; those that are not decided stay."""
        target = self.path.with_name(f"{self.path.stem}.kept.jsonl")
        decided = self.decisions
        rows = []
        for key, row in zip(self._keys, self.rows, strict=True):
            entry = decided.get(key, {"decision": "keep"})
            if entry["decision"] != "drop":
                rows.append(_changed(row, entry["text"]) if entry["decision"] == "edit" else row)
        save(rows, target)
        return target

    def _read_journal(self) -> list[dict[str, Any]]:
        """The decisions so far; a last line that was cut off by a kill is removed."""
        if not self.journal.exists():
            return []
        content = self.journal.read_bytes()
        complete = content[: content.rfind(b"\n") + 1]
        if len(complete) < len(content):
            with self.journal.open("r+b") as file:
                file.truncate(len(complete))
        made: list[dict[str, Any]] = []
        for number, line in enumerate(complete.decode("utf-8", "replace").splitlines(), 1):
            try:
                entry = json.loads(line)
                row, decision = str(entry["row"]), entry["decision"]
            except (ValueError, KeyError, TypeError):
                raise UsageError(
                    "{journal}:{number}: not a decision",
                    "Remove that line.",
                    journal=self.journal,
                    number=number,
                ) from None
            if decision == "undo":
                made = [earlier for earlier in made if earlier["row"] != row]
            else:
                made.append(entry)
        return made

    def _append(self, entry: dict[str, Any]) -> None:
        with self.journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def replies(row: Row) -> str:
    """The replies of a row that are learned, in one text."""
    return SEAM.join(message["content"] for message in _learned(row))


def _learned(row: Row) -> list[dict[str, Any]]:
    return [each for each in row["messages"] if each["role"] == "assistant" and each.get("weight") != 0]


def _changed(row: Row, text: str) -> Row:
    """The row with other replies."""
    changed: Row = json.loads(json.dumps(row))
    texts = [part.strip("\n") for part in text.strip("\n").split(SEAM)]
    if len(texts) != len(_learned(row)) or not all(part.strip() for part in texts):
        raise ValueError(f"the row has {len(_learned(row))} replies, the text {len(texts)}, and none may be empty")
    for message, part in zip(_learned(changed), texts, strict=True):
        message["content"] = part
    return changed


def _keys(rows: list[Row]) -> list[str]:
    """A hash of each row; equal rows are told apart by their order."""
    seen: Counter[str] = Counter()
    keys = []
    for row in rows:
        content = json.dumps(row, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(content).hexdigest()[:16]
        seen[digest] += 1
        keys.append(digest if seen[digest] == 1 else f"{digest}-{seen[digest]}")
    return keys
