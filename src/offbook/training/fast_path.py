"""The fast path: one micro-batch through the model, from its tokens to the sum of its losses.

    notes = enable(model)                                    # sentences on what the model's structure rules out
    for micro_batch in step.micro_batches:
        (loss_sum(model, micro_batch) / step.label_tokens).backward()
    with fast_path_disabled(model):
        model.generate(...)                                  # the ordinary model, with its cache
    disable(model)

Nothing of the model is replaced for good: the attention is registered with transformers, and a decoder layer's forward
is an attribute of the object that `disable` deletes. Its weights, its adapter and its files are peft's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any
from weakref import WeakKeyDictionary

import torch
from peft import PeftModel
from torch import nn

from offbook.core.errors import OffbookError, is_out_of_memory
from offbook.core.i18n import marked, translate
from offbook.training import architecture, attention, chunked_loss
from offbook.training.cuda_graphs import CudaGraphs, graphs_of
from offbook.training.decoder_layer import layer_forward
from offbook.training.fast_path_notes import notes_on_mismatch, notes_on_the_rest
from offbook.training.fast_path_probe import evaluation_mode, probe
from offbook.training.forward import FastPath, layouts, packed, score
from offbook.training.packing import MicroBatch


@dataclass(frozen=True, slots=True)
class _State:
    """What `enable` has put into a model, and what is needed to take it out again."""

    path: FastPath
    attention: str
    """The attention implementation that the model came with."""
    windows: dict[nn.Module, int | None] = field(default_factory=dict)
    """Attention module → its sliding window in tokens, for the fused layers."""
    checkpointing: bool = False
    """Whether `enable` switched gradient checkpointing on."""
    graphs: CudaGraphs | None = None
    """The passes that are recorded, on a GPU where they can be."""


_STATE: WeakKeyDictionary[nn.Module, _State] = WeakKeyDictionary()


def enable(
    model: PeftModel,
    *,
    packing: bool = True,
    fused: bool = True,
    head: bool = True,
    gradient_checkpointing: bool = False,
) -> list[str]:
    """Make the model compute packed micro-batches.

    Parts of the fast path that the model's structure rules out are left out. The rest is compared with the model's own
    losses on a small probe before it is used.

    Args:
        model: the peft model; it is changed in place.
        packing: see `FastPath`.
        fused: see `FastPath`.
        head: see `FastPath`.
        gradient_checkpointing: keep only the inputs of the layers, and compute a layer again in the backward pass.

    Returns:
        A sentence for each part that is left out.

    Raises:
        OffbookError: the fast path computes other losses than transformers although the model is of a tested type.
        Exception: whatever a bug in the fast path raises.
    """
    base: Any = model.get_base_model()
    disable(model)
    wanted = FastPath(packing, fused and packing, head)
    checkpointing = gradient_checkpointing and not base.is_activation_checkpointing
    if checkpointing:
        base.activation_checkpointing_enable({"use_reentrant": False})
    supported, notes = _supported(base, wanted)
    try:
        state = _select(model, _State(supported, base.config._attn_implementation, checkpointing=checkpointing))
    except Exception as error:
        error.add_note("The fast path failed on a probe: a bug in offbook. Without it: --train.fast.packing false")
        if checkpointing:
            _disable_checkpointing(base)
        raise
    _patch(base, state)
    _STATE[base] = replace(state, graphs=graphs_of(model, state.path))
    return notes + notes_on_mismatch(base, supported, state.path) + notes_on_the_rest(base, state.path)


def disable(model: PeftModel) -> None:
    """Undo `enable`: the model is again what it was."""
    base: Any = model.get_base_model()
    state = _STATE.pop(base, None)
    if state is None:
        return
    _unpatch(base, state)
    if state.checkpointing:
        _disable_checkpointing(base)


@contextmanager
def fast_path_disabled(model: PeftModel) -> Iterator[None]:
    """Context manager: the ordinary model inside; afterwards the fast path is back as it was."""
    base = model.get_base_model()
    state = _STATE.pop(base, None)
    if state is not None:
        _unpatch(base, state)
    try:
        yield
    finally:
        if state is not None:
            _patch(base, state)
            _STATE[base] = state


def loss_sum(model: PeftModel, batch: MicroBatch) -> torch.Tensor:
    """Sum of the token losses of a micro-batch, in nats: a scalar to call `backward` on."""
    return score(model.get_base_model(), _path_of(model), batch, chunked_loss.loss_sum, lambda losses: losses.sum())


def training_loss_sum(model: PeftModel, batch: MicroBatch) -> torch.Tensor:
    """As `loss_sum`, for a micro-batch on the processor; on a GPU repeated from a recording (see `cuda_graphs`).

    `backward` is to be called before the next pass.
    """
    state = _STATE.get(model.get_base_model())
    return loss_sum(model, batch) if state is None or state.graphs is None else state.graphs(batch)


@torch.no_grad()
def token_losses(model: PeftModel, batch: MicroBatch) -> torch.Tensor:
    """The loss of each label of a micro-batch, in nats, float32: (L,)."""
    return score(model.get_base_model(), _path_of(model), batch, chunked_loss.token_losses, lambda losses: losses)


def _path_of(model: PeftModel) -> FastPath:
    """What is enabled for a model: nothing unless `enable` was called."""
    state = _STATE.get(model.get_base_model())
    return FastPath(packing=False, fused=False, head=False) if state is None else state.path


def _supported(base: Any, wanted: FastPath) -> tuple[FastPath, list[str]]:
    """The parts of the wanted path that the model's structure allows, and a note for each other."""
    notes: list[str] = []

    def allows(check: Callable[[Any], None], consequence: str) -> bool:
        try:
            check(base)
        except architecture.UnsupportedArchitecture as reason:
            notes.append(f"{type(base).__name__}: {reason}. {translate(consequence)}")
            return False
        return True

    head = wanted.head and allows(architecture.check_head, marked("Its logits are computed whole, by its own code."))
    packing = wanted.packing and allows(architecture.check_packing, marked("Its examples are computed one by one."))
    by_transformers = marked("Its layers are computed by transformers' own code.")
    fused = wanted.fused and packing and allows(architecture.check_decoder_layers, by_transformers)
    flash = fused and architecture.has_flash_attention(base)
    return FastPath(packing, fused, head, flash), notes


def _select(model: PeftModel, state: _State) -> _State:
    """The fastest state within the given one whose losses are the model's own.

    Raises:
        OffbookError: that is less than the model's structure allows, although its type is tested.
    """
    base: Any = model.get_base_model()
    batch = probe(base)
    with evaluation_mode(model):
        reference = token_losses(model, batch)
        if state.path.fused:
            state = _with_windows(model, state, batch)
        candidates = (replace(state, path=path) for path in _candidates(state.path))
        selected = next(candidate for candidate in candidates if _matches(model, candidate, batch, reference))
    if selected.path != state.path and base.config.get_text_config().model_type in architecture.TESTED_MODEL_TYPES:
        switches = [f"--train.fast.{name} false" for name in ("packing", "fused", "head") if getattr(state.path, name)]
        raise OffbookError(
            "the fast path computes other losses than transformers for {name}: a bug in offbook",
            "Please report it. Until then, train without it: {switches}",
            name=type(base).__name__,
            switches=" ".join(switches),
        )
    return selected


def _candidates(path: FastPath) -> Iterator[FastPath]:
    """Every path within the given one, the fastest first; the last is the model's own code throughout."""
    for packing, fused, head in product((True, False), repeat=3):
        if packing <= path.packing and fused <= (path.fused and packing) and head <= path.head:
            yield FastPath(packing, fused, head, path.flash and fused)


def _matches(model: PeftModel, state: _State, batch: MicroBatch, reference: torch.Tensor) -> bool:
    """Whether a model in this state gives the reference losses; the model is left as it was.

    Raises:
        Exception: the model is of a tested type, or in a state that is its own code, and it fails all the same.
    """
    base: Any = model.get_base_model()
    try:
        _patch(base, state)
        _STATE[base] = state
        losses = token_losses(model, batch)
    except Exception as error:
        if state.path == FastPath(packing=False, fused=False, head=False) or _is_bug(base, error):
            raise
        return False
    finally:
        _STATE.pop(base, None)
        _unpatch(base, state)
    return _close(losses, reference, exact=_is_float32(base))


def _is_bug(base: Any, error: Exception) -> bool:
    """Whether a failure on the probe is one of offbook's own, or of the machine.

    Code of an architecture that nobody has tried may fail in any way when its attention is replaced (it hands no
    keyword arguments on, or keys of another form): it is computed by its own code, then.
    """
    is_tested = base.config.get_text_config().model_type in architecture.TESTED_MODEL_TYPES
    return is_tested or is_out_of_memory(error)


def _is_float32(base: Any) -> bool:
    """Whether a model's activations are float32, and all its products computed in it."""
    layers = [module for module in base.modules() if hasattr(module, "compute_dtype")]  # those store their weights
    formats = {torch.float32 if layers else base.dtype, *(layer.compute_dtype for layer in layers)}
    return formats <= {torch.float32, None}


def _close(losses: torch.Tensor, reference: torch.Tensor, *, exact: bool) -> bool:
    """Whether rounding explains the difference.

    A model that knows nothing yet loses about log V whatever is computed: the spread of the losses tells right from
    wrong.
    """
    share, rounding = (1e-3, 2e-6) if exact else (0.05, 0.05)
    bound = share * reference.std() + rounding * reference.abs().max()
    return bool((losses - reference).abs().max() <= bound)


def _with_windows(model: PeftModel, state: _State, batch: MicroBatch) -> _State:
    """The state with the windows of the fused layers; without those layers where the model's own code fails."""
    try:
        return replace(state, windows=_windows(model, state, batch))
    except Exception as error:
        if _is_bug(model.get_base_model(), error):
            raise
        return replace(state, path=replace(state.path, fused=False))


def _windows(model: PeftModel, state: _State, batch: MicroBatch) -> dict[nn.Module, int | None]:
    """Each attention's sliding window as the model's own code passes it: no probe is as long as a real window."""
    base: Any = model.get_base_model()
    windows: dict[nn.Module, int | None] = {}
    unfused = replace(state, path=FastPath(packing=True, fused=False, head=False))

    def forward(**inputs: Any) -> torch.Tensor:
        return architecture.decoder_of(base)(**inputs, windows=windows).last_hidden_state[0]

    try:
        _patch(base, unfused)
        with torch.no_grad():
            packed(forward, batch, fused=False, inputs=layouts(batch, unfused.path, base.device))
    finally:
        _unpatch(base, unfused)
    return windows


def _patch(base: Any, state: _State) -> None:
    """Put the state's attention and layer functions into the transformers model."""
    if state.path.packing:
        base.set_attn_implementation(attention.NAME)
    if state.path.fused:
        layers = architecture.decoder_of(base).layers
        for layer in layers:
            window = state.windows[layer.self_attn]
            layer.forward = partial(layer_forward, layer, window=window, last=layer is layers[-1])


def _unpatch(base: Any, state: _State) -> None:
    """Undo `_patch`."""
    if state.path.packing:
        base.set_attn_implementation(state.attention)
    if state.path.fused:
        for layer in architecture.decoder_of(base).layers:
            layer.__dict__.pop("forward", None)


def _disable_checkpointing(base: Any) -> None:
    """Undo `activation_checkpointing_enable`, with the hook on the embeddings that it leaves."""
    base.activation_checkpointing_disable()
    base.disable_input_require_grads()
