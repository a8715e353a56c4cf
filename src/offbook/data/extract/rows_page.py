"""The rows of an extraction beside the text that they come from, as one self-contained page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from offbook.core.html import page
from offbook.core.i18n import languages, translated
from offbook.core.outputs import is_branded
from offbook.data.extract.rows import Row
from offbook.data.extract.source import open_source
from offbook.data.extract.summary import LeftOut, Summary
from offbook.data.messages import wording

MOST_ROWS = 100_000
"""More rows than this make a page that a browser is slow with."""
EXAMPLES = 200
"""Pieces left out that are shown of each reason."""
ABOVE, BELOW = 3, 7
"""Lines of the source that are shown before and after a reply's first line; Telegram has its text in the eighth."""
LONGEST_SPAN = 60
"""Lines of the source that are shown beside a row of several replies."""
LONGEST_LINE = 600

NEAR, WHOLE_SEARCHES = 1 << 16, 20
"""So far about the last reply in a long line the next one is looked for, and so often in all of it: it may be millions
of characters."""


@dataclass(slots=True)
class RowsPage:
    """Gathers what the page shows while the rows are made."""

    rows: list[list[Any]] = field(default_factory=list)
    """Of each row: [file, first line shown, last, lines of the replies, place, confidence, [[role, text, weight] …],
    what is shown of a long first line of the replies]."""
    left: dict[str, list[list[Any]]] = field(default_factory=dict)
    """Reason → [file, line, text] of its first pieces."""
    more: int = 0
    """Rows beyond `MOST_ROWS`."""

    def add(self, item: Row | LeftOut) -> None:
        """Take in a row, or a piece that is in none."""
        if isinstance(item, LeftOut):
            examples = self.left.setdefault(item.piece.reason, [])
            if len(examples) < EXAMPLES:
                examples.append([item.file, item.piece.line, item.piece.text[:LONGEST_LINE]])
        elif len(self.rows) < MOST_ROWS:
            self.rows.append(_entry(item))
        else:
            self.more += 1

    def render(self, summary: Summary, lang: str = "en") -> str:
        """The page as HTML; whatever the files say stands in it as text.

        Args:
            summary: the account of the extraction, which is over.
            lang: its language.
        """
        words = wording(lang)["rows_page"]
        counts = {"rows": summary.taken, "replies": summary.replies, "unsure": summary.unsure}
        return page.render(
            "offbook.data.extract",
            "rows.html.jinja",
            lang=lang,
            t=words,
            title=summary.role,
            facts={name: f"{count:,}" for name, count in counts.items()},
            formats=summary.formats,
            unread=summary.unread,
            left=sorted(summary.left.items(), key=lambda item: -item[1]),
            examples=self.left,
            reasons={reason: translated(reason, lang) for reason in summary.left},
            more=self.more,
            data=_script(
                {
                    "rows": self.rows,
                    "lines": self._lines(),
                    "words": {name: words[name] for name in ("source", "row", "answer", "unsure_row", "context", "of")},
                }
            ),
        )

    def _lines(self) -> dict[str, dict[int, str]]:
        """File → number → text of the lines that are shown."""
        wanted: dict[str, set[int]] = {}
        for file, first, last, *_ in self.rows:
            wanted.setdefault(file, set()).update(range(first, last + 1))
        begun: dict[tuple[str, int], list[list[Any]]] = {}
        for row in self.rows:
            begun.setdefault((row[0], row[3][0]), []).append(row)
        lines: dict[str, dict[int, str]] = {}
        for file, numbers in wanted.items():
            shown = lines.setdefault(file, {})
            for number, text in open_source(Path(file)):
                if number in numbers and text.strip():
                    shown[number] = text[:LONGEST_LINE]
                    if len(text) > LONGEST_LINE:
                        _add_excerpts(text, begun.get((file, number), []))
        return lines


def is_page(path: Path) -> bool:
    """Whether a file is such a page."""
    return is_branded(path, [f"offbook · {wording(lang)['rows_page']['brand']}" for lang in languages()])


def _entry(row: Row) -> list[Any]:
    source: Mapping[str, Any] = row["source"]
    replies = source.get("lines", [source["line"]])
    first = max(1, replies[0] - ABOVE)
    last = min(replies[-1] + BELOW, first + LONGEST_SPAN)
    place = [str(value) for key, value in source.items() if key not in ("file", "line", "lines", "scene") and value]
    where = " · ".join([*([source["scene"]] if source.get("scene") else []), *dict.fromkeys(place)])
    turns = [[message["role"], message["content"], message.get("weight", 1)] for message in row["messages"]]
    return [source["file"], first, last, replies, where, row["confidence"], turns, ""]


def _add_excerpts(line: str, rows: list[list[Any]]) -> None:
    """Give rows what stands about their first replies in a long line: a whole chat may be one line of JSON."""
    at, tries = 0, WHOLE_SEARCHES
    for row in rows:
        reply = next((text for role, text, weight in row[6] if role == "assistant" and weight), "").partition("\n")[0]
        written = (reply, *(json.dumps(reply, ensure_ascii=ascii_only)[1:-1] for ascii_only in (False, True)))
        places = [line.find(form, at, at + NEAR) for form in written]
        places += [line.rfind(form, max(0, at - NEAR), at) for form in written]
        if max(places) < 0 and tries:
            tries -= 1
            places = [line.find(form) for form in written]
        if (place := next((place for place in places if place >= 0), -1)) >= 0:
            begin = max(0, place - LONGEST_LINE // 2)
            row[-1], at = line[begin : begin + LONGEST_LINE], place + 1


def _script(value: Any) -> Markup:
    """A value as JSON that may stand in a script element: no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").encode("utf-8", "replace").decode())  # nothing can end it
