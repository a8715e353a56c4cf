"""A model folder → tokenizer and model. Native architectures and safetensors alone: no code of a folder is run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.utils import logging

from offbook.core.config.schema import Storage
from offbook.core.errors import UsageError, is_out_of_memory
from offbook.core.i18n import marked
from offbook.core.library_bars import counting
from offbook.core.progress import CountProgress, uncounted
from offbook.models.config_numbers import is_larger_than_files, refuse_odd_numbers
from offbook.models.quantized_copy import forget_packing, refuse_packed_numbers, unpack_on_loading
from offbook.models.storage import store

# Said at every call: a repository's own Python never runs, and a pickle is never opened.
_SAFE = {"trust_remote_code": False, "local_files_only": True}


def load_tokenizer(folder: Path, template: str | None = None) -> Any:
    """The tokenizer of a model folder (tokenizer.json, or tokenizer.model alone).

    Args:
        template: source of a chat template to use in place of the model's own.

    Raises:
        UsageError: there is no tokenizer, or no chat template and none was given.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **_SAFE)
    except Exception as error:  # tokenizers' errors are of no other class
        if (folder / "config.json").is_file():
            load_config(folder)  # which a tokenizer's class is looked up in: its own faults are told better there
        raise UsageError(
            "no usable tokenizer in {folder}: {error}",
            _COMPLETE,
            folder=folder,
            error=first_line(error),
        ) from error
    # offbook counts lengths itself; the tokenizer's warning about long texts would only confuse.
    tokenizer.model_max_length = sys.maxsize
    # What a character says is shown as it says it, not with other spaces before its punctuation.
    tokenizer.clean_up_tokenization_spaces = False
    # A template's control tokens are tokens; what turns say is kept from becoming one where it is encoded.
    tokenizer.split_special_tokens = False
    if template is not None:
        tokenizer.chat_template = template
    if tokenizer.chat_template is None:
        tokenizer.chat_template = _processors_template(folder)
    if isinstance(tokenizer.chat_template, dict):  # several by name: for tools, for documents, and the one for a chat
        named = tokenizer.chat_template
        tokenizer.chat_template = named.get("default", next(iter(named.values()), None))
    if tokenizer.chat_template is None:
        raise UsageError(
            "the model in {folder} has no chat template (it is probably not an instruction-tuned one)",
            "Name a built-in one: --model.template chatml (or ernie, plain)",
            folder=folder,
        )
    return tokenizer


def has_chat_template(folder: Path) -> bool:
    """Whether the tokenizer files of a folder bring a chat template."""
    try:
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = {}
    is_inside = isinstance(config, dict) and bool(config.get("chat_template"))
    return is_inside or (folder / "chat_template.jinja").is_file() or _processors_template(folder) is not None


def _processors_template(folder: Path) -> Any:
    """The template of chat_template.json, which processors of text and pictures read, and tokenizers do not."""
    try:
        content = json.loads((folder / "chat_template.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content.get("chat_template") if isinstance(content, dict) else None


def load_config(folder: Path) -> Any:
    """The model's configuration, weights unread.

    Raises:
        UsageError: there is none, it is of an architecture that transformers does not know, or its weights are packed
            in a way that cannot be undone here.
    """
    raw = _raw_config(folder)
    if kernel := _kernel_repository(raw):
        raise UsageError(
            "the model in {folder} asks for {kernel}, compiled code from a hub, which offbook never loads",
            "Remove that line from its config.json: transformers' own attention computes the same.",
            folder=folder,
            kernel=kernel,
        )
    refuse_odd_numbers(raw, folder)
    try:
        config = AutoConfig.from_pretrained(folder, **_SAFE)
    except Exception as error:  # a configuration may hold anything, and its class may stumble over it in any way
        if raw.get("auto_map"):
            raise UsageError(
                "the model in {folder} ({architecture}) needs Python code of its own, which offbook never runs",
                "Take a model whose architecture transformers knows: Qwen, SmolLM2, ERNIE 4.5, Llama, Gemma, Mistral …",
                folder=folder,
                architecture=_architecture(raw),
            ) from None
        if raw.get("model_type") and raw["model_type"] not in CONFIG_MAPPING:
            raise UsageError(
                "the model in {folder} ({architecture}) is of an architecture that the installed "
                "transformers does not know: {error}",
                "Take another model, or a newer transformers.",
                folder=folder,
                architecture=_architecture(raw),
                error=first_line(error),
            ) from None
        raise UsageError(
            "no usable model in {folder}: {error}",
            _COMPLETE,
            folder=folder,
            error=first_line(error),
        ) from error
    unpack_on_loading(config, raw, folder)
    # Whatever its makers last used it for: it is asked by name, and for nothing but what it computes last.
    for part in (config, config.get_text_config()):
        part._attn_implementation = None  # flash attention may not be here; the packed one takes its place anyway
        part.return_dict, part.output_hidden_states = True, False
        part.output_attentions = False
    return config


def load_model(
    folder: Path, dtype: str = "auto", storage: Storage = "full", *, progress: CountProgress = uncounted
) -> PreTrainedModel:
    """The causal language model of a folder, in evaluation mode, on the GPU where there is one.

    Its attribute `unused_weights` names the tensors of the folder's files that it has no place for.

    Args:
        folder: as it was pulled.
        dtype: number format: auto, float32, bfloat16 or float16.
        storage: full, or how the weights are kept while all else is float32 (see `offbook.models.storage`).
        progress: told how many weights are read, and how many there are.

    Raises:
        UsageError: the folder has no safetensors weights or they do not fit its configuration.
    """
    config = load_config(folder)
    is_packed, model_class = hasattr(config, "quantization_config"), _model_class(config)
    if not any(folder.glob("*.safetensors")):
        pickles = [path.name for path in folder.iterdir() if path.suffix in {".bin", ".pt", ".pth", ".ckpt"}]
        raise UsageError(
            _PICKLED if pickles else _NO_WEIGHTS,
            "Use a model that comes as safetensors.",
            folder=folder,
            pickle=pickles[0] if pickles else "",
        )
    logging.disable_progress_bar()  # its bar for loading weights would run into ours
    try:
        with counting(progress):
            loaded: Any = model_class.from_pretrained(
                folder,
                config=config,
                dtype=choose_dtype(dtype) if storage == "full" else torch.bfloat16,
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                **_SAFE,
            )
    except Exception as error:  # a constructor may stumble over its numbers, or a file be damaged, in any way
        if is_out_of_memory(error) and not is_larger_than_files(model_class, config, folder):
            raise
        is_damaged = "safetensors" in type(error).__module__ or "Safetensor" in type(error).__name__
        raise UsageError(
            _DAMAGED if is_damaged else _CANNOT_LOAD,
            _INSTALL if isinstance(error, ImportError) else _COMPLETE,
            folder=folder,
            error=first_line(error),
        ) from error
    model, loading = loaded
    if not is_packed:
        refuse_packed_numbers(loading["unexpected_keys"], folder)
    if mismatched := sorted(loading["mismatched_keys"]):
        name, stored, made = mismatched[0]
        raise UsageError(
            "the weight {name} in {folder} has the sizes {stored}, and config.json makes it {made}",
            _COMPLETE,
            name=name,
            folder=folder,
            stored=tuple(stored),
            made=tuple(made),
        )
    if missing := sorted(loading["missing_keys"]):
        names = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise UsageError(
            "the weights in {folder} lack {names}: these layers would be random numbers",
            _COMPLETE,
            folder=folder,
            names=names,
        )
    if is_packed:
        forget_packing(model)
    model.unused_weights = sorted(loading["unexpected_keys"])
    model.generation_config = _stops_of(model.generation_config)
    if storage != "full":
        store(model, storage)
    torch.nn.Module.to(model, choose_device())
    return model.eval()


def _stops_of(settings: GenerationConfig | None) -> GenerationConfig:
    """What a model's generation settings say of the tokens that end a text.

    The rest is for the model that its makers had in mind: stop strings, forced or forbidden tokens, a least length, how
    to sample. A character has its own.
    """
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    return GenerationConfig(**{name: getattr(settings, name, None) for name in names})


def _model_class(config: Any) -> Any:
    """The class that loads a configuration: of text models, or of models of text and pictures.

    Raises:
        UsageError: it is of another kind (speech, an encoder, translation …).
    """
    for kind in (AutoModelForCausalLM, AutoModelForImageTextToText):
        if type(config) in kind._model_mapping:
            return kind
    raise UsageError(
        "a {model_type} model is no language model that offbook can train",
        "Take a model that writes text from left to right: Qwen, SmolLM2, ERNIE 4.5, Llama, Gemma, Mistral …",
        model_type=config.model_type,
    )


def choose_device() -> torch.device:
    """The accelerator where there is one, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def choose_dtype(name: str) -> torch.dtype:
    """The number format of activations that `model.dtype` names; auto is bfloat16 on a GPU that multiplies in it.

    On a processor it is float32, with matrix units or without: `train.compute` alone takes the products of frozen
    weights to bfloat16, which is as fast as all of a step in bfloat16, and exacter.
    """
    if name != "auto":
        return getattr(torch, name)
    device = choose_device()
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32


def _raw_config(folder: Path) -> dict[str, Any]:
    """config.json as it stands; empty where there is none that can be read."""
    try:
        raw = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return raw if isinstance(raw, dict) else {}


def _kernel_repository(config: dict[str, Any]) -> str | None:
    """The setting that makes transformers load a hub's kernel (`attn_implementation: org/kernel`); None if none."""
    for name, value in config.items():
        if isinstance(value, dict) and (repository := _kernel_repository(value)):
            return repository
        for choice in value.values() if isinstance(value, dict) else (value,):
            if "_implementation" in name and isinstance(choice, str) and "/" in choice:
                return f"{name}: {choice}"
    return None


def _architecture(raw: dict[str, Any]) -> str:
    """The name of the architecture that a configuration gives."""
    return ", ".join(map(str, raw.get("architectures") or [raw.get("model_type", "unknown")]))


def first_line(error: BaseException) -> str:
    """The first line of what an error says, and the next where that one only introduces it.

    Its kind comes first where it says no more than a name, or nothing.
    """
    lines = [line.strip() for line in str(error).strip().splitlines()] or [""]
    text = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return f"{type(error).__name__} {text}".strip() if isinstance(error, KeyError) or not text else text


_PICKLED = marked("{folder} has only pickled weights ({pickle}), which can run code")
_DAMAGED = marked("the weights in {folder} are damaged: {error}")
_CANNOT_LOAD = marked("cannot load the model in {folder}: {error}")
_NO_WEIGHTS = marked("{folder} has no weights (*.safetensors)")
_INSTALL = marked("Install the library that it needs, or take another model.")
_COMPLETE = marked("Check that {folder} is a complete model folder, or pull it again: offbook pull SOURCE")
