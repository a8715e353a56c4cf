"""Captions that are made while somebody speaks: lines that roll up, and speeches that run on over many subtitles.

so today we light                  the first line is shown again above the second
so today we light / the lamp
the lamp / >> MARA: and then       >> another speaker, until the next >>
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from offbook.data.extract.cue import Cue, Skipped

ROLLING = 0.3
"""Share of the subtitles that begin as the one before ends and go on, at least, in a file whose lines roll up."""
FEWEST = 3
"""So many subtitles, at least, show that lines roll up, or that >> parts the speakers."""
CHEVRONS = ">>"


def roll_up(titles: Iterable[tuple[str, ...]]) -> bool:
    """Whether each line is shown several times, as it rolls up.

    Args:
        titles: the lines of each subtitle.
    """
    shown = [title for title in titles if title]
    rolled = sum(0 < overlap(before, after) < len(after) for before, after in pairwise(shown))
    return rolled >= max(FEWEST, ROLLING * len(shown))


def overlap(before: tuple[str, ...], after: tuple[str, ...]) -> int:
    """How many lines at the head of a subtitle are those that the one before ends with."""
    return next((size for size in range(len(after), 0, -1) if before[-size:] == after[:size]), 0)


def parts_by_chevrons(titles: Iterable[tuple[str, ...]]) -> bool:
    """Whether >> stands wherever somebody else begins to speak, so that all else goes on with the last speaker.

    Args:
        titles: the lines of each subtitle.
    """
    return sum(part.startswith(CHEVRONS) for title in titles for part in title) >= FEWEST


def run_on(items: Iterable[tuple[Cue | Skipped, bool]]) -> Iterator[Cue | Skipped]:
    """The cues, each with those that go on with it.

    Args:
        items: cues and what is no cue, each with whether it may go on with the cue before it.
    """
    held: Cue | None = None
    for item, goes_on in items:
        if isinstance(item, Skipped):
            yield item
        elif held and goes_on and item.scene == held.scene:
            acted = f"{held.acted or held.text} {item.acted or item.text}" if held.acted or item.acted else ""
            held = replace(held, text=f"{held.text} {item.text}", acted=acted)
        else:
            if held:
                yield held
            held = item
    if held:
        yield held
