from dataclasses import replace
from typing import Any

import pytest
import torch

from offbook.training import attention, decoder_layer, fast_path, gradient_check
from offbook.training.packing import pack_step
from tests.training.samples import adapted, example, examples


@pytest.mark.parametrize("architecture", ["llama", "ernie", "mistral", "gemma3", "granite", "cohere", "hyperclovax"])
def test_the_fast_path_is_proved_for_several_cuts(architecture: str) -> None:
    model = adapted(architecture)
    fast_path.enable(model)
    check = gradient_check.check_gradient(model, examples())
    assert check.passed
    assert check.isolated
    assert 0 < check.max_relative_difference <= 1e-5
    assert check.max_relative_difference == max(check.modules.values())
    assert len(check.modules) == 2 * 7 * 3
    assert check.loss["fast"] == pytest.approx(check.loss["plain"], rel=1e-6)
    assert check.micro_batches[0] == 10
    assert check.micro_batches[2] < check.micro_batches[1] < 10


@pytest.mark.parametrize("architecture", ["llama", "gemma3"])
def test_a_conversation_that_is_trained_reply_by_reply_is_exact(architecture: str) -> None:
    """Each reply stands behind a mark that the history has not: a tree as deep as the conversation is long."""
    model = adapted(architecture)
    fast_path.enable(model)
    history: list[int] = list(range(100, 140))
    rows = []
    for number in range(6):
        history += range(200 + number, 236 + number)
        reply = list(range(300 + number, 305 + number))
        rows.append(example((history, False), ([7, 8], False), (reply, True)))
        history += reply
    (batch,) = pack_step(rows, max_tokens=10_000).micro_batches
    assert max(run.depth for run in batch.runs) > 200
    assert batch.input_ids.numel() < sum(len(row.ids) for row in rows) / 2
    check = gradient_check.check_gradient(model, rows)
    assert check.isolated
    assert check.max_relative_difference <= 1e-5


def test_the_model_and_torch_are_left_as_they_were() -> None:
    model = adapted("llama", dropout=0.1)
    fast_path.enable(model)
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    gradient_check.check_gradient(model, examples(4))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)


def test_b_is_drawn_so_that_no_gradient_of_a_is_zero() -> None:
    model = adapted("llama")
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.zeros_(parameter)
    fast_path.enable(model)
    seen: list[Any] = []
    original = gradient_check._reference

    def watched(*args: Any) -> Any:
        seen.append(original(*args))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradient_check, "_reference", watched)
        assert gradient_check.check_gradient(model, examples(4)).passed
    assert all(gradient.norm() > 0 for gradient in seen[0][0].values())


def test_a_broken_mask_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples of one block see each other's last tokens: neither the gradient nor the isolation can pass."""
    model = adapted("llama")
    fast_path.enable(model)
    original = attention._block

    def leaky(*layout: Any) -> Any:
        keys, *others = original(*layout)
        return keys.roll(1, 0), *others

    monkeypatch.setattr(attention, "_block", leaky)
    check = gradient_check.check_gradient(model, examples())
    assert not check.isolated
    assert check.max_relative_difference > 0.01
    assert not check.passed


def test_a_leak_too_small_for_the_gradient_is_still_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last bits of one example depend on another: only the bit-for-bit comparison can see it."""
    model = adapted("llama")
    fast_path.enable(model)
    original = attention.attend_in_blocks

    def leaky(query: Any, key: Any, value: Any, layout: Any, **options: Any) -> Any:
        return [block + 1e-8 * value.mean() for block in original(query, key, value, layout, **options)]

    monkeypatch.setattr(attention, "attend_in_blocks", leaky)
    monkeypatch.setattr(decoder_layer, "attend_in_blocks", leaky)
    check = gradient_check.check_gradient(model, examples())
    assert check.max_relative_difference <= 1e-5
    assert not check.isolated
    assert not check.passed


def test_a_wrong_scale_in_one_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    model = adapted("llama")
    fast_path.enable(model)
    base: Any = model.get_base_model()
    inside = base.model.layers[1].mlp.up_proj
    with fast_path.fast_path_disabled(model):
        pass
    original = gradient_check._fast

    def wrong(model: Any, step: Any) -> Any:
        inside.scaling["default"] *= 1.001
        try:
            return original(model, step)
        finally:
            inside.scaling["default"] /= 1.001

    monkeypatch.setattr(gradient_check, "_fast", wrong)
    check = gradient_check.check_gradient(model, examples())
    worst = max(check.modules, key=check.modules.__getitem__)
    assert "layers.1.mlp.up_proj" in worst
    assert check.max_relative_difference > gradient_check.BOUND


def test_bfloat16_must_not_be_worse_than_torch_s_own() -> None:
    model = adapted("llama")
    fast_path.enable(model)
    proof = gradient_check.check_gradient(model, examples(3))
    assert replace(proof, bfloat16={"fast": 0.01, "plain": 0.02}).passed
    assert not replace(proof, bfloat16={"fast": 0.02, "plain": 0.01}).passed


def test_a_difference_is_judged_by_what_rounding_does_to_the_plain_gradient() -> None:
    model = adapted("llama")
    fast_path.enable(model)
    proof = replace(gradient_check.check_gradient(model, examples(3)), max_relative_difference=1.5e-5)
    assert not proof.passed
    assert not replace(proof, rounding=1.4e-5).passed
    assert replace(proof, rounding=1.6e-5).passed
    assert replace(proof, max_relative_difference=9e-6, rounding=1e-6).passed


def test_the_worst_difference_is_that_of_one_tensor() -> None:
    reference = {"x.lora_A": torch.tensor([3.0, 4.0]), "x.lora_B": torch.tensor([4.0])}
    others = {"x.lora_A": torch.tensor([3.0, 4.5]), "x.lora_B": torch.tensor([4.2])}
    assert gradient_check.worst_difference(others, reference) == pytest.approx(0.1)


def test_the_distance_of_gradients_is_taken_over_all_tensors() -> None:
    reference = {"a": torch.tensor([3.0, 0.0]), "b": torch.tensor([4.0])}
    assert gradient_check.distance(reference, reference) == 0
    assert gradient_check.distance({**reference, "b": torch.tensor([4.5])}, reference) == pytest.approx(0.1)


@pytest.mark.parametrize(("error", "passes"), [(1e-9, True), (1e-4, False)])
def test_a_gradient_that_cancels_is_compared_with_what_is_usual(error: float, passes: bool) -> None:
    """Its terms are as large as those of others, and so is their rounding; a wrong one is still found."""
    usual = {f"layers.{number}.up_proj.lora_B.default.weight": torch.full((4,), 1.0) for number in range(4)}
    small = {"layers.4.decay.lora_B.default.weight": torch.full((4,), 1e-4)}
    other = {"layers.0.up_proj.lora_A.default.weight": torch.full((4,), 1e-3)}
    reference = {**usual, **small, **other}
    sizes = gradient_check._sizes(reference)
    for name, gradient in reference.items():
        is_small = name in small
        assert sizes[name] == pytest.approx(0.2 if is_small else gradient.norm().item())
    name = next(iter(small))
    difference = gradient_check._difference(reference[name] + error, reference[name], sizes[name])
    assert (difference <= gradient_check.BOUND) == passes
