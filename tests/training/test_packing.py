from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from offbook.core.types import NO_LABEL, Example
from offbook.training.packing import MicroBatch, StepBatch, pack_step
from tests.training.samples import example, examples

SYSTEM = list(range(100, 160))


def unpack(batch: MicroBatch) -> list[tuple[list[int], list[int]]]:
    """(ids, labels) of the examples of a micro-batch, as the model sees them."""
    row, result, start = batch.input_ids[0].tolist(), [], batch.prefix
    labels = dict(zip(batch.label_positions.tolist(), batch.targets.tolist(), strict=True))
    for length in batch.lengths:
        ids = row[: batch.prefix] + row[start : start + length]
        labels_of_row = [labels.get(start + index - 1, NO_LABEL) for index in range(1, length)]
        first = labels.get(start - 1, NO_LABEL) if start == batch.prefix and not batch.prefix else NO_LABEL
        result.append((ids, [NO_LABEL] * batch.prefix + [first, *labels_of_row] if length else []))
        start += length
    return result


def contents(step: StepBatch) -> list[tuple[list[int], list[int]]]:
    return sorted(pair for batch in step.micro_batches for pair in unpack(batch))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 400), st.booleans(), st.booleans())
def test_every_cut_of_a_step_holds_the_same_examples(seed: int, max_tokens: Any, packing: Any, prefix: Any) -> None:
    rows = examples(seed=seed)
    step = pack_step(rows, max_tokens=max_tokens, packing=packing, prefix=prefix)
    assert contents(step) == sorted((row.ids, row.labels) for row in rows)
    assert step.label_tokens == sum(row.label_count for row in rows)
    for batch in step.micro_batches:
        assert batch.input_ids.numel() == batch.prefix + sum(batch.lengths)
        assert batch.input_ids.numel() <= max_tokens or len(batch.lengths) == 1
        assert batch.label_positions.equal(batch.label_positions.sort().values)


def test_the_common_prefix_stands_once_and_positions_go_on_from_it() -> None:
    rows = [example((SYSTEM, False), ([1, 2], False), ([3], True)), example((SYSTEM, False), ([4], False), ([5], True))]
    (batch,) = pack_step(rows, max_tokens=1000).micro_batches
    assert batch.prefix == 60
    assert batch.lengths == (2, 3)
    assert batch.input_ids[0, 60:].tolist() == [4, 5, 1, 2, 3]
    assert batch.position_ids[0, 60:].tolist() == [60, 61, 60, 61, 62]
    assert batch.label_positions.tolist() == [60, 63]
    assert batch.targets.tolist() == [5, 3]
    assert batch.example_index.tolist() == [1, 0]


def test_the_prefix_ends_before_the_first_position_that_predicts_a_label() -> None:
    twice = example((SYSTEM, False), ([7, 8], True))
    (batch,) = pack_step([twice, twice], max_tokens=1000).micro_batches
    assert batch.prefix == len(SYSTEM) - 1
    assert batch.lengths == (3, 3)


def test_one_odd_row_costs_its_own_tokens_and_no_more() -> None:
    same = [example((SYSTEM, False), ([n], False), ([n], True)) for n in range(15)]
    odd = example(([9] * 20, False), ([1], True))
    with_odd, without = (pack_step(rows, max_tokens=10_000) for rows in ([*same, odd], same))
    assert with_odd.tokens == without.tokens + len(odd.ids)


def test_a_short_common_beginning_is_not_worth_a_micro_batch_of_its_own() -> None:
    rows = [example(([group], False), ([n], False), ([n], True)) for group in (1, 2) for n in range(4)]
    assert len(pack_step(rows, max_tokens=10_000).micro_batches) == 1


def test_the_trainer_counts_the_labels_shifted_or_not() -> None:
    step = pack_step(examples(), max_tokens=100)
    assert list(step) == ["labels"]
    assert step["labels"].ne(NO_LABEL).sum() == step["labels"][..., 1:].ne(NO_LABEL).sum() == step.label_tokens


def test_an_example_without_a_label_is_left_out() -> None:
    silent = Example([1, 2, 3], [NO_LABEL] * 3, examples()[0].origin)
    assert contents(pack_step([silent, examples()[0]], max_tokens=99)) == contents(
        pack_step(examples()[:1], max_tokens=99)
    )
    assert pack_step([silent], max_tokens=99).label_tokens == 0


def test_tensors_move_together() -> None:
    step = pack_step(examples(), max_tokens=100).to("meta")
    assert all(
        part.device == torch.device("meta")
        for b in step.micro_batches
        for part in (b.input_ids, b.label_positions, b.targets)
    )


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 400), st.integers(1, 12), st.booleans())
def test_a_step_is_cut_into_as_many_as_are_asked_for(seed: int, max_tokens: Any, count: Any, prefix: Any) -> None:
    rows = examples(seed=seed)
    step = pack_step(rows, max_tokens=max_tokens, min_count=count, prefix=prefix)
    assert len(step.micro_batches) >= min(count, len(rows))
    assert contents(step) == sorted((row.ids, row.labels) for row in rows)
    alone = pack_step(rows, max_tokens=max_tokens, prefix=prefix)
    if len(alone.micro_batches) >= count:
        assert contents(step) == contents(alone)
        assert len(step.micro_batches) == len(alone.micro_batches)


def test_what_a_step_is_cut_into_is_alike_in_size() -> None:
    rows = [example((SYSTEM, False), ([9] * length, False), ([5], True)) for length in range(10, 26)]
    tokens = [batch.input_ids.numel() for batch in pack_step(rows, max_tokens=9999, min_count=4).micro_batches]
    assert len(tokens) == 4
    assert max(tokens) < 1.5 * min(tokens)
