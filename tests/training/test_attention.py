from typing import Any

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from offbook.training import attention, fast_path
from offbook.training.prefix_tree import Run, flat_runs, path
from tests.training.samples import adapted

HEADS, GROUPS, SIZE = 4, 2, 8


def tokens(count: int, heads: int = HEADS, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, heads, SIZE, generator=torch.Generator().manual_seed(seed))


def alone(query: Any, key: Any, value: Any, window: Any = None) -> Any:
    """Plain causal attention of one example: (n, H, d)."""
    n = len(query)
    distance = torch.arange(n)[:, None] - torch.arange(n)
    seen = (distance >= 0) & (distance < (window or n))
    repeat = query.shape[1] // key.shape[1]
    parts = (query, key.repeat_interleave(repeat, 1), value.repeat_interleave(repeat, 1))
    q, k, v = (part.transpose(0, 1) for part in parts)
    return scaled_dot_product_attention(q, k, v, attn_mask=seen).transpose(0, 1)


@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("prefix", [0, 5])
def test_each_example_gets_what_it_would_get_alone(prefix: Any, window: Any) -> None:
    lengths = [7, 1, 20, 6, 6, 19]
    total = prefix + sum(lengths)
    query, key, value = tokens(total), tokens(total, GROUPS, 1), tokens(total, GROUPS, 2)
    layout = attention.attention_layout(flat_runs(prefix, lengths))
    mixed = attention.attend(query, key, value, layout, scaling=SIZE**-0.5, window=window)
    start = prefix
    for length in lengths:
        indices = torch.cat([torch.arange(prefix), torch.arange(start, start + length)])
        expected = alone(query[indices], key[indices], value[indices], window)
        assert torch.allclose(mixed[indices], expected, atol=1e-6)
        start += length


@pytest.mark.parametrize(("dtype", "bound"), [(torch.bfloat16, 2**-8), (torch.float16, 2**-11), (torch.float64, 1e-12)])
def test_narrow_formats_are_rounded_once_and_wide_ones_never(dtype: Any, bound: float) -> None:
    lengths = [7, 20, 6]
    query, key, value = (tokens(38, *about).to(dtype) for about in ((HEADS,), (GROUPS, 1), (GROUPS, 2)))
    layout = attention.attention_layout(flat_runs(5, lengths))
    mixed = attention.attend(query, key, value, layout, scaling=0.3)
    exact = attention.attend(query.double(), key.double(), value.double(), layout, scaling=0.3)
    assert mixed.dtype == dtype
    assert ((mixed - exact).abs() <= bound * exact.abs() + 1e-6 * bound).all()


@pytest.mark.parametrize("window", [None, 3])
def test_each_run_of_a_tree_sees_those_above_it(window: Any) -> None:
    shape = [(5, None), (4, 0), (7, 1), (3, 1), (6, 0), (8, None), (2, 5), (30, 5)]
    runs: list[Run] = []
    for length, parent in shape:
        start = runs[-1].end if runs else 0
        depth = 0 if parent is None else runs[parent].depth + runs[parent].length
        runs.append(Run(start, length, depth, parent))
    total = runs[-1].end
    query, key, value = tokens(total), tokens(total, GROUPS, 1), tokens(total, GROUPS, 2)
    layout = attention.attention_layout(runs)
    mixed = attention.attend(query, key, value, layout, scaling=SIZE**-0.5, window=window)
    for number in range(len(runs)):
        indices = torch.cat([torch.arange(runs[each].start, runs[each].end) for each in path(runs, number)])
        expected = alone(query[indices], key[indices], value[indices], window)
        assert torch.allclose(mixed[indices], expected, atol=1e-6)


def test_only_the_tokens_with_a_query_get_a_result() -> None:
    lengths, prefix = [7, 4, 12], 5
    total = prefix + sum(lengths)
    query, key, value = tokens(total), tokens(total, GROUPS, 1), tokens(total, GROUPS, 2)
    tokens_with_query = torch.tensor([6, 8, 9, 12, 15, 20, 27])
    everyone = attention.attend(query, key, value, attention.attention_layout(flat_runs(prefix, lengths)), scaling=0.3)
    label_layout = attention.attention_layout(flat_runs(prefix, lengths), tokens_with_query)
    assert torch.allclose(
        attention.attend(query[tokens_with_query], key, value, label_layout, scaling=0.3),
        everyone[tokens_with_query],
        atol=1e-6,
    )


def test_another_text_in_one_place_changes_no_bit_elsewhere() -> None:
    lengths, prefix = [9, 9, 7, 30], 4
    total = prefix + sum(lengths)
    query, key, value = tokens(total), tokens(total, GROUPS, 1), tokens(total, GROUPS, 2)
    layout = attention.attention_layout(flat_runs(prefix, lengths))
    before = attention.attend(query, key, value, layout, scaling=0.3)
    changed = slice(prefix + 9, prefix + 18)
    for part in (query, key, value):
        part[changed] = part[changed].flip(0) + 1
    after = attention.attend(query, key, value, layout, scaling=0.3)
    others = torch.ones(total, dtype=torch.bool)
    others[changed] = False
    assert torch.equal(before[others], after[others])
    assert not torch.equal(before[changed], after[changed])


def test_blocks_hold_little_padding() -> None:
    lengths = [1000, 900, 30, 29, 31, 200, 28]
    for block in attention.attention_layout(flat_runs(0, lengths)).blocks:
        inside = sum(length for length in lengths if length <= block.positions.shape[1])
        assert block.positions.shape[0] == 1 or inside
    computed = sum(block.positions.numel() for block in attention.attention_layout(flat_runs(0, lengths)).blocks)
    assert computed <= sum(lengths) / (1 - attention.MAX_PADDING)


def test_a_call_without_a_layout_is_refused() -> None:
    model = adapted("qwen3")
    fast_path.enable(model, fused=False)
    with pytest.raises(RuntimeError, match="packed micro-batches"):
        model(input_ids=torch.tensor([[1, 2, 3]]))
    padded = {"input_ids": torch.tensor([[0, 1, 2]]), "attention_mask": torch.tensor([[0, 1, 1]])}
    with pytest.raises(RuntimeError, match="packed micro-batches"):
        model(**padded)


def test_what_it_does_not_compute_is_refused() -> None:
    layout = attention.attention_layout(flat_runs(0, [3]))
    one = torch.randn(1, HEADS, 3, SIZE)
    with pytest.raises(RuntimeError, match="no cap"):
        attention.attention_forward(torch.nn.Module(), one, one, one, None, layout=layout, softcap=30.0)


def test_transformers_knows_the_function_and_its_mask() -> None:
    assert AttentionInterface._global_mapping[attention.NAME] is attention.attention_forward
    assert attention.NAME in ALL_MASK_ATTENTION_FUNCTIONS._global_mapping
