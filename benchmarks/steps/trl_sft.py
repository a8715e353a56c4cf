"""TRL's SFTTrainer in its fastest setting: padding-free batches, on a GPU with Liger's Triton kernels."""

from __future__ import annotations

import tempfile

from common import LEARNING_RATE, Gate, base_model, lora_config, read_job
from datasets import Dataset
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer


def main() -> None:
    job = read_job()
    rows = [
        {"input_ids": ids, "completion_mask": [int(label != -100) for label in labels]} for ids, labels in job["rows"]
    ]
    padder = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), pad_token="<pad>", eos_token="<eos>")
    arguments = SFTConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=job["rows_at_once"],
        gradient_accumulation_steps=job["batch_size"] // job["rows_at_once"],
        num_train_epochs=3,
        learning_rate=LEARNING_RATE,
        completion_only_loss=True,
        padding_free=True,
        use_liger_kernel=job["device"] == "cuda",
        bf16=False,
        gradient_checkpointing=False,
        max_length=None,
        save_strategy="no",
        report_to="none",
        use_cpu=job["device"] == "cpu",
        train_sampling_strategy="sequential",
        disable_tqdm=True,
    )
    SFTTrainer(
        model=base_model(job),
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=padder,
        peft_config=lora_config(),
        callbacks=[Gate("trl")],
    ).train()


if __name__ == "__main__":
    main()
