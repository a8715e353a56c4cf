"""How much of what is judged was seen in training: the split's own leak, and a random split's beside it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from offbook.core.progress import CountProgress, counted, uncounted
from offbook.core.text import normalize
from offbook.core.types import Conversation
from offbook.data.row_text import body, prompt_text
from offbook.data.similarity import SimilarityIndex, TrigramSets
from offbook.data.split import DISTINCTIVE, Split


@dataclass(frozen=True, slots=True)
class Leak:
    """Of `rows` held-out conversations, how many have a counterpart in training, by kind."""

    rows: int
    exact: int
    """The very same words."""
    near: int
    """The same or nearly the same words, in the whole or (where it is long enough to tell) in the reply."""
    prompt: int
    """An answer to the same prompt."""
    scene: int
    """Lines of the same scene."""


@dataclass(frozen=True, slots=True)
class LeakReport:
    """The split as it is, and one of the same size that was drawn row by row."""

    split: Leak
    random: Leak

    def to_dict(self) -> dict[str, Any]:
        """The report as it stands in report.json."""
        return asdict(self)


def measure(split: Split, seed: int, progress: CountProgress = uncounted) -> LeakReport:
    """Compare every held-out row with every training row, for this split and for a random one."""
    conversations = [*split.heldout, *split.train, *split.dropped]
    comparison = _Comparison(conversations)
    size = len(split.heldout)
    actual = comparison.leak(range(size), range(size, size + len(split.train)), progress)
    drawn = set(random.Random(seed).sample(range(len(conversations)), size))
    rest = [number for number in range(len(conversations)) if number not in drawn]
    return LeakReport(actual, comparison.leak(sorted(drawn), rest, progress))


class _Comparison:
    """Conversations prepared for comparison."""

    def __init__(self, conversations: Sequence[Conversation]) -> None:
        replies = ["\n".join(each.replies) for each in conversations]
        self._bodies = list(map(body, conversations))
        self._prompts = [normalize(prompt_text(each)) for each in conversations]
        self._scenes = [each.origin.scene for each in conversations]
        self._distinctive = [len(normalize(text)) >= DISTINCTIVE for text in replies]
        self._whole, self._replies = TrigramSets(self._bodies), TrigramSets(replies)

    def leak(self, heldout: Sequence[int], train: Sequence[int], progress: CountProgress) -> Leak:
        texts, replies = SimilarityIndex(self._whole), SimilarityIndex(self._replies)
        for number in counted(train, progress):
            texts.add(number)
            if self._distinctive[number]:
                replies.add(number)
        bodies = {self._bodies[number] for number in train}
        prompts = {self._prompts[number] for number in train} - {""}
        scenes = {self._scenes[number] for number in train} - {None}

        def is_near(number: int) -> bool:
            in_reply = self._distinctive[number] and replies.find(number) is not None
            return in_reply or texts.find(number) is not None

        return Leak(
            rows=len(heldout),
            exact=sum(self._bodies[number] in bodies for number in heldout),
            near=sum(map(is_near, heldout)),
            prompt=sum(self._prompts[number] in prompts for number in heldout),
            scene=sum(self._scenes[number] in scenes for number in heldout),
        )
