"""The export formats. A new one is a function here and its entry in FORMATS."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from offbook.core.registry import lookup
from offbook.exporters.source import PROCESSORS, ExportSource


@dataclass(frozen=True, slots=True)
class ExportedArtifact:
    """What a format has written, and how it is opened in order to compare it with the adapter."""

    model: Path
    """A GGUF file, or a folder for transformers."""
    adapter: Path | None = None
    """A GGUF LoRA that goes on top."""
    text: Callable[[list[dict[str, str]]], str] | None = None
    """Renders a conversation, where the runtime does not use the file's own template."""
    notes: list[str] = field(default_factory=list)
    """Sentences that the user should read."""


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a character."""

    write: Callable[[ExportSource, Path, str], ExportedArtifact]
    """(source, folder, quant) → what was written; the folder exists and is empty."""
    quants: tuple[str, ...]
    """Number formats; the first is the default."""
    check: Callable[[Any], Any] = lambda _config: None
    """Raises UsageError for the configuration of a model that the format cannot hold, before anything is loaded."""


def merged(source: ExportSource, folder: Path, quant: str) -> ExportedArtifact:
    """A plain transformers folder: safetensors with the adapter folded in, tokenizer, template, generation settings."""
    import torch

    dtype = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[quant]
    model = _merged(source).to(dtype)
    model.generation_config = _generation(source)
    model.save_pretrained(folder)
    source.tokenizer.save_pretrained(folder)
    # One file: transformers prefers it to what a tokenizer_config.json may hold.
    (folder / "chat_template.jinja").write_text(source.template, encoding="utf-8")
    source.carry_over(folder, *PROCESSORS)
    return ExportedArtifact(folder)


def gguf(source: ExportSource, folder: Path, quant: str) -> ExportedArtifact:
    """One file for llama.cpp and all that is built on it; the adapter alone lies beside it."""
    from offbook.exporters.gguf_model import lora_obstacle, write_lora, write_model

    notes = []
    if (reason := lora_obstacle(source.model)) is None:
        write_lora(folder / f"{source.name}-lora.gguf", source.model, source.name)
    else:
        notes.append(f"the adapter does not lie beside the file as a LoRA of its own: {reason}")
    path = folder / f"{source.name}-{quant}.gguf"
    notes += write_model(path, source, _merged(source), quant)
    source.carry_over(folder)
    return ExportedArtifact(path, notes=notes)


def ollama(source: ExportSource, folder: Path, quant: str) -> ExportedArtifact:
    """A GGUF and the Modelfile that `ollama create` reads."""
    from offbook.exporters.modelfile import layout, modelfile

    prompt_layout = layout(source)
    artifact = gguf(source, folder, quant)
    (folder / "Modelfile").write_text(modelfile(source, artifact.model.name, prompt_layout), encoding="utf-8")
    if prompt_layout is None:
        note = (
            "Ollama's template language cannot say this model's chat template: the Modelfile has none, and Ollama "
            "renders the one inside the GGUF (a recent Ollama is needed)"
        )
        return ExportedArtifact(artifact.model, notes=[*artifact.notes, note])
    return ExportedArtifact(
        artifact.model,
        text=lambda messages: prompt_layout.prompt(messages, source.persona.system),
        notes=artifact.notes,
    )


def lora(source: ExportSource, folder: Path, quant: str) -> ExportedArtifact:
    """The adapter alone as a GGUF LoRA; its base model's GGUF is written once, for all characters of that base."""
    from offbook.exporters.gguf_model import write_lora, write_model

    adapter = folder / f"{source.name}-lora.gguf"
    write_lora(adapter, source.model, source.name)
    base = source.shared.with_name(f"{source.shared.name}-{quant}.gguf")
    notes = [f"the base model, for all its characters: {base}"]
    if not base.is_file():
        base.parent.mkdir(parents=True, exist_ok=True)
        unfinished = base.with_name(f"{base.name}-{os.getpid()}")
        neutral = replace(source, name=source.base.name, persona=source.persona.model_copy(update={"system": None}))
        notes += write_model(unfinished, neutral, source.model.unload(), quant)
        unfinished.replace(base)

    def text(messages: list[dict[str, str]]) -> str:
        rendered: str = source.tokenizer.apply_chat_template(
            messages, chat_template=source.template, tokenize=False, add_generation_prompt=True
        )
        return rendered

    return ExportedArtifact(base, adapter=adapter, text=text, notes=notes)


def _check_architecture(config: Any) -> None:
    from offbook.exporters.architectures import architecture_of

    architecture_of(config)


FORMATS: dict[str, Format] = {
    "merged": Format(merged, ("f32", "bf16", "f16")),
    "gguf": Format(gguf, ("q8_0", "q4_k_m", "f16"), _check_architecture),
    "ollama": Format(ollama, ("q8_0", "q4_k_m", "f16"), _check_architecture),
    "lora": Format(lora, ("f16", "q8_0", "q4_k_m"), _check_architecture),
}


def find_format(to: str, quant: str | None) -> tuple[Format, str]:
    """An export format by its name, and one of its number formats; default: its first.

    Raises:
        UsageError: there is no such format, or it has no such numbers.
    """
    kind = lookup(FORMATS, to, "export format")
    quant = quant or kind.quants[0]
    lookup(dict.fromkeys(kind.quants), quant, "number format")
    return kind, quant


def _merged(source: ExportSource) -> Any:
    """The base model with the adapter folded in; the adapter is used up.

    Raises:
        UsageError: an adapter of this kind cannot be folded in.
    """
    from offbook.core.errors import UsageError

    kind = source.model.peft_config["default"]
    try:
        return source.merge(source.model)
    except (NotImplementedError, ValueError, AttributeError, RuntimeError) as error:
        raise UsageError(
            "this adapter ({peft_type}) cannot be folded into its base model: {error}",
            "Talk to it with offbook chat or offbook serve, which put it on the base model.",
            peft_type=kind.peft_type,
            error=error,
        ) from error


def _generation(source: ExportSource) -> Any:
    import transformers

    make_config: Any = transformers.GenerationConfig

    settings = source.persona.generation
    sampling = {"temperature": settings.temperature, "top_p": settings.top_p} if settings.temperature else {}
    return make_config(
        do_sample=bool(sampling),
        **sampling,
        repetition_penalty=settings.repetition_penalty,
        max_new_tokens=settings.max_new_tokens,
        eos_token_id=list(source.stop_ids),
        bos_token_id=source.tokenizer.bos_token_id,
        pad_token_id=source.tokenizer.pad_token_id,
    )
