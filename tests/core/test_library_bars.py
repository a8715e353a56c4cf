"""Bars that transformers would draw are counted."""

from pathlib import Path

from transformers.utils import logging

from offbook.core.library_bars import counting
from offbook.models.load import load_model


def test_a_loaded_model_counts_its_weights(tiny: Path) -> None:
    counts: list[tuple[int, int]] = []
    load_model(tiny, progress=lambda done, total: counts.append((done, total)))
    assert counts[-1][0] == counts[-1][1] > 5
    assert [done for done, _ in counts] == list(range(1, len(counts) + 1))


def test_a_bar_that_is_updated_by_hand_counts_too_and_nothing_is_left_behind() -> None:
    counts: list[tuple[int, int]] = []
    with counting(lambda done, total: counts.append((done, total))):
        with logging.tqdm(total=4, desc="Shards") as bar:
            bar.update(3)
            bar.set_postfix(a=1)
            bar.update(3)
        assert list(logging.tqdm(iter("ab"))) == ["a", "b"], "of unknown length: nothing to tell"
    assert counts == [(3, 4), (4, 4)]
    assert logging.set_tqdm_hook(None) is None
