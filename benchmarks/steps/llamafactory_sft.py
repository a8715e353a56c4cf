"""LLaMA-Factory's own `sft` stage on rows that are tokenized already: padded batches of four, four of them a step."""

from __future__ import annotations

import tempfile
from pathlib import Path

from common import LEARNING_RATE, MODULES, Gate, base_model, read_job
from datasets import Dataset, DatasetDict
from llamafactory.train.tuner import run_exp
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast


def main() -> None:
    job = read_job()
    folder = Path(tempfile.mkdtemp())
    base_model(job).save_pretrained(folder / "model")
    padder = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), pad_token="<pad>", eos_token="<eos>")
    padder.save_pretrained(folder / "model")
    rows = [{"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels} for ids, labels in job["rows"]]
    DatasetDict({"train": Dataset.from_list(rows)}).save_to_disk(folder / "rows")
    run_exp(
        {
            "stage": "sft",
            "do_train": True,
            "model_name_or_path": str(folder / "model"),
            "tokenized_path": str(folder / "rows"),
            "dataset": "rows",  # has to be named; what is read is the tokenized path
            "template": "empty",
            "finetuning_type": "lora",
            "lora_rank": 8,
            "lora_alpha": 32,
            "lora_dropout": 0.1,
            "lora_target": ",".join(MODULES),
            "output_dir": str(folder / "out"),
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": 4,
            "num_train_epochs": 3,
            "learning_rate": LEARNING_RATE,
            "disable_shuffling": True,
            "disable_gradient_checkpointing": True,
            "save_strategy": "no",
            "report_to": "none",
            "use_cpu": True,
            "bf16": job.get("dtype") == "bfloat16",
        },
        callbacks=[Gate("llamafactory")],
    )


if __name__ == "__main__":
    main()
