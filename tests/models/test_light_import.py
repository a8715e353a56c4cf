"""Importing transformers for a model that only speaks: what is left out, and that nothing is missing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SPEAK = """
import sys
from pathlib import Path

import pytest
from offbook.models.light_import import light_import
with light_import():
    from offbook.models.load import load_model
    import torch
    model = load_model(Path(sys.argv[1]))
    with torch.inference_mode():
        logits = model(torch.arange(9)[None]).logits
unused = ("accelerate", "peft", "scipy.optimize", "sympy", "torch._dynamo", "torch.distributed.tensor")
print(*(name for name in unused if name in sys.modules))
assert torch.distributed.tensor.DTensor.__module__ == "torch.distributed.tensor"
import accelerate, peft, torch._dynamo, torch.distributed.tensor
assert accelerate.__version__ and torch._dynamo.disable(len)("abc") == 3
assert isinstance(torch.distributed.tensor.Shard(0), torch.distributed.tensor.Shard)
again = peft.get_peft_model(load_model(Path(sys.argv[1])), peft.LoraConfig(target_modules=["q_proj"]))
with torch.inference_mode():
    assert torch.equal(again(torch.arange(9)[None]).logits, logits)
"""


def test_a_model_speaks_without_the_compiler_and_what_is_asked_for_later_is_there(tiny: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SPEAK, str(tiny)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("option", ["--message", None])
def test_an_adapter_that_peft_refuses_is_refused_in_a_sentence(
    trained: Path, tmp_path: Path, option: str | None
) -> None:
    """An adapter that is merged through peft, in a process that has put off half of what peft imports."""
    run = shutil.copytree(trained, tmp_path / "run")
    config = run / "adapter" / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "target_modules": ["q_proj"]}))
    words = [option, "Who are you?"] if option else []
    done = subprocess.run(
        [sys.executable, "-m", "offbook", "chat", str(run), *words],
        input="Who are you?\n",
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 2
    assert "leaves out" in done.stderr
    assert "Traceback" not in done.stderr
