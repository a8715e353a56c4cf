"""A GGUF model as a plain safetensors folder: it loads in seconds and can be trained on."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.utils import logging

from offbook.core.library_bars import counting
from offbook.core.progress import CountProgress


def dequantise(gguf: Path, folder: Path, progress: CountProgress) -> None:
    """Write the model (fp32), its tokenizer, chat template and generation settings into `folder`.

    `progress` is told how many weights are unpacked.

    The weights are the quantised ones, written out: nothing of the rounding is undone. Takes about twice the
    fp32 size in memory.
    """
    logging.disable_progress_bar()  # its bars for reading and writing weights would run into ours
    tokenizer = AutoTokenizer.from_pretrained(
        gguf.parent, gguf_file=gguf.name, local_files_only=True, trust_remote_code=False
    )
    with counting(progress):
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent,
            gguf_file=gguf.name,
            local_files_only=True,
            trust_remote_code=False,
            dtype=torch.float32,
            # Without it the blocks stay quantised, and the model can neither be saved nor trained.
            quantization_config=GgufConfig(dequantize=True),
        )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
