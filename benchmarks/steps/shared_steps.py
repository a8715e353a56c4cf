"""A step shared with other processes, as `offbook train --processes N` takes it: packing, exchange, clipping, Adam."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from offbook.core.process_env import prepare

prepare()

import torch
from common import LEARNING_RATE, answer, file_bytes, last_word, lora_config, peak_bytes, read_job, stored_base, wait
from peft import get_peft_model

from offbook.core.launch import Launch
from offbook.core.types import Example, Origin
from offbook.pipeline import joining
from offbook.training import fast_path
from offbook.training.packing import MicroBatch, pack_step
from offbook.training.process_group import ProcessGroup, joined
from offbook.training.trainer import dropout_seed
from offbook.training.work_sharing import WorkSharing


def main() -> None:
    job = read_job()
    group = ProcessGroup(Launch(job["rank"], job["size"], "127.0.0.1", job["port"]), folder=Path(sys.argv[1]).parent)
    with joined(group):
        if group.size > 1:
            group.connect()
        base, compute = stored_base(job)
        model = get_peft_model(base, lora_config()).train()
        fast_path.enable(model)
        joining.share_weights(group, model)
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        adam = torch.optim.AdamW(trained, lr=LEARNING_RATE)
        sharing = WorkSharing(group, model)
        size = job["batch_size"]
        for number, start in enumerate(range(0, len(job["rows"]), size)):
            if not wait():
                break
            began, cpu, sent = time.perf_counter(), time.process_time(), group.sent_bytes
            rows = [Example(ids, labels, Origin("rows", 0)) for ids, labels in job["rows"][start : start + size]]
            step = pack_step(rows, max_tokens=job["max_tokens"], min_count=job["micro_batches"])

            def backward(
                index: int, batch: MicroBatch, number: int = number, total: int = step.label_tokens
            ) -> torch.Tensor:
                torch.manual_seed(dropout_seed(0, number, index))
                loss = fast_path.loss_sum(model, batch) / total
                loss.backward()
                return loss.detach()

            loss = sharing.gradients(step.micro_batches, backward)
            exchanged = sharing.exchange_seconds
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            adam.step()
            adam.zero_grad()
            answer(
                seconds=time.perf_counter() - began,
                cpu=time.process_time() - cpu,
                exchange_seconds=exchanged,
                sent_bytes=group.sent_bytes - sent,
                micro_batches=len(step.micro_batches),
                compute=compute,
                row_tokens=sum(len(row.ids) for row in rows),
                tokens=step.tokens,
                label_tokens=step.label_tokens,
                loss=loss.item(),
                weights=sum(weight.double().sum().item() for weight in trained),
                peak_bytes=peak_bytes(),
                shared_bytes=file_bytes(),
            )
        last_word("offbook")


if __name__ == "__main__":
    main()
