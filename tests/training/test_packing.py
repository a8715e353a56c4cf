from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from offbook.core.types import NO_LABEL, Example
from offbook.training.packing import MicroBatch, StepBatch, pack_step
from offbook.training.prefix_tree import Run, flat_runs, path
from tests.training.samples import example, examples

SYSTEM = list(range(100, 160))


def unpack(batch: MicroBatch) -> list[tuple[list[int], list[int]]]:
    """(ids, labels) of the examples of a micro-batch, as the model sees them."""
    row, result = batch.input_ids[0].tolist(), []
    labels = dict(zip((batch.label_positions + 1).tolist(), batch.targets.tolist(), strict=True))
    for leaf in batch.leaves:
        places = [place for index in path(batch.runs, leaf) for place in row_of(batch.runs[index])]
        result.append(([row[place] for place in places], [labels.get(place, NO_LABEL) for place in places]))
    return result


def row_of(run: Run) -> range:
    return range(run.start, run.end)


def contents(step: StepBatch) -> list[tuple[list[int], list[int]]]:
    return sorted(pair for batch in step.micro_batches for pair in unpack(batch))


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 400), st.booleans(), st.booleans())
def test_every_cut_of_a_step_holds_the_same_examples(seed: int, max_tokens: Any, packing: Any, prefix: Any) -> None:
    rows = examples(seed=seed)
    step = pack_step(rows, max_tokens=max_tokens, packing=packing, prefix=prefix)
    assert contents(step) == sorted((row.ids, row.labels) for row in rows)
    assert step.label_tokens == sum(row.label_count for row in rows)
    for batch in step.micro_batches:
        assert batch.input_ids.numel() == batch.runs[-1].end == sum(run.length for run in batch.runs)
        assert batch.input_ids.numel() <= max_tokens or len(batch.leaves) == 1
        for run, after in pairwise(batch.runs):
            assert run.end == after.start
        assert batch.label_positions.equal(batch.label_positions.sort().values)


def test_the_common_prefix_stands_once_and_positions_go_on_from_it() -> None:
    rows = [example((SYSTEM, False), ([1, 2], False), ([3], True)), example((SYSTEM, False), ([4], False), ([5], True))]
    (batch,) = pack_step(rows, max_tokens=1000).micro_batches
    assert batch.runs == flat_runs(60, [2, 3])
    assert batch.leaves == (1, 2)
    assert batch.input_ids[0, 60:].tolist() == [4, 5, 1, 2, 3]
    assert batch.position_ids[0, 60:].tolist() == [60, 61, 60, 61, 62]
    assert batch.label_positions.tolist() == [60, 63]
    assert batch.targets.tolist() == [5, 3]
    assert batch.example_index.tolist() == [1, 0]


def test_the_prefix_ends_before_the_first_position_that_predicts_a_label() -> None:
    twice = example((SYSTEM, False), ([7, 8], True))
    (batch,) = pack_step([twice, twice], max_tokens=1000).micro_batches
    assert batch.runs == flat_runs(len(SYSTEM) - 1, [3, 3])


def test_one_odd_row_costs_its_own_tokens_and_no_more() -> None:
    same = [example((SYSTEM, False), ([n], False), ([n], True)) for n in range(15)]
    odd = example(([9] * 20, False), ([1], True))
    with_odd, without = (pack_step(rows, max_tokens=10_000) for rows in ([*same, odd], same))
    assert with_odd.tokens == without.tokens + len(odd.ids)


def test_a_short_common_beginning_below_another_is_not_worth_a_run() -> None:
    pairs = ((group, n) for group in (1, 2) for n in range(4))
    rows = [example((SYSTEM, False), ([group], False), ([n], False), ([n], True)) for group, n in pairs]
    (batch,) = pack_step(rows, max_tokens=10_000).micro_batches
    assert batch.runs == flat_runs(60, [3] * 8)


def conversation(replies: int, question: int = 40, answer: int = 8) -> list[Example]:
    """Examples of a template that writes a mark before the reply it asks for, and none in the history (Qwen3's way)."""
    history = list(SYSTEM)
    rows = []
    for number in range(replies):
        history += [1000 + number] * question
        reply = [2000 + number] * answer
        rows.append(example((history, False), ([7, 8], False), (reply, True)))
        history += reply
    return rows


def test_a_conversation_that_is_trained_reply_by_reply_costs_little_more_than_itself() -> None:
    rows = conversation(20)
    (batch,) = pack_step(rows, max_tokens=10_000).micro_batches
    assert batch.input_ids.numel() <= 1.3 * len(rows[-1].ids)
    assert sum(len(row.ids) for row in rows) > 9 * len(rows[-1].ids)
    assert contents(pack_step(rows, max_tokens=10_000)) == sorted((row.ids, row.labels) for row in rows)


@pytest.mark.parametrize(("question", "answer"), [(40, 8), (20, 20), (15, 30)])
def test_a_conversation_costs_what_its_template_makes_it_cost(question: int, answer: int) -> None:
    """Each reply is seen twice, behind its mark and in the history, and nothing else is."""
    rows = conversation(20, question, answer)
    least = len(rows[-1].ids) + sum(2 + answer for _ in rows[:-1])
    assert least <= pack_step(rows, max_tokens=10_000).tokens <= 1.05 * least


def test_several_prefixes_stand_in_one_micro_batch() -> None:
    other = [5] * 40
    rows = [example((start, False), ([n], False), ([n], True)) for start in (SYSTEM, other) for n in range(4)]
    (batch,) = pack_step(rows, max_tokens=10_000).micro_batches
    assert batch.input_ids.numel() == len(SYSTEM) + len(other) + 8 * 2


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


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 400), st.integers(1, 12), st.booleans())
def test_a_step_is_cut_into_as_many_as_are_asked_for(seed: int, max_tokens: Any, count: Any, prefix: Any) -> None:
    rows = examples(seed=seed)
    step = pack_step(rows, max_tokens=max_tokens, min_count=count, prefix=prefix)
    assert len(step.micro_batches) >= min(count, len(rows))
    assert contents(step) == sorted((row.ids, row.labels) for row in rows)
    longest = max(len(row.ids) for row in rows)
    assert max(batch.input_ids.numel() for batch in step.micro_batches) <= max(max_tokens, longest)


def test_what_a_step_is_cut_into_is_alike_in_size() -> None:
    rows = [example((SYSTEM, False), ([9] * length, False), ([5], True)) for length in range(10, 26)]
    tokens = [batch.input_ids.numel() for batch in pack_step(rows, max_tokens=9999, min_count=4).micro_batches]
    assert len(tokens) == 4
    assert max(tokens) < 1.06 * min(tokens)


@pytest.mark.parametrize(("max_tokens", "filled", "equal"), [(100, [96, 86], [91, 91]), (90, [89, 84, 78], [80] * 4)])
def test_a_step_beyond_the_budget_is_cut_into_equal_shares(
    max_tokens: int, filled: list[int], equal: list[int]
) -> None:
    rows = [example((SYSTEM, False), ([9] * n, False), ([5], True)) for n in range(10, 18)]
    assert [part.input_ids.numel() for part in pack_step(rows, max_tokens=max_tokens).micro_batches] == filled
    shares = pack_step(rows, max_tokens=max_tokens, min_count=2)
    assert [part.input_ids.numel() for part in shares.micro_batches] == equal
    assert contents(shares) == sorted((row.ids, row.labels) for row in rows)


def test_examples_that_begin_alike_are_dealt_out_by_length() -> None:
    """Cut between neighbours in order of length they would be parts of 130, 126 and 119 tokens."""
    rows = [example((SYSTEM, False), ([9] * n, False), ([5], True)) for n in (44, 21, 52, 27, 55, 49, 58, 52, 46)]
    step = pack_step(rows, max_tokens=9999, min_count=3)
    assert [batch.input_ids.numel() for batch in step.micro_batches] == [125, 125, 125]
    assert contents(step) == sorted((row.ids, row.labels) for row in rows)
