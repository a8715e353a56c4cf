"""Further shapes of other tools' configs, as their pages and examples write them; `check` takes all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import offbook
from offbook.pipeline.migration.migrating import migrate
from tests.pipeline.test_migrating import CASES as FIRST
from tests.pipeline.test_migrating import leaf
from tests.pipeline.test_migrating_programs import CASES as PROGRAMS

BOARD = """
bf16: true
cutoff_len: 2048
dataset: tavern_talk
dataset_dir: data
do_train: true
finetuning_type: lora
flash_attn: auto
gradient_accumulation_steps: 8
include_num_input_tokens_seen: true
learning_rate: 5.0e-05
logging_steps: 5
lora_alpha: 16
lora_dropout: 0
lora_rank: 8
lora_target: all
lr_scheduler_type: cosine
max_grad_norm: 1.0
model_name_or_path: Qwen/Qwen3-1.7B
num_train_epochs: 3.0
optim: adamw_torch
output_dir: saves/Qwen3-1.7B/lora/train_tavern
packing: false
per_device_train_batch_size: 2
plot_loss: true
preprocessing_num_workers: 16
quantization_bit: 4
report_to: none
save_steps: 100
stage: sft
template: qwen3
trust_remote_code: true
warmup_steps: 0
"""
QLORA = """
base_model: unsloth/Llama-3.2-1B-Instruct
load_in_8bit: false
load_in_4bit: true
chat_template: llama3
datasets:
  - path: someone/tavern
    type: chat_template
    field_messages: messages
dataset_prepared_path: last_run_prepared
val_set_size: 0.0
output_dir: ./outputs/tavern-qlora
adapter: qlora
sequence_len: 4096
sample_packing: true
lora_r: 8
lora_alpha: 32
lora_dropout: 0.1
lora_target_modules:
  - q_proj
  - k_proj
  - v_proj
  - o_proj
gradient_accumulation_steps: 4
micro_batch_size: 4
num_epochs: 3
optimizer: paged_adamw_32bit
lr_scheduler: cosine
learning_rate: 0.0001
bf16: auto
gradient_checkpointing: true
warmup_steps: 20
weight_decay: 0.01
"""
SWIFT_YAML = """
model: Qwen/Qwen2.5-1.5B-Instruct
tuner_type: lora
dataset:
  - someone/tavern
torch_dtype: bfloat16
num_train_epochs: 1
per_device_train_batch_size: 1
learning_rate: 1e-4
lora_rank: 8
lora_alpha: 32
target_modules: all-linear
gradient_accumulation_steps: 16
eval_steps: 50
save_steps: 50
save_total_limit: 2
logging_steps: 5
max_length: 2048
output_dir: output
system: You keep a tavern.
warmup_ratio: 0.05
"""
TRL = """
from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

dataset = load_dataset("someone/tavern", split="train")
peft_config = LoraConfig(r=32, lora_alpha=16, lora_dropout=0.05, target_modules=["q_proj", "v_proj"], bias="none",
                         task_type="CAUSAL_LM")
training_args = SFTConfig(
    output_dir="SmolLM2-tavern",
    max_length=1024,
    packing=True,
    per_device_train_batch_size=2,
    gradient_accumulation_steps=2,
    gradient_checkpointing=True,
    learning_rate=2e-4,
    lr_scheduler_type="constant",
    num_train_epochs=2,
    logging_steps=10,
    seed=7,
)
trainer = SFTTrainer(model="HuggingFaceTB/SmolLM2-135M-Instruct", args=training_args, train_dataset=dataset,
                     peft_config=peft_config)
trainer.train()
open("executed", "w").close()
"""
FIREFLY = """{
    "output_dir": "output/tavern", "model_name_or_path": "someone/base", "train_file": "./data/tavern.jsonl",
    "template_name": "qwen", "train_mode": "lora", "per_device_train_batch_size": 1, "gradient_accumulation_steps": 8,
    "max_seq_length": 512, "lr_scheduler_type": "constant_with_warmup", "warmup_steps": 10, "lora_rank": 32,
    "report_to": "tensorboard", "dataloader_num_workers": 0, "weight_decay": 0, "max_grad_norm": 0.3
}"""
WECLONE_WHOLE = """{
    "version": "0.3.01",
    "common_args": {"model_name_or_path": "./base", "default_system": "请扮演我。"}, // 底座
    "train_pt_args": {"stage": "pt", "lora_rank": 2, "num_train_epochs": 30, "dataset": "pt"},
    "make_dataset_args": {"blocked_words": ["//....."], "llm_api_key": "secret", "clean": {"a": 1}},
    "train_sft_args": {
        //微调配置
        "dataset": "chat-sft", "dataset_dir": "./dataset/sft", "lora_rank": 4, "cutoff_len": 256, //后续自动计算
        "num_train_epochs": 2, "per_device_train_batch_size": 4,
        // "deepspeed": "ds_config.json" //多卡训练
    },
    "infer_args": {"temperature": 0.5, "max_length": 50}
}"""
BOARD_FILE = """
top.finetuning_type: lora
top.model_name: Base-1B
train.batch_size: 2
train.dataset:
- tavern
train.gradient_accumulation_steps: 4
train.learning_rate: 5e-5
train.lora_target: ''
train.max_grad_norm: '1.0'
train.val_size: 0
"""
SWIFT_ARGUMENTS = """{"model": "someone/base", "train_type": "lora", "dataset": ["tavern.jsonl#500"], "val_dataset": [],
 "split_dataset_ratio": 0.01, "system": null, "max_length": null, "target_modules": ["all-linear"], "max_steps": -1,
 "output_dir": "/out/v0-2026", "per_device_train_batch_size": 1, "gradient_accumulation_steps": 16,
 "save_steps": 50.0, "eval_steps": 50.0, "temperature": 0.0, "hub_token": "secret", "use_hf": false}"""
AXOLOTL_FILES = """
base_model: someone/base
datasets:
  - path: data/tavern.jsonl
    ds_type: json
    type: chat_template
    message_property_mappings: {role: from, content: value}
  - path: json
    data_files: [more.jsonl]
    type: alpaca
test_datasets:
  - {path: data/last.jsonl, split: train, type: chat_template}
adapter: qlora
lora_r: 16
lora_alpha: 32
lora_target_modules: '.*(q_proj|v_proj)'
micro_batch_size: 1
gradient_accumulation_steps: 1
early_stopping_patience: 3
learning_rate: 2e-4
"""
SHAPES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "LLaMA-Factory, as its board saves it": (
        "training_args.yaml",
        BOARD,
        {
            "model.source": "hf:Qwen/Qwen3-1.7B",
            "lora.rank": 8,
            "lora.alpha": 16,
            "train.batch_size": 16,
            "train.learning_rate": 5e-5,
            "data.max_length": 2048,
            "train.save_steps": 100,
        },
    ),
    "axolotl, QLoRA": (
        "qlora.yml",
        QLORA,
        {
            "model.source": "hf:unsloth/Llama-3.2-1B-Instruct",
            "data.source": "hf:someone/tavern",
            "lora.target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"],
            "train.batch_size": 16,
            "train.warmup_steps": 20,
            "train.weight_decay": 0.01,
        },
    ),
    "ms-swift, as a file": (
        "sft.yaml",
        SWIFT_YAML,
        {
            "data.source": "ms:someone/tavern",
            "persona.system": "You keep a tavern.",
            "train.batch_size": 16,
            "train.keep_checkpoints": 2,
            "train.learning_rate": 1e-4,
        },
    ),
    "Firefly": (
        "sft.json",
        FIREFLY,
        {
            "model.source": "hf:someone/base",
            "data.source": "./data/tavern.jsonl",
            "data.max_length": 512,
            "lora.rank": 32,
            "lora.target_modules": ["all-linear"],
            "train.batch_size": 8,
            "train.schedule": "constant",
            "train.warmup_steps": 10,
            "track.trackers": ["tensorboard"],
        },
    ),
    "WeClone, with all its sections": (
        "settings.json",
        WECLONE_WHOLE,
        {
            "model.source": "./base",
            "data.source": "dataset/sft/sft-my.json",
            "persona.system": "请扮演我。",
            "data.max_length": 256,
            "lora.rank": 4,
            "lora.alpha": 8,
            "train.epochs": 2,
            "generation.max_new_tokens": 50,
        },
    ),
    "LLaMA-Factory, its board's own file": (
        "board.yaml",
        BOARD_FILE,
        {
            "data.source": "tavern.json",
            "train.batch_size": 8,
            "lora.target_modules": ["all-linear"],
            "train.learning_rate": 5e-5,
            "train.max_grad_norm": 1,
        },
    ),
    "ms-swift, the arguments that it wrote": (
        "args.json",
        SWIFT_ARGUMENTS,
        {
            "model.source": "ms:someone/base",
            "data.source": "tavern.jsonl",
            "data.heldout": 0.01,
            "train.save_steps": 50,
            "generation.temperature": 0,
        },
    ),
    "axolotl, rows in several places": (
        "chat.yaml",
        AXOLOTL_FILES,
        {
            "data.source": ["data/tavern.jsonl", "more.jsonl"],
            "data.heldout_source": "data/last.jsonl",
            "lora.target_modules": [".*(q_proj|v_proj)"],
            "train.patience": 3,
            "train.batch_size": 1,
        },
    ),
    "TRL script": (
        "sft.py",
        TRL,
        {
            "model.source": "hf:HuggingFaceTB/SmolLM2-135M-Instruct",
            "data.source": "hf:someone/tavern",
            "lora.rank": 32,
            "train.batch_size": 4,
            "train.seed": 7,
            "train.gradient_checkpointing": True,
            "data.max_length": 1024,
        },
    ),
}
ALL = {**FIRST, **PROGRAMS, **SHAPES}


@pytest.mark.parametrize("case", SHAPES)
def test_a_config_means_the_same(tmp_path: Path, case: str) -> None:
    name, text, expected = SHAPES[case]
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "dataset" / "sft").mkdir(parents=True)
    entries = {"chat-sft": {"file_name": "./sft-my.json"}}
    (tmp_path / "dataset" / "sft" / "dataset_info.json").write_text(json.dumps(entries), encoding="utf-8")
    config = yaml.safe_load(migrate(tmp_path / name).text)
    assert {option: leaf(config, option) for option in expected} == expected
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("case", ["WeClone, with all its sections", "ms-swift, the arguments that it wrote"])
def test_a_key_is_shown_to_nobody(tmp_path: Path, case: str) -> None:
    name, text, _ = SHAPES[case]
    (tmp_path / name).write_text(text, encoding="utf-8")
    migration = migrate(tmp_path / name)
    assert "secret" not in " ".join([migration.text, *migration.taken, *migration.changed, *migration.left_out])


@pytest.mark.parametrize("case", ALL)
def test_check_takes_what_was_written(tmp_path: Path, case: str, tiny: Path, rows: Path) -> None:
    """With a tiny model and rows in place of theirs, which are on hubs."""
    name, text, _ = ALL[case]
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "run.yaml").write_text(migrate(tmp_path / name).text, encoding="utf-8")
    here: dict[str, Any] = {"model.source": str(tiny), "model.revision": "master", "data.source": str(rows)}
    here |= {"data.heldout": 0.1, "data.heldout_source": None}
    report = offbook.check(offbook.load_config(tmp_path / "run.yaml", here))
    assert report["rows"] == len(json.loads(rows.read_text(encoding="utf-8")))
    assert report["steps"] > 0
    assert report["trainable_parameters"] > 0
