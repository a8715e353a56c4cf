"""The LoRA adapter: put in, saved, loaded. It stays an ordinary PEFT adapter throughout."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import (
    LoraConfig,
    PeftModel,
    TaskType,
    get_peft_model,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as load_tensors
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.models.adapter_files import WEIGHTS, base_of, read_lora_config
from offbook.models.layer_names import ALL_LINEAR
from offbook.models.load import first_line
from offbook.models.storage import stored_parameters
from offbook.models.target_modules import general_name, modules_named, select


def attach(
    model: PreTrainedModel,
    *,
    rank: int,
    alpha: float,
    dropout: float,
    target_modules: Sequence[str],
    seed: int,
    use_rslora: bool = False,
    use_dora: bool = False,
    base_name: str | None = None,
) -> PeftModel:
    """Wrap the model with a fresh adapter (A random by `seed`, B zero), the only part that will be trained.

    Args:
        target_modules: as for `target_modules.select`.
        base_name: what adapter_config.json names as its base; default: the folder that was loaded.

    Raises:
        UsageError: a target module is not in the model, or no adapter can be put there.
    """
    chosen = select(model, target_modules)
    settings: dict[str, Any] = {"r": rank, "lora_alpha": alpha, "lora_dropout": dropout}
    settings |= {"use_rslora": use_rslora, "use_dora": use_dora}
    wrapped = _wrapped(model, chosen, seed, settings)
    if lost := _lost_by_saving(wrapped):
        if list(target_modules) != [ALL_LINEAR]:
            raise UsageError(
                "peft would save the adapters of these layers under other names, and not find them again: {layers}",
                "Name other layers: --lora.target_modules.",
                layers=", ".join(sorted({general_name(name) for name in lost})),
            )
        others = sorted({*modules_named(model, chosen)} - lost)
        base: Any = wrapped.unload()
        wrapped = _wrapped(base, others, seed, settings)
    if base_name is not None:
        wrapped.peft_config["default"].base_model_name_or_path = base_name
    return wrapped


def _wrapped(model: PreTrainedModel, chosen: Sequence[str], seed: int, settings: Mapping[str, Any]) -> PeftModel:
    """The model with a fresh adapter in the chosen layers."""
    conv1d = all(isinstance(model.get_submodule(name), Conv1D) for name in modules_named(model, chosen))
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        target_modules=list(chosen),
        fan_in_fan_out=conv1d,
        **settings,
    )
    torch.manual_seed(seed)
    try:
        with _without_notes_to_peft():
            wrapped = get_peft_model(model, config)
    except ValueError as error:
        raise UsageError(
            "no adapter can be put into this model: {error}",
            "Name other layers: --lora.target_modules.",
            error=first_line(error),
        ) from None
    assert isinstance(wrapped, PeftModel)
    return wrapped


def _lost_by_saving(model: PeftModel) -> set[str]:
    """Full names of the layers whose adapters peft saves under names by which it does not find them again.

    For some architectures it translates names between its own and transformers', and back to others.
    """
    loading: Any = set_peft_model_state_dict(model, get_peft_model_state_dict(model, save_embedding_layers=False))
    names = {name.partition(".lora_") for name in loading.missing_keys}
    return {name.removeprefix("base_model.model.") for name, mark, _ in names if mark}


@contextmanager
def _without_notes_to_peft() -> Iterator[None]:
    """Context manager: peft asks models by a name that transformers will drop, which is no user's business."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        yield


def load(
    model: PreTrainedModel | PeftModel, folder: Path, *, trainable: bool = False, name: str = "default"
) -> PeftModel:
    """Wrap the model with a saved adapter, plain peft's or offbook's, or put it beside the adapters that are on it.

    Args:
        model: a base model, or one with adapters already.
        folder: the adapter's.
        trainable: whether it will be trained further.
        name: by which the model knows it.

    Raises:
        UsageError: the folder holds none, a pickled or a damaged one, or one that belongs to another base.
    """
    if not (folder / WEIGHTS).is_file():
        raise UsageError(
            "no adapter in {folder} ({weights} is missing)",
            "Name a run, or a PEFT adapter folder.",
            folder=folder,
            weights=WEIGHTS,
        )
    base: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    own_weights = _weights_of_the_base(base, folder, read_lora_config(folder))
    try:
        with _without_notes_to_peft():
            # Keys that are missing are an error here, not a warning.
            warnings.filterwarnings("error", message="Found missing adapter keys")
            # `merging` takes care of tied weights, and of biases that have no place; a bias has one dimension.
            warnings.filterwarnings("ignore", message=".*(ensure_weight_tying|merging LoRA weights|lora_B.bias)")
            if isinstance(model, PeftModel):
                model.load_adapter(str(folder), adapter_name=name, is_trainable=trainable)
                wrapped = model
            else:
                wrapped = PeftModel.from_pretrained(model, str(folder), adapter_name=name, is_trainable=trainable)
            _refuse_unused(wrapped, folder, own_weights, name)
    except (RuntimeError, ValueError, KeyError, Warning, OSError) as error:
        if sizes := re.search(r"size mismatch for (\S+): .*?\[(\d+)[^]]*\]\)? from checkpoint.*?\[(\d+)", str(error)):
            layer, adapter_rows, base_rows = sizes[1].rpartition("model.")[2], sizes[2], sizes[3]
            has_vocabulary = "embed" in layer or "lm_head" in layer
            raise UsageError(
                "the adapter in {folder} does not fit this base model: {layer} has {adapter_rows} rows "
                "in the adapter and {base_rows} in the model",
                _MORE_TOKENS if has_vocabulary else _OTHER_BASE,
                other=base_of(folder) or translate("another model"),
                folder=folder,
                layer=layer,
                adapter_rows=adapter_rows,
                base_rows=base_rows,
            ) from None
        raise UsageError(
            "the adapter in {folder} does not fit this base model: {error}",
            _OTHER_BASE,
            folder=folder,
            error=str(error).strip().splitlines()[0],
            other=base_of(folder) or translate("another model"),
        ) from None
    except Exception as error:
        if "Safetensor" not in type(error).__name__:
            raise
        raise UsageError(
            "{folder} is damaged: {error}",
            "Restore it, or train again.",
            folder=folder / WEIGHTS,
            error=error,
        ) from None
    return wrapped


def _weights_of_the_base(model: PreTrainedModel, folder: Path, config: Mapping[str, Any]) -> set[str]:
    """The tensors of an adapter file that repeat weights of the base model, as peft saves embeddings.

    What the config says was trained whole (`modules_to_save`, `bias`) is the adapter's own.

    Raises:
        UsageError: such a tensor has other values: it would replace the base model's own.
    """
    parameters = dict(model.named_parameters(remove_duplicate=False))
    trained = tuple(config.get("modules_to_save") or ())  # peft takes them for the ends of names
    if config.get("ensure_weight_tying"):  # a trained embedding is the output layer as well
        shared = {id(weight) for name, weight in parameters.items() if name.rpartition(".")[0].endswith(trained)}
        trained += tuple(name.rpartition(".")[0] for name, weight in parameters.items() if id(weight) in shared)
    has_biases = config.get("bias", "none") != "none"
    repeated = set()
    try:
        with safe_open(folder / WEIGHTS, "pt") as file:
            for key in file.keys():  # noqa: SIM118 - it is no dict
                parameter = parameters.get(key.removeprefix("base_model.model.").replace(".base_layer.", "."))
                if (
                    parameter is None
                    or key.rpartition(".")[0].endswith(trained)
                    or (has_biases and key.endswith(".bias"))
                    or list(parameter.shape) != file.get_slice(key).get_shape()
                ):
                    continue
                if not torch.equal(file.get_tensor(key).to(parameter), parameter.detach()):
                    raise UsageError(
                        "the adapter in {folder} replaces {key}, a weight of the base model",
                        "Merge it with the program that made it, or train one that leaves the base model as it is.",
                        folder=folder,
                        key=key,
                    )
                repeated.add(key)
    except (OSError, SafetensorError) as error:
        raise UsageError(
            "{folder} is damaged: {error}",
            "Restore it, or train again.",
            folder=folder / WEIGHTS,
            error=error,
        ) from None
    return repeated


def _refuse_unused(wrapped: PeftModel, folder: Path, own_weights: set[str], name: str) -> None:
    """Refuse an adapter of which a part has no place: the character would speak with the rest of it alone.

    Raises:
        UsageError: naming the parts.
    """
    state = get_peft_model_state_dict(wrapped, adapter_name=name, save_embedding_layers=False)
    used = set(state) | own_weights
    with safe_open(folder / WEIGHTS, "pt") as file:
        unused = sorted(set(file.keys()) - used)
    if unused:
        modules = sorted({key.partition(".lora_")[0].rpartition(".")[2] for key in unused})
        raise UsageError(
            "adapter_config.json in {folder} leaves out {count} of the adapter's tensors ({modules})",
            "Name all its modules in target_modules, as they were when it was trained.",
            folder=folder,
            count=len(unused),
            modules=", ".join(modules),
        )


_MORE_TOKENS = marked(
    "Rows for more tokens were trained with it: resize the model as its tokenizer says, and save it whole."
)
_OTHER_BASE = marked("It was trained on {other}: name that one with --base-model.")


def restore(model: PeftModel, folder: Path) -> None:
    """Put the weights that `model.save_pretrained` wrote into `folder` back into the model's adapter."""
    set_peft_model_state_dict(model, load_file(folder / WEIGHTS))


def trained_bytes(model: PeftModel) -> bytes:
    """The weights that are trained, in the form of a safetensors file."""
    return save_tensors({name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad})


def load_trained(model: PeftModel, content: bytes) -> None:
    """Put the weights of `trained_bytes` of an equal model into this one."""
    tensors = load_tensors(content)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.requires_grad:
                weight.copy_(tensors[name])


def save(model: PeftModel, tokenizer: Any, folder: Path) -> None:
    """Write adapter, its config and the tokenizer's files into an existing folder.

    Embeddings are no part of an adapter here. Without a word on them peft would ask Hugging Face, at every save, for a
    model of the base's name, to see whether its vocabulary is the same.
    """
    model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
    tokenizer.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)  # peft's empty model card


def parameter_counts(model: torch.nn.Module) -> tuple[int, int]:
    """(all parameters, trainable ones), however they are stored; tied weights count once."""
    return stored_parameters(model), sum(p.numel() for p in model.parameters() if p.requires_grad)
