"""Shapes of other tools' configs as their examples are in 2026, in words of our own: settings, and a line for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import offbook
from offbook.pipeline.migration.migrating import Migration, migrate
from tests.pipeline.test_migrating import leaf

FACTORY = """
### model
model_name_or_path: Qwen/Qwen3-0.6B
trust_remote_code: true
enable_thinking: false
### method
stage: sft
finetuning_type: lora
lora_rank: 16
lora_target: q_proj,v_proj,lm_head
### dataset
dataset: inn
template: qwen3_nothink
cutoff_len: 512
### output
output_dir: saves/inn/lora/roleplay
report_to: tensorboard, gossip
use_swanlab: true
swanlab_project: inn
ray_init_kwargs:
  runtime_env:
    env_vars:
      A: "b"
### train
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
warmup_steps: 0.1
num_train_epochs: 3.0
"""
SHELL = """
# 22GB
cards=2
NAME="runs/$(date +%F)"
NPROC_PER_NODE=$cards swift sft \\
    --model Qwen/Qwen2.5-1.5B \\
    --tuner_type lora \\
    --dataset ./inn.jsonl#500 \\
    --columns '{"asked": "query", "said": "response"}' \\
    --target_modules all-linear embed_tokens lm_head \\
    --per_device_train_batch_size $((4 / cards)) \\
    --gradient_accumulation_steps $(expr 16 / $cards) \\
    --add_non_thinking_prefix true \\
    --output_dir ${NAME}

# swift infer --adapters output/checkpoint-1 --temperature 0
"""
AXOLOTL = """
base_model: baidu/ERNIE-4.5-0.3B-PT
plugins:
  - axolotl.integrations.liger.LigerPlugin
liger_rms_norm: true
datasets:
  - path: ./inn.jsonl
    ds_type: json
    split: train
    type:
      field_instruction: asked
      field_output: said
      system_prompt: "You keep an inn."
sequence_len: 1024
micro_batch_size: 2
gradient_accumulation_steps: 4
wandb_project: inn
use_wandb: true
learning_rate: 2e-5
lr_scheduler: rex
"""
XTUNER = """
from peft import LoraConfig
from xtuner.dataset import process_hf_dataset
from xtuner.utils import PROMPT_TEMPLATE, SYSTEM_TEMPLATE

pretrained_model_name_or_path = 'internlm/internlm2_5-1_8b-chat'
data_files = ['inn.jsonl']
prompt_template = PROMPT_TEMPLATE.internlm2_chat
max_length = 2048
batch_size = 1
accumulative_counts = 16
max_epochs = 3
lr = 2e-4
evaluation_freq = 50
SYSTEM = 'You keep an inn.'
evaluation_inputs = ['Is there a room?', 'What is for supper?']
model = dict(llm=dict(pretrained_model_name_or_path=pretrained_model_name_or_path),
             lora=dict(type=LoraConfig, r=64, lora_alpha=16))
rows = dict(type=process_hf_dataset, dataset=dict(type=load_dataset, path='json', data_files=data_files))
default_hooks = dict(logger=dict(type=LoggerHook, log_metric_by_epoch=False, interval=10))
randomness = dict(seed=42, deterministic=False)
"""
UNSLOTH = [
    "%%capture\n!pip install unsloth",
    "from unsloth import FastModel\nmodel, tokenizer = FastModel.from_pretrained(\n"
    "    model_name = 'unsloth/gemma-3-270m-it-unsloth-bnb-4bit', max_seq_length = 2048,\n"
    "    load_in_8bit = False, full_finetuning = False)",
    "model = FastModel.get_peft_model(model, r = 128, target_modules = ['q_proj', 'k_proj'], lora_alpha = 128,\n"
    "    lora_dropout = 0, use_gradient_checkpointing = 'unsloth', random_state = 3407, loftq_config = None)",
    "tokenizer = get_chat_template(tokenizer, chat_template = 'gemma3')",
    "dataset = load_dataset('someone/inn', split = 'train[:100]')",
    "trainer = SFTTrainer(model = model, train_dataset = dataset, args = SFTConfig(per_device_train_batch_size = 8,\n"
    "    gradient_accumulation_steps = 2, warmup_steps = 5, max_steps = 100, learning_rate = 5e-5,\n"
    "    report_to = 'none', push_to_hub = True, surprise = 3))",
]
SHAPES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "LLaMA-Factory": (
        "roleplay.yaml",
        FACTORY,
        {
            "data.source": "data/inn.json",
            "data.columns": {"prompt": "asked", "reply": "said", "system": "who"},
            "lora.target_modules": ["q_proj", "v_proj"],
            "track.trackers": ["tensorboard", "swanlab"],
            "name": "roleplay",
        },
    ),
    "ms-swift": (
        "train.sh",
        SHELL,
        {
            "train.batch_size": 16,
            "lora.target_modules": ["all-linear"],
            "data.columns": {"prompt": "asked", "reply": "said"},
            "name": "runs",
        },
    ),
    "axolotl": (
        "sft.yaml",
        AXOLOTL,
        {
            "data.columns": {"prompt": "asked", "reply": "said"},
            "persona.system": "You keep an inn.",
            "track.trackers": ["wandb"],
            "train.schedule": "linear",
        },
    ),
    "xtuner": (
        "inn.py",
        XTUNER,
        {
            "persona.sample_prompts": ["Is there a room?", "What is for supper?"],
            "train.heldout_steps": 50,
            "train.log_steps": 10,
            "train.seed": 42,
            "data.source": "inn.jsonl",
        },
    ),
    "unsloth": (
        "inn.ipynb",
        json.dumps({"cells": [{"cell_type": "code", "source": source} for source in UNSLOTH]}),
        {"model.source": "hf:unsloth/gemma-3-270m-it", "train.batch_size": 16, "lora.rank": 128, "track.trackers": []},
    ),
}
LINES = {
    "LLaMA-Factory": ("enable_thinking", "ray_init_kwargs", "warmup_steps", "use_swanlab", "gossip", "lm_head"),
    "ms-swift": ("add_non_thinking_prefix", "embed_tokens", "asked"),
    "axolotl": ("adapter", "liger_rms_norm", "datasets.split", "datasets.ds_type", "field_output said", "rex"),
    "xtuner": ("evaluation_freq", "evaluation_inputs", "seed"),
    "unsloth": ("full_finetuning", "chat_template", "push_to_hub", "surprise"),
}
"""What the lines have to name."""


def migrated(folder: Path, tool: str) -> Migration:
    name, text, _ = SHAPES[tool]
    (folder / name).write_text(text, encoding="utf-8")
    (folder / "data").mkdir()
    entry = {"file_name": "inn.json", "columns": {"prompt": "asked", "response": "said", "system": "who"}}
    (folder / "data" / "dataset_info.json").write_text(json.dumps({"inn": entry}), encoding="utf-8")
    return migrate(folder / name)


@pytest.mark.parametrize("tool", SHAPES)
def test_a_config_means_the_same(tmp_path: Path, tool: str) -> None:
    config, expected = yaml.safe_load(migrated(tmp_path, tool).text), SHAPES[tool][2]
    assert {option: leaf(config, option) for option in expected} == expected


@pytest.mark.parametrize("tool", SHAPES)
def test_each_setting_has_its_line(tmp_path: Path, tool: str) -> None:
    migration = migrated(tmp_path, tool)
    lines = "\n".join([*migration.taken, *migration.changed, *migration.left_out])
    assert [name for name in LINES[tool] if name not in lines] == []


@pytest.mark.parametrize("tool", SHAPES)
def test_check_takes_what_was_written(tmp_path: Path, tool: str, tiny: Path, rows: Path) -> None:
    """With a tiny model and rows in place of theirs, which are on hubs."""
    config = yaml.safe_load(migrated(tmp_path, tool).text)
    config["data"].pop("columns", None)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    here: dict[str, Any] = {"model.source": str(tiny), "model.revision": "master", "data.source": str(rows)}
    config = offbook.load_config(tmp_path / "run.yaml", {**here, "data.heldout": 0.1})
    assert offbook.check(config)["steps"] > 0


def test_columns_that_several_data_sets_do_not_share_are_left_to_the_user(tmp_path: Path) -> None:
    both = FACTORY.replace("dataset: inn", "dataset: inn,other.jsonl")
    (tmp_path / "data").mkdir()
    entry = {"file_name": "inn.json", "columns": {"prompt": "asked", "response": "said"}}
    (tmp_path / "data" / "dataset_info.json").write_text(json.dumps({"inn": entry}), encoding="utf-8")
    (tmp_path / "two.yaml").write_text(both, encoding="utf-8")
    assert "columns" not in yaml.safe_load(migrate(tmp_path / "two.yaml").text)["data"]


def test_a_second_setting_for_one_thing_a_sample_of_rows_and_nested_settings_have_their_lines(tmp_path: Path) -> None:
    script = tmp_path / "swift.sh"
    script.write_text("swift sft --model Qwen/Qwen3-0.6B --model_name pig --dataset './inn.jsonl#500' --lora_rank 8\n")
    migration = migrate(script)
    assert "model_name pig: model is taken" in migration.left_out
    assert any("inn.jsonl#500" in line and "all of them" in line for line in migration.changed)
    config = tmp_path / "axolotl.yml"
    config.write_text(
        "base_model: a/b\nadapter: lora\nmicro_batch_size: 1\ndatasets:\n  - path: ./inn.jsonl\n"
        "    type: chat_template\n"
        "    message_property_mappings: {role: from, content: value}\n"
    )
    assert any("datasets.message_property_mappings" in line for line in migrate(config).left_out)
