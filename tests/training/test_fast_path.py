import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from offbook.core.errors import OffbookError
from offbook.models.storage import store
from offbook.training import architecture as forms
from offbook.training import attention, chunked_loss, decoder_layer, fast_path
from offbook.training.adapted_linear import fused_linear
from offbook.training.packing import pack_step
from tests.assets import smollm2_path
from tests.tiny import ARCHITECTURES, tiny_model
from tests.training.samples import MODULES, adapted, apart, examples, gradients, plain_gradients

BUDGETS = (1, 60, 150, 10_000)

UNSUPPORTED = {
    "gemma2": ["attention caps its scores"],
    "granite": ["scales what its layers add"],
    "cohere": ["no post_attention_layernorm"],
    "hyperclovax": ["logits in a way of its own", "post_norm1"],
}
"""Architecture → words of the notes on what its structure rules out."""


def fast_gradients(model: Any, rows: Any, **limits: Any) -> Any:
    total = 0.0
    for batch in pack_step(rows, **limits).micro_batches:
        loss = fast_path.loss_sum(model, batch)
        loss.backward()
        total += loss.item()
    return gradients(model), total


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradient_is_that_of_plain_peft_one_example_at_a_time(architecture: str) -> None:
    model, rows = adapted(architecture), examples()
    reference, loss = plain_gradients(model, rows)
    notes = fast_path.enable(model)
    for note, words in zip(notes, UNSUPPORTED.get(architecture, []), strict=True):
        assert words in note
    for budget in BUDGETS:
        for prefix in (True, False):
            result, total = fast_gradients(model, rows, max_tokens=budget, prefix=prefix)
            assert total == pytest.approx(loss, rel=1e-6)
            assert apart(result, reference) < 5e-6


@pytest.mark.parametrize("off", ["packing", "fused", "head"])
@pytest.mark.parametrize("architecture", ["ernie", "gemma3"])
def test_each_switch_alone_changes_speed_only(architecture: str, off: Any) -> None:
    model, rows = adapted(architecture), examples(5)
    reference, _ = plain_gradients(model, rows)
    assert fast_path.enable(model, **{off: False}) == []
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert apart(result, reference) < 5e-6


@pytest.mark.parametrize("fused", [True, False])
def test_gradient_checkpointing_changes_nothing_but_memory(fused: Any) -> None:
    model, rows = adapted("qwen3", dropout=0.2), examples(5)
    model.train()
    fast_path.enable(model, fused=fused)
    torch.manual_seed(3)
    reference, _ = fast_gradients(model, rows, max_tokens=150)
    fast_path.enable(model, fused=fused, gradient_checkpointing=True)
    torch.manual_seed(3)
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert apart(result, reference) < 1e-6


def test_gradient_checkpointing_keeps_less() -> None:
    batch = pack_step(examples(), max_tokens=10_000).micro_batches[0]
    kept = []
    for checkpointing in (False, True):
        model = adapted("llama").train()
        fast_path.enable(model, gradient_checkpointing=checkpointing)
        sizes: list[int] = []

        def keep(tensor: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            fast_path.loss_sum(model, batch)
        kept.append(sum(sizes))
    assert kept[1] < 0.3 * kept[0]


def test_token_losses_are_the_plain_ones_and_name_their_example() -> None:
    model, rows = adapted("llama"), examples(6)
    reference = [fast_path.token_losses(model, pack_step([row], max_tokens=999).micro_batches[0]) for row in rows]
    fast_path.enable(model)
    for batch in pack_step(rows, max_tokens=150).micro_batches:
        losses = fast_path.token_losses(model, batch)
        assert losses.dtype == torch.float32
        for index in batch.example_index.unique().tolist():
            assert torch.allclose(losses[batch.example_index == index], reference[index], atol=1e-5)


def test_the_last_layer_works_for_label_positions_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model = adapted("llama")
    fast_path.enable(model)
    batch = pack_step(examples(), max_tokens=10_000).micro_batches[0]
    seen: list[tuple[nn.Module, int]] = []
    base: Any = model.get_base_model()
    mlps = [part.mlp.down_proj.base_layer for part in base.model.layers]

    def watched(x: Any, modules: Any) -> Any:
        seen.append((modules[0], len(getattr(x, "value", x))))
        return fused_linear(x, modules)

    monkeypatch.setattr(decoder_layer, "fused_linear", watched)
    fast_path.loss_sum(model, batch)
    rows = [count for module, count in seen if getattr(module, "base_layer", None) in mlps]
    assert rows == [batch.input_ids.numel()] * 2 + [len(batch.label_positions)]


def test_uninstalled_and_plain_models_are_what_they_were() -> None:
    model = adapted("qwen2")
    ids = torch.tensor([[5, 6, 7, 8]])
    before = model(input_ids=ids).logits
    implementation = model.config._attn_implementation
    names = set(model.state_dict())
    fast_path.enable(model)
    assert set(model.state_dict()) == names
    with fast_path.fast_path_disabled(model):
        assert torch.equal(model(input_ids=ids).logits, before)
        reply = model.generate(input_ids=ids, max_new_tokens=4, do_sample=False)
        assert reply.shape == (1, 8)
    with pytest.raises(RuntimeError, match="packed micro-batches"):
        model(input_ids=ids)
    fast_path.disable(model)
    assert model.config._attn_implementation == implementation
    assert torch.equal(model(input_ids=ids).logits, before)


@pytest.mark.parametrize("before", [True, False])
def test_uninstalled_models_checkpoint_as_they_did(before: Any) -> None:
    model = adapted("llama")
    base: Any = model.get_base_model()
    ids = torch.tensor([[5, 6, 7, 8]])
    if before:
        base.activation_checkpointing_enable()
    fast_path.enable(model, gradient_checkpointing=True)
    assert base.is_activation_checkpointing
    fast_path.enable(model)
    assert base.is_activation_checkpointing == before
    fast_path.enable(model, gradient_checkpointing=True)
    fast_path.disable(model)
    assert base.is_activation_checkpointing == before
    assert base.get_input_embeddings()(ids).requires_grad == before


def test_a_model_with_the_fast_path_saves_loads_and_merges(tmp_path: Path) -> None:
    model = adapted("ernie")
    fast_path.enable(model)
    model.save_pretrained(str(tmp_path))
    again = PeftModel.from_pretrained(tiny_model("ernie"), tmp_path)
    ids = torch.tensor([[5, 6, 7, 8]])
    with fast_path.fast_path_disabled(model):
        assert torch.allclose(again(input_ids=ids).logits, model(input_ids=ids).logits, atol=1e-5)
    fast_path.disable(model)
    expected = model(input_ids=ids).logits
    assert torch.allclose(model.merge_and_unload()(input_ids=ids).logits, expected, atol=1e-4)


def test_a_special_adapter_falls_back_to_peft_and_is_told() -> None:
    model, rows = adapted("qwen2", lora_bias=True, target_modules=["q_proj"]), examples(4)
    reference, _ = plain_gradients(model, rows)
    (note,) = fast_path.enable(model)
    assert "3 layers" in note
    assert "peft" in note
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert apart(result, reference) < 1e-5


def test_dora_is_fused() -> None:
    model, rows = adapted("llama", use_dora=True), examples(4)
    reference, _ = plain_gradients(model, rows)
    assert fast_path.enable(model) == []
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert sum("magnitude" in name for name in result) == 21
    assert apart(result, reference) < 1e-5


@pytest.fixture
def untested(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model type counts as tested: a wrong result may be the model's own way."""
    monkeypatch.setattr(forms, "TESTED_MODEL_TYPES", frozenset())


def rotate_the_wrong_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_layer, "rotation", lambda module: decoder_layer.rotate_halves)  # ERNIE: neighbours


def break_packing(monkeypatch: pytest.MonkeyPatch) -> None:
    in_order = attention.in_order
    monkeypatch.setattr(attention, "attend", lambda query, *_, **__: query)
    monkeypatch.setattr(decoder_layer, "in_order", lambda *blocks: in_order(*blocks).roll(1, 0))


def test_layers_of_an_untested_form_fall_back_to_transformers_and_are_noted(
    monkeypatch: pytest.MonkeyPatch, untested: Any
) -> None:
    rotate_the_wrong_pairs(monkeypatch)
    model, rows = adapted("ernie"), examples(4)
    reference, _ = plain_gradients(model, rows)
    (note,) = fast_path.enable(model)
    assert "transformers' own code" in note
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert apart(result, reference) < 5e-6


def test_an_untested_model_that_cannot_be_packed_is_computed_one_by_one_and_is_noted(
    monkeypatch: pytest.MonkeyPatch, untested: Any
) -> None:
    model, rows = adapted("llama"), examples(4)
    reference, _ = plain_gradients(model, rows)
    break_packing(monkeypatch)
    (note,) = fast_path.enable(model)
    assert "one by one" in note
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert apart(result, reference) < 1e-6


@pytest.mark.parametrize(("module", "name"), [(attention, "attend"), (decoder_layer, "attend_in_blocks")])
def test_an_untested_model_whose_code_fails_when_packed_is_computed_by_its_own_code(
    monkeypatch: pytest.MonkeyPatch, untested: Any, module: Any, name: Any
) -> None:
    """Nemotron's layers, for one, hand no keyword arguments on."""
    model, rows = adapted("llama"), examples(4)
    reference, _ = plain_gradients(model, rows)
    monkeypatch.setattr(module, name, raises(attention.MissingLayout()))
    (note,) = fast_path.enable(model)
    assert ("one by one" if module is attention else "unknown form") in note
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert apart(result, reference) < 1e-6


@pytest.mark.parametrize("wrong", [rotate_the_wrong_pairs, break_packing])
def test_a_wrong_result_on_a_tested_architecture_is_raised(monkeypatch: pytest.MonkeyPatch, wrong: Any) -> None:
    wrong(monkeypatch)
    model = adapted("ernie")
    with pytest.raises(OffbookError, match="a bug in offbook") as failure:
        fast_path.enable(model)
    assert "--train.fast.fused false" in failure.value.fix
    assert model(input_ids=torch.tensor([[5, 6, 7]])).logits.shape == (1, 3, 512)


def raises(error: Any) -> Any:
    def function(*args: Any, **kwargs: Any) -> None:
        raise error

    return function


def loses_a_row(function: Any) -> Any:
    return lambda *args, **kwargs: function(*args, **kwargs)[1:]


@pytest.mark.parametrize("error", [TypeError, AttributeError, ValueError, KeyError, IndexError, RuntimeError])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        (decoder_layer, "_attention"),
        (decoder_layer, "_mlp"),
        (decoder_layer, "attend_in_blocks"),
        (attention, "attend"),
        (attention, "_block"),
        (chunked_loss, "_logits"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bug_in_the_fast_path_is_raised_and_the_model_is_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, error: Any
) -> None:
    monkeypatch.setattr(module, name, raises(error("injected")))
    model = adapted("llama")
    with pytest.raises(error, match="injected") as failure:
        fast_path.enable(model, gradient_checkpointing=True)
    assert any("a bug in offbook" in note for note in failure.value.__notes__)
    base: Any = model.get_base_model()
    assert not base.is_activation_checkpointing
    assert base.config._attn_implementation != attention.NAME
    assert model(input_ids=torch.tensor([[5, 6, 7]])).logits.shape == (1, 3, 512)


@pytest.mark.parametrize("name", ["_attention", "_mlp", "in_order"])
def test_a_wrong_shape_in_the_fast_path_is_raised(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(decoder_layer, name, loses_a_row(getattr(decoder_layer, name)))
    with pytest.raises(RuntimeError):
        fast_path.enable(adapted("qwen3"))


@pytest.mark.parametrize("architecture", ["granite", "hyperclovax"])
def test_logits_are_the_model_s_own_without_packing_too(architecture: str) -> None:
    model, rows = adapted(architecture), examples(4)
    reference, _ = plain_gradients(model, rows)
    fast_path.enable(model, packing=False)
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert apart(result, reference) < 5e-6


@pytest.mark.parametrize("architecture", ["llama", "granite"])
def test_dropout_on_attention_is_left_out_and_told(architecture: str) -> None:
    rows = examples(4)
    without_dropout, model = (adapted(architecture, base={"attention_dropout": rate}) for rate in (0.0, 0.5))
    without, notes = fast_path.enable(without_dropout), fast_path.enable(model)
    assert [note for note in notes if note not in without] == [
        "The model's own dropout on attention (0.5) is left out; the adapter's stays."
    ]
    for each in (without_dropout, model):
        each.train()
    (reference, _), (result, _) = (fast_gradients(each, rows, max_tokens=150) for each in (without_dropout, model))
    assert apart(result, reference) == 0


def test_logits_of_a_model_that_knows_nothing_yet_are_told_from_wrong_ones(
    monkeypatch: pytest.MonkeyPatch, untested: Any
) -> None:
    """Its losses are all about log V: a wrong scale of its logits hardly moves them."""
    monkeypatch.setitem(forms.LOGIT_FACTORS, "hyperclovax", lambda config: 1 / config.logits_scaling)
    model, rows = adapted("hyperclovax"), examples(4)
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(1e-3)
    reference, _ = plain_gradients(model, rows)
    assert any("logits in a way of its own" in note for note in fast_path.enable(model))
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert apart(result, reference) < 5e-6


def test_a_trained_head_is_scored_whole_and_is_told() -> None:
    model, rows = adapted("llama", modules_to_save=["lm_head"]), examples(4)
    reference, _ = plain_gradients(model, rows)
    (note,) = fast_path.enable(model)
    assert "output layer" in note
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert apart(result, reference) < 5e-6


@pytest.mark.parametrize("architecture", ["qwen3", "gemma3"])
def test_trained_norms_learn(architecture: str) -> None:
    norms = ["input_layernorm", "post_attention_layernorm", "q_norm"]
    model, rows = adapted(architecture, modules_to_save=norms), examples(4)
    reference, _ = plain_gradients(model, rows)
    assert fast_path.enable(model) == []
    result, _ = fast_gradients(model, rows, max_tokens=150)
    assert sum("norm" in name for name in result) == 3 * len(norms)
    assert apart(result, reference) < 5e-6


def test_dropout_follows_torch_s_random_state() -> None:
    model, rows = adapted("llama", dropout=0.3), examples(5)
    fast_path.enable(model)
    model.train()
    state = torch.get_rng_state()
    first, _ = fast_gradients(model, rows, max_tokens=150)
    other, _ = fast_gradients(model, rows, max_tokens=150)
    torch.set_rng_state(state)
    again, _ = fast_gradients(model, rows, max_tokens=150)
    assert apart(other, first) > 1e-3
    assert all(torch.equal(again[name], first[name]) for name in first)


@pytest.mark.parametrize("architecture", ["llama-tied", "ernie", "gemma3"])
def test_weights_kept_in_bfloat16_compute_as_the_rounded_float32_model(architecture: str) -> None:
    rounded = tiny_model(architecture)
    with torch.no_grad():
        for module in rounded.modules():
            if type(module) is nn.Linear or type(module) is nn.Embedding:
                module.weight.copy_(module.weight.bfloat16())
    narrow = store(copy.deepcopy(rounded))
    size = sum(p.numel() * p.element_size() for p in narrow.model.layers.parameters())
    assert size < 0.6 * sum(p.numel() * 4 for p in narrow.model.layers.parameters())
    config = LoraConfig(r=4, lora_alpha=8, target_modules=MODULES, init_lora_weights=False)
    models = [get_peft_model(model, config) for model in (rounded, narrow)]
    adapter = {name: tensor for name, tensor in models[0].state_dict().items() if "lora_" in name}
    models[1].load_state_dict(adapter, strict=False)
    result = []
    for model in models:
        reference, _ = plain_gradients(model, examples(4))
        assert fast_path.enable(model) == []
        fast, _ = fast_gradients(model, examples(4), max_tokens=150)
        assert apart(fast, reference) < 5e-6
        result.append(fast)
    assert apart(result[1], result[0]) < 5e-6


@pytest.mark.torture
def test_a_real_model_s_gradient_is_plain_peft_s() -> None:
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(smollm2_path(), dtype=torch.float32, trust_remote_code=False)
    torch.manual_seed(0)
    model = get_peft_model(base, LoraConfig(r=8, lora_alpha=32, target_modules=MODULES))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, 0, 0.01)
    reference, _ = plain_gradients(model, examples())
    assert fast_path.enable(model) == []
    for budget in (60, 10_000):
        result, _ = fast_gradients(model, examples(), max_tokens=budget)
        assert apart(result, reference) < 1e-5
