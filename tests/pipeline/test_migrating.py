"""Other tools' configs become run.yaml files that mean the same; every setting is accounted for, and nothing is run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from offbook.cli.main import main
from offbook.core.config.loading import load
from offbook.core.errors import UsageError
from offbook.pipeline.migration.migrating import migrate
from offbook.recipes import recipes
from tests.paths import SHARED

LLAMAFACTORY = """
model_name_or_path: Qwen/Qwen3-0.6B
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 16
lora_target: q_proj,v_proj
dataset: pirate_lines
template: qwen3
cutoff_len: 512
output_dir: saves/pirate/lora
logging_steps: 5
save_steps: 50
per_device_train_batch_size: 2
gradient_accumulation_steps: 8
learning_rate: 1.0e-4
num_train_epochs: 2.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
bf16: true
val_size: 0.1
report_to: swanlab
"""
AXOLOTL = """
base_model: HuggingFaceTB/SmolLM2-360M-Instruct
load_in_4bit: true
adapter: lora
datasets:
  - path: pirate.jsonl
    type: chat_template
val_set_size: 0.05
output_dir: ./outputs/pirate
sequence_len: 1024
sample_packing: true
lora_r: 32
lora_alpha: 16
lora_dropout: 0.05
lora_target_linear: true
micro_batch_size: 2
gradient_accumulation_steps: 4
num_epochs: 1
optimizer: adamw_8bit
lr_scheduler: cosine
learning_rate: 0.0002
warmup_steps: 10
gradient_checkpointing: true
weight_decay: 0.0
wandb_project: pirates
"""
SWIFT = """
CUDA_VISIBLE_DEVICES=0 \\
swift sft \\
    --model Qwen/Qwen2.5-0.5B-Instruct \\
    --train_type lora \\
    --dataset 'someone/pirates#500' \\
    --torch_dtype bfloat16 \\
    --num_train_epochs 1 \\
    --per_device_train_batch_size 1 \\
    --learning_rate 1e-4 \\
    --lora_rank 8 \\
    --lora_alpha 32 \\
    --target_modules all-linear \\
    --gradient_accumulation_steps 16 \\
    --save_total_limit 2 \\
    --max_length 2048 \\
    --system 'You are a pirate.' \\
    --split_dataset_ratio 0.02
"""
XTUNER = """
from peft import LoraConfig
from xtuner.utils import PROMPT_TEMPLATE
pretrained_model_name_or_path = 'internlm/internlm2-chat-1_8b'
data_path = './pirate.json'
prompt_template = PROMPT_TEMPLATE.internlm2_chat
max_length = 2048
batch_size = 1
accumulative_counts = 16
max_epochs = 3
lr = 2e-4
weight_decay = 0
max_norm = 1
save_steps = 500
save_total_limit = 2
SYSTEM = 'You are a pirate.'
model = dict(lora=dict(type=LoraConfig, r=64, lora_alpha=16, lora_dropout=0.1, bias='none', task_type='CAUSAL_LM'))
"""
WECLONE = """{
  // a chat partner
  "common_args": {"model_name_or_path": "./Qwen2.5-7B-Instruct", "template": "qwen", "default_system": "请扮演我。"},
  "train_sft_args": {
    "stage": "sft", "dataset": "chat-sft", "lora_rank": 4, "lora_dropout": 0.3, "learning_rate": 1e-4,
    "per_device_train_batch_size": 8, "gradient_accumulation_steps": 4, "num_train_epochs": 2, "fp16": true,
  },
}"""
UNSLOTH = """
from unsloth import FastLanguageModel
max_seq_length = 2048
model, tokenizer = FastLanguageModel.from_pretrained(
    model_name = "unsloth/Qwen3-0.6B", max_seq_length = max_seq_length, load_in_4bit = True)
model = FastLanguageModel.get_peft_model(model, r = 16, target_modules = ["q_proj", "v_proj"],
    lora_alpha = 16, lora_dropout = 0, use_gradient_checkpointing = "unsloth", random_state = 3407)
from datasets import load_dataset
dataset = load_dataset("someone/pirates", split = "train")
from trl import SFTTrainer, SFTConfig
trainer = SFTTrainer(model = model, args = SFTConfig(per_device_train_batch_size = 2, gradient_accumulation_steps = 4,
    warmup_steps = 5, num_train_epochs = 1, learning_rate = 2e-4, optim = "adamw_8bit", seed = 3407,
    lr_scheduler_type = "linear", report_to = "none", output_dir = "outputs"))
"""
TUTORIAL_KIND = r"""
import os
os.system("touch executed")
from modelscope import snapshot_download
model_dir = snapshot_download('Qwen/Qwen3-0.6B', cache_dir='/data', revision='master')
df = pd.read_json('./pirate.json')
def process_func(example):
    MAX_LENGTH = 384
    instruction = tokenizer(
        f"<|im_start|>system\nYou are a pirate.<|im_end|>\n<|im_start|>user\n{example['instruction']}<|im_end|>\n",
        add_special_tokens=False)
model = AutoModelForCausalLM.from_pretrained(
    '/data/Qwen/Qwen3-0.6B', torch_dtype=torch.bfloat16, trust_remote_code=True)
config = LoraConfig(task_type=TaskType.CAUSAL_LM, target_modules=["q_proj", "k_proj"], r=8,
                    lora_alpha=32, lora_dropout=0.1)
args = TrainingArguments(output_dir="./output/pirate", per_device_train_batch_size=4, gradient_accumulation_steps=4,
                         logging_steps=10, num_train_epochs=3, save_steps=100, learning_rate=1e-4)
swanlab_callback = SwanLabCallback(project="pirates", experiment_name="Qwen3-pirate")
"""


def notebook(*sources: str) -> str:
    cells = [{"cell_type": "markdown", "source": ["# A title"]}]
    cells += [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "LLaMA-Factory": (
        "a.yaml",
        LLAMAFACTORY,
        {
            "model.source": "hf:Qwen/Qwen3-0.6B", "data.source": "pirate_lines.json", "data.max_length": 512,
            "data.heldout": 0.1, "lora.rank": 16, "lora.target_modules": ["q_proj", "v_proj"], "train.batch_size": 16,
            "train.schedule": "cosine", "train.epochs": 2, "track.trackers": ["swanlab"], "name": "lora",
            "lora.dropout": 0,
        },
    ),
    "axolotl": (
        "a.yml",
        AXOLOTL,
        {
            "model.source": "hf:HuggingFaceTB/SmolLM2-360M-Instruct", "data.source": "pirate.jsonl", "lora.rank": 32,
            "lora.alpha": 16, "lora.dropout": 0.05, "train.batch_size": 8, "train.learning_rate": 2e-4,
            "train.warmup_steps": 10, "train.gradient_checkpointing": True, "track.project": "pirates",
        },
    ),
    "ms-swift": (
        "a.sh",
        SWIFT,
        {
            "model.source": "ms:Qwen/Qwen2.5-0.5B-Instruct", "data.source": "ms:someone/pirates",
            "train.batch_size": 16, "lora.dropout": 0.05,
            "persona.system": "You are a pirate.", "data.heldout": 0.02, "train.keep_checkpoints": 2,
            "train.learning_rate": 1e-4,
        },
    ),
    "xtuner": (
        "a.py",
        XTUNER,
        {
            "model.source": "hf:internlm/internlm2-chat-1_8b", "data.source": "./pirate.json", "train.batch_size": 16,
            "lora.rank": 64, "lora.alpha": 16, "train.learning_rate": 2e-4, "persona.system": "You are a pirate.",
        },
    ),
    "WeClone": (
        "settings.jsonc",
        WECLONE,
        {
            "model.source": "./Qwen2.5-7B-Instruct", "persona.system": "请扮演我。", "lora.rank": 4,
            "lora.dropout": 0.3,
            "train.batch_size": 32, "train.epochs": 2, "data.source": "chat-sft.json",
        },
    ),
    "unsloth notebook": (
        "a.ipynb",
        notebook("!pip install unsloth\n%%capture", UNSLOTH),
        {
            "model.source": "hf:unsloth/Qwen3-0.6B", "data.source": "hf:someone/pirates", "data.max_length": 2048,
            "lora.rank": 16, "lora.alpha": 16, "lora.dropout": 0, "train.batch_size": 8, "train.seed": 3407,
            "track.trackers": [],
        },
    ),
    "script": (
        "train.py",
        TUTORIAL_KIND,
        {
            "model.source": "ms:Qwen/Qwen3-0.6B", "model.revision": "master", "data.source": "./pirate.json",
            "data.max_length": 384, "persona.system": "You are a pirate.", "lora.rank": 8, "lora.alpha": 32,
            "lora.dropout": 0.1, "train.batch_size": 16, "train.save_steps": 100, "track.project": "pirates",
            "name": "Qwen3-pirate",
        },
    ),
}  # fmt: skip


def leaf(config: dict[str, Any], dotted: str) -> Any:
    value: Any = config
    for part in dotted.split("."):
        value = value[part]
    return value


@pytest.mark.parametrize("case", CASES)
def test_a_config_means_the_same_and_is_accepted(tmp_path: Path, case: str) -> None:
    name, text, expected = CASES[case]
    (tmp_path / name).write_text(text, encoding="utf-8")
    migration = migrate(tmp_path / name)
    config = yaml.safe_load(migration.text)
    assert {option: leaf(config, option) for option in expected} == expected
    (tmp_path / "run.yaml").write_text(migration.text, encoding="utf-8")
    load(tmp_path / "run.yaml")
    assert not (tmp_path / "executed").exists()


def test_every_setting_is_accounted_for(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(LLAMAFACTORY, encoding="utf-8")
    migration = migrate(tmp_path / "a.yaml")
    notes = " ".join([*migration.taken, *migration.changed, *migration.left_out])
    assert [key for key in yaml.safe_load(LLAMAFACTORY) if key not in notes] == []
    assert any(note.startswith("warmup_ratio 0.1: a share of steps") for note in migration.left_out)
    assert any("lora_dropout 0.0 (LLaMA-Factory's default)" in note for note in migration.taken)


def test_rows_are_looked_up_in_dataset_info(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    listing = {"pirate_lines": {"file_name": "pirates.json"}, "far": {"hf_hub_url": "someone/far"}}
    (tmp_path / "data" / "dataset_info.json").write_text(json.dumps(listing), encoding="utf-8")
    (tmp_path / "a.yaml").write_text(LLAMAFACTORY.replace("pirate_lines", "pirate_lines,far"), encoding="utf-8")
    assert migrate(tmp_path / "a.yaml").config["data"]["source"] == ["data/pirates.json", "hf:someone/far"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "colour: red\n", "no config that offbook knows"),
        ("a.yaml", "- 1\n", "holds no settings"),
        ("a.py", "def f(:\n", "cannot be read as .py"),
        ("a.json", "{", "cannot be read as .json"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=re.escape(message)):
        migrate(tmp_path / name)


def test_the_command_prints_yaml_alone_on_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.sh").write_text(SWIFT, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["migrate", str(tmp_path / "a.sh")])
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert yaml.safe_load(out)["lora"]["rank"] == 8
    assert "Taken:" in err
    assert "Changed:" in err


@pytest.mark.skipif(not (SHARED / "tutorial.md").exists(), reason="the tutorial is not here")
def test_the_tutorials_script_gives_the_recipes_settings(tmp_path: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", (SHARED / "tutorial.md").read_text(encoding="utf-8"), re.DOTALL)
    script = "\n".join(block for block in code if "print(text)" not in block and "print(model)" not in block)
    (tmp_path / "train.py").write_text(script, encoding="utf-8")
    config = yaml.safe_load(migrate(tmp_path / "train.py").text)
    recipe = yaml.safe_load(recipes()["zhenhuan"])
    assert config["model"] == recipe["model"]
    assert config["persona"]["system"] == recipe["persona"]["system"]
    assert config["lora"] == recipe["lora"]
    assert config["train"] == recipe["train"]
    assert config["data"]["max_length"] == recipe["data"]["max_length"]
    assert config["track"]["trackers"] == recipe["track"]["trackers"]
