"""The tutorial's last script, with nothing but its two paths changed, on an adapter of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
from transformers import AutoModelForCausalLM, AutoTokenizer
import torch
from peft import PeftModel

tokenizer = AutoTokenizer.from_pretrained(mode_path, trust_remote_code=True)
model = AutoModelForCausalLM.from_pretrained(
    mode_path, device_map="auto", torch_dtype=torch.bfloat16, trust_remote_code=True
)
model = PeftModel.from_pretrained(model, model_id=lora_path)
messages = [
    {"role": "system", "content": "假设你是皇帝身边的女人--甄嬛。"},
    {"role": "user", "content": "你是谁？"},
]
text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
model_inputs = tokenizer([text], add_special_tokens=False, return_tensors="pt").to(model.device)
generated_ids = model.generate(model_inputs.input_ids, max_new_tokens=8)
output_ids = generated_ids[0][len(model_inputs.input_ids[0]) :].tolist()
generate_text = tokenizer.decode(output_ids, skip_special_tokens=True)
"""


@pytest.mark.filterwarnings("ignore")
def test_the_tutorials_script_speaks_with_our_adapter(trained: Path, tiny: Path) -> None:
    names: dict[str, Any] = {"mode_path": str(tiny), "lora_path": str(trained / "adapter")}
    exec(compile(SCRIPT, "the tutorial", "exec"), names)
    model = names["model"]
    assert type(model).__name__ == "PeftModelForCausalLM"
    trained_weights = [value for name, value in model.named_parameters() if "lora_B" in name]
    assert trained_weights
    assert any(value.abs().max() > 0 for value in trained_weights), "the adapter's weights were read"
    assert 0 < len(names["output_ids"]) <= 8
