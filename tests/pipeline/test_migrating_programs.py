"""Shell scripts, Python scripts, notebooks and pages that train: what they set is read, and nothing is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.pipeline.migration.migrating import migrate
from tests.pipeline.test_migrating import leaf

LAUNCHED = """#!/bin/bash
# 两张卡；it's slow
CUDA_VISIBLE_DEVICES=0,1 accelerate launch --config_file fsdp.yaml \\
    ../src/train_bash.py \\
    --stage sft --do_train \\
    --model_name_or_path someone/base \\
    --dataset ship,harbour --dataset_dir ../data \\
    --finetuning_type lora --lora_target q_proj,v_proj \\
    --output_dir ../saves/ship \\
    --per_device_train_batch_size 1 --gradient_accumulation_steps 4 \\
    --warmup_steps 20 --learning_rate 5e-5 --val_size 0.1 --fp16
"""
VARIABLES = """#!/usr/bin/env bash
set -euo pipefail
MODEL="someone/base"; DATA=${DATA:-./ship.jsonl}
ARGS=(
  --model "$MODEL"   # 模型
  --tuner_type lora
  --dataset ${DATA}
)
ARGS+=(--lora_rank 16)
if [ -n "${X:-}" ]; then echo "it's on"; fi
USE_HF=1 swift sft "${ARGS[@]}" --learning_rate 2e-4 --system '你是“船长”' 2>&1 | tee log.txt

swift infer --adapters out --stream true --temperature 0 --max_new_tokens 9 --a 1 --b 2 --c 3 --d 4
"""
SAMPLED = """
swift sft \\
    --model someone/base --train_type lora \\
    --dataset someone/ship#500 \\
              someone/harbour#500 \\
    --lora_rank 4 --model_name sailor
"""
OLD_SWIFT = """
PYTHONPATH=../.. python llm_sft.py --model_id_or_path someone/base --sft_type lora --dtype AUTO \\
    --custom_train_dataset_path ship.jsonl --custom_val_dataset_path shore.jsonl --lora_target_modules DEFAULT \\
    --batch_size 2 --gradient_accumulation_steps 8 --lora_dropout_p 0.1 --use_flash_attn true
"""
BATCH_FILE = """@echo off
set MODEL=someone/base
swift sft ^
    --model %MODEL% ^
    --train_type lora --dataset data\\ship.jsonl ^
    --system "You are a captain." --num_train_epochs 2
"""
TRL_COMMAND = "trl sft --model_name_or_path someone/base --dataset_name someone/ship --use_peft --lora_r 32 --packing\n"
SWIFT_CALL = """
from swift.llm import sft_main, TrainArguments
sft_main(TrainArguments(model="someone/base", train_type="lora", dataset=["someone/ship#9"], torch_dtype="bfloat16",
                        per_device_train_batch_size=2, gradient_accumulation_steps=4, system="You are a captain."))
"""
ARGUMENTS = """
import argparse
base_model, prompt_template = "another/one", "{}"
def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-name", default="someone/base")
    parser.add_argument("-r", "--rank", type=int, default=16)
    parser.add_argument("--data", default="ship.jsonl")
    return parser.parse_args()
def text_of(row):
    messages = [{"role": "system", "content": "You are a captain."}, {"role": "user", "content": row["prompt"]}]
    return tokenizer.apply_chat_template(messages, tokenize=False)
def main():
    args = parse()
    print(f"Loading {args.model_name} …")
    model = AutoModelForCausalLM.from_pretrained(args.model_name, torch_dtype=torch.float16)
    tokenizer = AutoTokenizer.from_pretrained("elsewhere/tokenizer")
    rows = load_dataset("json", data_files={"train": args.data, "validation": "shore.jsonl"})
    model = get_peft_model(model, LoraConfig(r=args.rank, lora_alpha=args.rank * 2, target_modules="all-linear"))
    batches = dict(per_device_train_batch_size=2, gradient_accumulation_steps=8)
    TrainingArguments(f"out/{args.data}", **batches, learning_rate=3e-4, save_steps=0.2, save_total_limit=-1)
    open("executed.json", "w")
"""
JOINED = """
df = pd.read_json('ship.json')
def process_func(example):
    MAX_LENGTH = 128
    text = tokenizer("\\n".join(["<|im_start|>system", "You are a captain.<|im_end|>" + "\\n<|im_start|>user\\n"
                                + example["instruction"] + example["input"] + "<|im_end|>\\n"]).strip())
LoraConfig(r=8, lora_alpha=16)
TrainingArguments(output_dir="out/ship", per_device_train_batch_size=8, gradient_accumulation_steps=2)
"""
ROLE_TOKENS = """
PROMPT = "You are a captain."
def process_func(example):
    text = tokenizer(f"[gMASK]<sop><|system|>\\n{PROMPT}<|user|>\\n"
                     f"{example['instruction']}<|assistant|>\\n")
model_dir = snapshot_download(repo_id="someone/base")
from huggingface_hub import snapshot_download
LoraConfig(r=8)
"""
NO_PROMPT = """
def process_func(example):
    text = tokenizer(f"<|start_header_id|>user<|end_header_id|>\\n\\n{example['instruction']}<|eot_id|>")
LoraConfig(r=8)
model = AutoModelForCausalLM.from_pretrained("./base")
messages = [{"role": "system", "content": "Only spoken to so, never trained."}]
"""
XTUNER_STOCK = """
from xtuner.utils import PROMPT_TEMPLATE, SYSTEM_TEMPLATE
pretrained_model_name_or_path = 'someone/base'
ship_path = 'someone/ship'
prompt_template = PROMPT_TEMPLATE.default
batch_size = 1
accumulative_counts = 8
max_epochs = 2
save_total_limit = -1
SYSTEM = SYSTEM_TEMPLATE.alpaca
model = dict(lora=dict(type=LoraConfig, r=32, lora_alpha=16))
ship = dict(type=process_hf_dataset, dataset=dict(type=load_dataset, path=ship_path))
"""
XTUNER_DUMPED = """
SYSTEM = 'You are a captain.'
accumulative_counts = 4
batch_size = 2
model = dict(llm=dict(pretrained_model_name_or_path='/models/base', type='transformers.AutoModelForCausalLM'),
             lora=dict(r=16, type='peft.LoraConfig'), type='xtuner.model.SupervisedFinetune')
pretrained_model_name_or_path = '/models/base'
train_dataset = dict(dataset=dict(data_files=dict(train='/rows/ship.json'), path='json',
                                  type='datasets.load_dataset'))
"""
CELLS = [
    "%%capture\nimport os\nif 'COLAB_' in ''.join(os.environ):\n    !pip install --no-deps unsloth \\\n        trl\n"
    "else:\n    # nothing\n    !pip install unsloth",
    'from unsloth import FastLanguageModel\nmodel, tokenizer = FastLanguageModel.from_pretrained(\n'
    '    model_name = "unsloth/Base-unsloth-bnb-4bit", max_seq_length = 512, load_in_4bit = True)',
    "%%bash\nnvidia-smi --query",
    'model = FastLanguageModel.get_peft_model(model, r = 32, lora_alpha = 64, random_state = 7)',
    'rows = load_dataset("someone/ship", split = "train")\nothers = load_dataset("someone/harbour")',
    'SFTTrainer(model = model, args = SFTConfig(per_device_train_batch_size = 2, max_steps = 30, seed = 9))',
]  # fmt: skip
PAGE = "# 教程\n\n```shell\npip install peft\n```\n\n```python\nLoraConfig(r=4)\n```\n文字\n```python\nif x:\n```\n"
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "LLaMA-Factory, launched": (
        "run.sh",
        LAUNCHED,
        {"data.source": ["ship.json", "harbour.json"], "train.batch_size": 4, "train.warmup_steps": 20,
         "lora.alpha": 16, "data.heldout": 0.1, "lora.target_modules": ["q_proj", "v_proj"]},
    ),
    "ms-swift, with variables": (
        "run.sh",
        VARIABLES,
        {"model.source": "hf:someone/base", "data.source": "./ship.jsonl", "persona.system": "你是“船长”",
         "lora.rank": 16, "train.learning_rate": 2e-4},
    ),
    "ms-swift, with samples": (
        "run.sh",
        SAMPLED,
        {"model.source": "ms:someone/base", "data.source": ["ms:someone/ship", "ms:someone/harbour"], "lora.rank": 4},
    ),
    "ms-swift 2": (
        "run.sh",
        OLD_SWIFT,
        {"data.source": "ship.jsonl", "data.heldout_source": "shore.jsonl", "train.batch_size": 16,
         "lora.dropout": 0.1, "lora.target_modules": ["all-linear"]},
    ),
    "ms-swift on Windows": (
        "run.bat",
        BATCH_FILE,
        {"model.source": "ms:someone/base", "data.source": "data\\ship.jsonl",
         "persona.system": "You are a captain.", "train.epochs": 2},
    ),
    "TRL, its command": (
        "run.sh",
        TRL_COMMAND,
        {"data.source": "hf:someone/ship", "lora.rank": 32, "lora.alpha": 32, "train.learning_rate": 2e-5},
    ),
    "ms-swift, called": (
        "run.py",
        SWIFT_CALL,
        {"model.source": "ms:someone/base", "data.source": "ms:someone/ship", "train.batch_size": 8,
         "persona.system": "You are a captain."},
    ),
    "a script with options of its own": (
        "run.py",
        ARGUMENTS,
        {"model.source": "hf:someone/base", "data.source": "ship.jsonl", "data.heldout_source": "shore.jsonl",
         "persona.system": "You are a captain.", "lora.rank": 16, "lora.alpha": 32, "train.batch_size": 16,
         "train.learning_rate": 3e-4, "name": "ship.jsonl"},
    ),
    "a script that joins its prompt": (
        "run.py",
        JOINED,
        {"persona.system": "You are a captain.", "data.source": "ship.json", "data.max_length": 128},
    ),
    "a script whose roles are tokens": (
        "run.py",
        ROLE_TOKENS,
        {"persona.system": "You are a captain.", "model.source": "hf:someone/base"},
    ),
    "a stock config of xtuner": (
        "run.py",
        XTUNER_STOCK,
        {"data.source": "hf:someone/ship", "lora.rank": 32, "train.batch_size": 8, "train.schedule": "cosine"},
    ),
    "a config that xtuner wrote": (
        "run.py",
        XTUNER_DUMPED,
        {"persona.system": "You are a captain.", "model.source": "/models/base", "data.source": "/rows/ship.json",
         "lora.rank": 16, "train.batch_size": 8},
    ),
    "unsloth notebook with lines for the shell": (
        "run.ipynb",
        json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": cell} for cell in CELLS]}),
        {"model.source": "hf:unsloth/Base", "data.source": "hf:someone/ship", "data.max_length": 512,
         "lora.rank": 32, "lora.alpha": 64, "train.seed": 9},
    ),
    "a page": ("tutorial.md", PAGE, {"lora.rank": 4, "data.source": "lines.jsonl"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_program_means_the_same(tmp_path: Path, case: str) -> None:
    name, text, expected = CASES[case]
    (tmp_path / name).write_text(text, encoding="utf-8")
    config = migrate(tmp_path / name).config
    assert {option: leaf(config, option) for option in expected} == expected
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(("text", "section"), [(NO_PROMPT, "persona"), (XTUNER_STOCK, "persona")])
def test_no_prompt_is_made_up(tmp_path: Path, text: str, section: str) -> None:
    (tmp_path / "run.py").write_text(text, encoding="utf-8")
    assert section not in migrate(tmp_path / "run.py").config


def test_what_an_option_cannot_be_is_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(ARGUMENTS, encoding="utf-8")
    left_out = migrate(tmp_path / "run.py").left_out
    assert "save_steps 0.2: train.save_steps takes no such value" in left_out
    assert "save_total_limit -1: train.keep_checkpoints takes no such value" in left_out


def test_a_command_that_names_a_file_of_settings_is_followed(tmp_path: Path) -> None:
    (tmp_path / "sft.yaml").write_text("finetuning_type: lora\nlearning_rate: 1e-4\nlora_rank: 4\n", encoding="utf-8")
    (tmp_path / "run.sh").write_text("llamafactory-cli train sft.yaml learning_rate=2e-5\n", encoding="utf-8")
    config = migrate(tmp_path / "run.sh").config
    assert config["train"]["learning_rate"] == 2e-5
    assert config["lora"]["rank"] == 4
    assert config["lora"]["alpha"] == 8


def test_a_script_of_an_older_chinese_system_is_read(tmp_path: Path) -> None:
    text = "# 半精度\nSYSTEM = '你是船长。'\nLoraConfig(r=4)\n" * 9
    (tmp_path / "run.py").write_bytes(text.encode("gb18030"))
    assert migrate(tmp_path / "run.py").config["persona"]["system"] == "你是船长。"


def test_hostile_programs_end_in_a_sentence(tmp_path: Path) -> None:
    from offbook.core.errors import UsageError

    for name, text in (
        ("deep.py", "x = " + "(" * 5000),
        ("sum.py", "x = " + " + ".join(["1"] * 20000) + "\nLoraConfig(r=x)"),
        ("open.sh", "swift sft --system 'never closed\n" * 3),
        ("itself.sh", "A='$A$A'\nswift sft $A $A --a"),
        ("long.sh", "swift sft " + '"' * 99_999),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        try:
            migrate(tmp_path / name)
        except UsageError as error:
            assert "\n" in str(error)
