"""Which positions of a reply are compared."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch

from offbook.core.types import NO_LABEL, Example, Origin
from offbook.exporters import parity
from offbook.exporters.parity import POSITIONS, Question


class Unsure:
    """A model that is never sure, and never stops."""

    def predict(self, _ids: Any, places: Any) -> Any:
        return [(torch.arange(4), torch.zeros(4)) for _ in places]

    def stops(self, _prompt: Any, _limit: Any) -> Any:
        return False


def places_in(prompt: int, reply: int) -> list[int]:
    ids = list(range(prompt + reply))
    example = Example(ids, [NO_LABEL] * prompt + ids[prompt:], Origin("lines.json", 1))
    unsure: Any = Unsure()
    (reference,) = parity.reference_outputs(unsure, [Question([], ids[:prompt], example)])
    assert len(reference.logits) == len(reference.places)
    return reference.places


def test_a_long_reply_is_compared_from_its_beginning_to_its_end() -> None:
    places = places_in(prompt=10, reply=1000)
    assert len(places) == POSITIONS
    assert places[0] == 10
    assert places[-1] > 900
    gaps = [after - before for before, after in pairwise(places)]
    assert max(gaps) - min(gaps) <= 1


def test_a_short_reply_is_compared_everywhere() -> None:
    assert places_in(prompt=3, reply=5) == [3, 4, 5, 6, 7]
