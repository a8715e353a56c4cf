"""What the timed programs share: the job they are given, the model they build, and the gate before every step.

Each program is a process of its own, so that a peer runs in its own environment; nothing here imports offbook. The
driver (`benchmarks/speed.py`) writes `go` for one optimizer step and `end` for the last word.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, Ernie4_5Config, Ernie4_5ForCausalLM, TrainerCallback

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LEARNING_RATE = 1e-4

# Libraries print what they like; the driver listens to this stream alone.
_ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def read_job() -> dict[str, Any]:
    """The job that the driver wrote: model, rows (ids and labels, a step's rows side by side), threads."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(job["threads"])
    return job


def base_model(job: dict[str, Any]) -> Any:
    """The folder's model, or random weights in the shape of ERNIE-4.5-0.3B; in the number format that is asked for."""
    dtype = getattr(torch, job.get("dtype", "float32"))
    torch.manual_seed(0)
    if job["model"] is None:
        torch.set_default_dtype(dtype)  # made in it: a copy in float32 would be the peak of the process
        model = Ernie4_5ForCausalLM(Ernie4_5Config())
        torch.set_default_dtype(torch.float32)
        for weight in model.parameters():  # the numbers of a model that was published in bfloat16, as ERNIE was
            weight.data.copy_(weight.data.bfloat16())
        return model.to(job["device"])
    return AutoModelForCausalLM.from_pretrained(job["model"], dtype=dtype, trust_remote_code=False).to(job["device"])


def lora_config() -> LoraConfig:
    """The tutorial's adapter."""
    return LoraConfig(task_type="CAUSAL_LM", target_modules=MODULES, r=8, lora_alpha=32, lora_dropout=0.1)


def adapted_model(job: dict[str, Any]) -> Any:
    """The model with its adapter, in training mode."""
    return get_peft_model(base_model(job), lora_config()).train()


def stored_base(job: dict[str, Any]) -> tuple[Any, str]:
    """The base model in the number formats that `offbook train` would choose here, and that of its products."""
    from offbook.models.load import choose_dtype
    from offbook.pipeline.setup import store_for_products
    from offbook.training.compute import choose_compute

    if choose_dtype(job["offbook_dtype"]) is torch.bfloat16:
        return base_model({**job, "dtype": "bfloat16"}), "bfloat16"
    config = Ernie4_5Config() if job["model"] is None else AutoConfig.from_pretrained(job["model"])
    compute = job["compute"]
    if compute == "auto":
        compute = choose_compute(config.hidden_size, torch.device("cpu"))
    base = base_model({**job, "dtype": compute})
    store_for_products(base, compute)
    return base, compute


def wait() -> bool:
    """Whether another step is wanted."""
    return sys.stdin.readline().strip() == "go"


def answer(**fields: Any) -> None:
    """One JSON object for the driver."""
    _ANSWERS.write(json.dumps(fields) + "\n")
    _ANSWERS.flush()


def peak_bytes() -> int:
    """The most memory that this process has held (Linux); on a GPU, the most that torch has held there."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_reserved()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def file_bytes() -> int:
    """How much of this process's memory are pages of files (Linux): weights, libraries.

    A file's page is in memory once, however many processes map it; one that a process has written to is not counted.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return sum(int(status.partition(name)[2].split()[0]) * 1024 for name in ("RssFile:", "RssShmem:"))


def _version(name: str) -> str:
    """Of a package that is installed; a source folder on the path has none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "source"


def last_word(*packages: str) -> None:
    """Versions; then the process is over."""
    answer(versions={name: _version(name) for name in ("torch", "transformers", "peft", *packages)})
    os._exit(0)


def synchronize() -> None:
    """Wait for what a GPU has been told to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class Gate(TrainerCallback):
    """Stops a transformers Trainer before every optimizer step until the driver lets it through."""

    def __init__(self, *packages: str) -> None:
        self.packages = packages

    def about(self) -> dict[str, Any]:
        """What else there is to say of a step."""
        return {}

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        if not wait():
            last_word(*self.packages)
        synchronize()
        self.started, self.cpu = time.perf_counter(), time.process_time()

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        synchronize()
        seconds, cpu = time.perf_counter() - self.started, time.process_time() - self.cpu
        answer(seconds=seconds, cpu=cpu, peak_bytes=peak_bytes(), **self.about())
