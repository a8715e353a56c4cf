import pytest
import torch

from offbook.training import attention, decoder_layer, fast_path, gradient_check
from tests.training.samples import adapted, examples


@pytest.mark.parametrize("architecture", ["llama", "ernie", "mistral", "gemma3", "granite", "cohere", "hyperclovax"])
def test_the_fast_path_is_proved_for_several_cuts(architecture):
    model = adapted(architecture)
    fast_path.enable(model)
    proof = gradient_check.prove(model, examples())
    assert proof.holds and proof.isolated
    assert 0 < proof.max_relative_difference <= 1e-5
    assert proof.max_relative_difference == max(proof.modules.values())
    assert len(proof.modules) == 2 * 7 * 3
    assert proof.loss["fast"] == pytest.approx(proof.loss["plain"], rel=1e-6)
    assert proof.micro_batches[0] == 10 and proof.micro_batches[2] < proof.micro_batches[1] < 10


def test_the_model_and_torch_are_left_as_they_were():
    model = adapted("llama", dropout=0.1)
    fast_path.enable(model)
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    gradient_check.prove(model, examples(4))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training and torch.equal(torch.get_rng_state(), state)


def test_b_is_drawn_so_that_no_gradient_of_a_is_zero():
    model = adapted("llama")
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.zeros_(parameter)
    fast_path.enable(model)
    seen = []
    original = gradient_check._plain
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradient_check, "_plain", lambda *args: seen.append(original(*args)) or seen[-1])
        assert gradient_check.prove(model, examples(4)).holds
    assert all(gradient.norm() > 0 for gradient in seen[0][0].values())


def test_a_broken_mask_is_caught(monkeypatch):
    """Examples of one block see each other's last tokens: neither the gradient nor the isolation can pass."""
    model = adapted("llama")
    fast_path.enable(model)
    original = attention._block

    def leaky(shared, spans, asking):
        block, own = original(shared, spans, asking)
        return attention.PaddedBlock(block.keys.roll(1, 0), block.queries, block.positions), own

    monkeypatch.setattr(attention, "_block", leaky)
    proof = gradient_check.prove(model, examples())
    assert not proof.isolated and proof.max_relative_difference > 0.01 and not proof.holds


def test_a_leak_too_small_for_the_gradient_is_still_caught(monkeypatch):
    """The last bits of one example depend on another: only the bit-for-bit comparison can see it."""
    model = adapted("llama")
    fast_path.enable(model)
    original = attention.attend

    def leaky(query, key, value, who, **options):
        mixed = original(query, key, value, who, **options)
        return mixed + 1e-8 * value.mean()

    monkeypatch.setattr(attention, "attend", leaky)
    monkeypatch.setattr(decoder_layer, "attend", leaky)
    proof = gradient_check.prove(model, examples())
    assert proof.max_relative_difference <= 1e-5
    assert not proof.isolated and not proof.holds


def test_a_wrong_scale_in_one_module_is_named(monkeypatch):
    model = adapted("llama")
    fast_path.enable(model)
    inside = model.get_base_model().model.layers[1].mlp.up_proj
    with fast_path.plain(model):
        pass
    original = gradient_check._fast

    def wrong(model, step):
        inside.scaling["default"] *= 1.001
        try:
            return original(model, step)
        finally:
            inside.scaling["default"] /= 1.001

    monkeypatch.setattr(gradient_check, "_fast", wrong)
    proof = gradient_check.prove(model, examples())
    worst = max(proof.modules, key=proof.modules.get)
    assert "layers.1.mlp.up_proj" in worst and proof.max_relative_difference > gradient_check.BOUND
