"""offbook's step on a GPU, as its trainer takes it: packing, graphs, clipping, Adam, the checks and the callbacks."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from offbook.core.process_env import prepare

prepare()

from common import LEARNING_RATE, Gate, base_model, last_word, lora_config, read_job
from peft import get_peft_model

from offbook.core.config.schema import TrainConfig
from offbook.core.types import Example, Origin
from offbook.training import fast_path
from offbook.training.checkpoint import CheckpointStore
from offbook.training.packing import StepBatch, pack_step
from offbook.training.trainer import Objective, StepTrainer


class OffbookGate(Gate):
    """A gate that also says what was in the step."""

    step: StepBatch
    row_tokens: int
    notes: list[str]

    def about(self) -> dict[str, Any]:
        return {
            "compute": "bfloat16",
            "row_tokens": self.row_tokens,
            "tokens": self.step.tokens,
            "label_tokens": self.step.label_tokens,
            "notes": self.notes,
        }


def main() -> None:
    job = read_job()
    model = get_peft_model(base_model({**job, "dtype": "bfloat16"}), lora_config()).train()
    gate = OffbookGate("offbook")
    switches = {name: name not in job["without"] for name in ("packing", "fused", "head")}
    gate.notes = fast_path.enable(model, **switches)
    limits = {"max_tokens": job["max_tokens"], "packing": switches["packing"], "prefix": "prefix" not in job["without"]}
    size = job["batch_size"]
    rows = [Example(ids, labels, Origin("rows", 0)) for ids, labels in job["rows"]]
    steps: Any = [rows[start : start + size] for start in range(0, len(rows), size)]

    def collate(examples: list[Example]) -> StepBatch:
        gate.row_tokens = sum(len(example.ids) for example in examples)
        gate.step = pack_step(examples, **limits)
        return gate.step

    loss_sum = fast_path.loss_sum if "graphs" in job["without"] else fast_path.training_loss_sum
    settings = TrainConfig(learning_rate=LEARNING_RATE, save_steps=10**9, warmup_steps=0)
    store = CheckpointStore(Path(tempfile.mkdtemp()), {}, 1)
    StepTrainer(model, steps, Objective(collate, loss_sum), store, [gate], settings=settings).run()
    last_word("offbook")


if __name__ == "__main__":
    main()
