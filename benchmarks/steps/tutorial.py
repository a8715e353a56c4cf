"""The tutorial's script: peft, DataCollatorForSeq2Seq; batches of four, four of them a step, as it is written."""

from __future__ import annotations

import tempfile

from common import LEARNING_RATE, Gate, adapted_model, read_job
from tokenizers import Tokenizer, models
from transformers import DataCollatorForSeq2Seq, PreTrainedTokenizerFast, Trainer, TrainingArguments


def main() -> None:
    job = read_job()
    rows = [{"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels} for ids, labels in job["rows"]]
    padder = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), pad_token="<pad>")  # pads, no more
    arguments = TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=job["rows_at_once"],
        gradient_accumulation_steps=job["batch_size"] // job["rows_at_once"],
        logging_steps=10,
        num_train_epochs=3,
        save_strategy="no",
        learning_rate=LEARNING_RATE,
        report_to="none",
        use_cpu=job["device"] == "cpu",
        train_sampling_strategy="sequential",  # so that both sides of a pair see the same rows
        disable_tqdm=True,
    )
    Trainer(
        model=adapted_model(job),
        args=arguments,
        train_dataset=rows,
        data_collator=DataCollatorForSeq2Seq(tokenizer=padder, padding=True),
        callbacks=[Gate()],
    ).train()


if __name__ == "__main__":
    main()
