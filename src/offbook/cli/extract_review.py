"""`offbook extract --review`: going through rows by hand in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from offbook.cli.echo import echo
from offbook.core.i18n import translate

if TYPE_CHECKING:
    from offbook.data.extract.review import Review

NOT_SURE = 0.95
"""Rows below that are marked."""


def review_rows(path: Path) -> None:
    """Show each row that is not decided, least sure first, and ask; what is kept is written at the end.

    Raises:
        UsageError: the file cannot be read, or holds other rows than those of `extract`.
    """
    from offbook.data.extract.review import Review

    review = Review(path)
    waiting = review.pending()
    total = len(review.rows)
    while waiting:
        place = waiting[0]
        _show(review, place, total - len(waiting) + 1)
        key = _ask()
        if key == "q":
            break
        if key == "u":
            back = review.undo()
            waiting = waiting if back is None else [back, *waiting]
        elif key == "e":
            if _edit(review, place):
                waiting = waiting[1:]
        else:
            review.decide(place, "drop" if key == "d" else "keep")
            waiting = waiting[1:]
    target = review.save()
    decided = [entry["decision"] for entry in review.decisions.values()]
    report = translate("{kept} kept, {edited} changed, {dropped} dropped, {waiting} not looked at → {file}")
    counts = {"kept": decided.count("keep"), "edited": decided.count("edit"), "dropped": decided.count("drop")}
    echo(report.format(**counts, waiting=len(waiting), file=target), err=True)
    if waiting:
        echo(translate("Go on with the same command: every decision is kept."), err=True)


def _show(review: Review, place: int, number: int) -> None:
    row = review.rows[place]
    source, confidence = row["source"], row.get("confidence", 1.0)
    echo()
    head = f"{number}/{len(review.rows)}  {source.get('file')}:{source.get('line')}  {source.get('scene') or ''}"
    sure = translate("sure to {share}").format(share=f"{confidence:.2f}")
    echo(f"{head}  ", nl=False, dim=True)
    echo(sure, fg="yellow" if confidence < NOT_SURE else None)
    for message in row["messages"]:
        learned = message["role"] == "assistant" and message.get("weight") != 0
        sign = "▶ " if learned else "  "
        echo(sign + message["content"].replace("\n", "\n  "), bold=learned)


def _ask() -> str:
    """One of k, d, e, u, q; the end of the input is q."""
    echo(translate("k keep (Enter) · d drop · e edit · u undo · q quit"), err=True)
    while True:
        try:
            key = click.getchar().lower()
        except (EOFError, KeyboardInterrupt, OSError):  # no terminal to ask at
            return "q"
        if key in ("\r", "\n", "k"):
            return "k"
        if key in ("d", "e", "u", "q"):
            return key
        if key in ("", "\x03", "\x04"):
            return "q"


def _edit(review: Review, place: int) -> bool:
    """Let the user change a row's replies in an editor; False where it stays undecided."""
    from offbook.data.extract.review import replies

    text = click.edit(replies(review.rows[place]))
    if text is None:
        return False
    try:
        review.decide(place, "edit", text)
    except ValueError as mistake:
        echo(translate("Not changed: {why}.").format(why=mistake), err=True)
        return False
    return True
