"""Which rows are learned from and which are judged on, so that nothing that is judged was seen.

A row belongs to a unit: its scene where it has one, else its prompt. A lot drawn from the seed and the unit's name
alone puts the unit on one side, so that adding rows never moves an old one across. Then, in the order of the rows,
one that resembles an earlier row of the other side (the same prompt, a near-duplicate, or a reply of some length
that is nearly the same) is left out of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from offbook.core.progress import CountProgress, counted, uncounted
from offbook.core.text import normalize
from offbook.core.types import Conversation
from offbook.data.row_text import body, prompt_text
from offbook.data.seeded_hash import stable_uniform
from offbook.data.similarity import SimilarityIndex, TrigramSets

LARGEST_UNIT = 40
"""A unit of more rows than these and than all that is to be held out is never held out, nor one of more than half of
all rows: a huge scene must not swallow the split."""
DISTINCTIVE = 12
"""Letters from which on two similar replies are no coincidence; shorter ones ("是。", "My lord.") are everybody's."""

Unit = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Split:
    """Every conversation on one of three piles, in the order they came."""

    train: list[Conversation]
    heldout: list[Conversation]
    dropped: list[Conversation]
    """Rows that resemble an earlier one of the other side."""
    by: str
    """What was kept together: scene, prompt or row; file where the user chose; none where nothing is held out."""


def split(conversations: Sequence[Conversation], share: float, seed: int, progress: CountProgress = uncounted) -> Split:
    """Hold out about `share` (0 ≤ share < 1) of the conversations.

    Deterministic. Adding rows moves no old row across, and rows added behind the others change nothing about them;
    with two exceptions: where no unit is drawn, the one with the lowest lot is held out (of scenes always the lowest
    of the first 1/share, so that a play of few scenes is stable, too), and a unit may outgrow `LARGEST_UNIT`. Where
    too few rows are in units that may be held out (all lines are of one scene), the units are prompts, else rows.
    """
    rows = len(conversations)
    limit = min(max(LARGEST_UNIT, share * rows), rows / 2)
    for unit_of in (_scene, _prompt, _row):
        units = [unit_of(conversation) for conversation in conversations]
        small = {unit: size for unit, size in Counter(units).items() if size <= limit}
        if share > 0 and sum(small.values()) >= share * rows:
            drawn = _draw(list(small), share, seed)
            by = next(kind for kind in ("scene", "prompt", "row") if any(kind == unit[0] for unit in units))
            return _part(conversations, [unit in drawn for unit in units], by, progress)
    return Split(list(conversations), [], [], "none")


def against(conversations: Sequence[Conversation], judged: Sequence[Conversation]) -> Split:
    """Learn from all of the first and judge on all of the second: the user's own choice, taken as it is."""
    return Split(list(conversations), list(judged), [], "file")


def _row(conversation: Conversation) -> Unit:
    return "row", normalize(body(conversation))


def _prompt(conversation: Conversation) -> Unit:
    prompt = normalize(prompt_text(conversation))
    return ("prompt", prompt) if prompt else _row(conversation)


def _scene(conversation: Conversation) -> Unit:
    scene = conversation.origin.scene
    return ("scene", scene) if scene else _prompt(conversation)


def _draw(units: Sequence[Unit], share: float, seed: int) -> set[Unit]:
    """The units to hold out, one at least."""
    lots = {unit: stable_uniform(seed, "\n".join(unit)) for unit in units}
    drawn = {unit for unit in units if lots[unit] < share}
    if all(kind == "scene" for kind, _ in units):
        drawn.add(min(units[: ceil(1 / share)], key=lots.__getitem__))
    return drawn or {min(units, key=lots.__getitem__)}


def _part(conversations: Sequence[Conversation], held: Sequence[bool], by: str, progress: CountProgress) -> Split:
    """Put each row on its pile, unless it resembles an earlier row of the other."""
    # Where rows are the units, (nearly) all answer the same, which tells nothing.
    prompts = ["" if by == "row" else normalize(prompt_text(conversation)) for conversation in conversations]
    views = (
        TrigramSets([body(conversation) for conversation in conversations]),
        TrigramSets([_distinctive_reply(conversation) for conversation in conversations]),
    )
    rows = range(len(conversations))
    dropped = _resembling(rows, held, prompts, views, progress)
    unlearned = sum(not held[row] for row in dropped)
    if unlearned > sum(held) - (len(dropped) - unlearned):
        # The same text everywhere: rather than half of the training, what is held out gives way.
        dropped = _resembling(sorted(rows, key=held.__getitem__), held, prompts, views, progress)
    if all(row in dropped for row in rows if held[row]):
        return Split(list(conversations), [], [], "none")
    return Split(
        train=[conversations[row] for row in rows if not held[row] and row not in dropped],
        heldout=[conversations[row] for row in rows if held[row] and row not in dropped],
        dropped=[conversations[row] for row in rows if row in dropped],
        by=by,
    )


def _resembling(
    order: Sequence[int],
    held: Sequence[bool],
    prompts: Sequence[str],
    views: Sequence[TrigramSets],
    progress: CountProgress,
) -> set[int]:
    """The rows that resemble one of the other side that came before them (and is not left out itself)."""
    earlier_prompts: dict[bool, set[str]] = {False: set(), True: set()}
    earlier = {side: [SimilarityIndex(view) for view in views] for side in earlier_prompts}
    resembling = set()
    for row in counted(order, progress):
        side, prompt = held[row], prompts[row]
        other = not side
        if (prompt and prompt in earlier_prompts[other]) or any(
            index.find(row) is not None for index in earlier[other]
        ):
            resembling.add(row)
            continue
        earlier_prompts[side].add(prompt)
        for index in earlier[side]:
            index.add(row)
    return resembling


def _distinctive_reply(conversation: Conversation) -> str | None:
    text = "\n".join(conversation.replies)
    return text if len(normalize(text)) >= DISTINCTIVE else None
