"""How fast a training step is, beside the tutorial's script and beside other tools.

    python benchmarks/speed.py --rows huanhuan.json [--against tutorial|trl|llamafactory] [--pairs 8] [--json]

The other program is run twice, in float32 and in bfloat16, and the faster one is the baseline. All programs stay loaded
and do one optimizer step in turn, on the same rows: A B C A B C …; the ratio is taken round by round and its median is
reported, so a machine that is slow for a while is slow for all. Without --model the weights
are random, in the shape of ERNIE-4.5-0.3B, and the tokenizer is a byte-level BPE trained on the rows (ERNIE's own comes
with its weights). A peer runs in the virtual environment that `--python` names.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from datetime import date
from math import nan
from pathlib import Path
from statistics import median
from typing import Any

from program import Program, SharedProgram
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from offbook.core.environment import processor
from offbook.core.types import NO_LABEL, Conversation, Turn
from offbook.data import loading

STEPS = Path(__file__).parent / "steps"
PROGRAMS = {"tutorial": "tutorial.py", "trl": "trl_sft.py", "llamafactory": "llamafactory_sft.py"}
BATCH = 16
VOCABULARY = 8000
DTYPES = ("float32", "bfloat16")
"""Number formats of the other program."""

Row = tuple[list[int], list[int]]


def read_rows(options: argparse.Namespace) -> list[Row]:
    """The conversations as ids and labels, in an order that the seed fixes."""
    conversations = loading.load([options.rows]).conversations
    random.Random(0).shuffle(conversations)
    wanted = conversations[: BATCH * (options.pairs + 1)]
    return with_own_template(wanted, options) if options.model else in_ernie_shape(conversations, wanted, options)


def with_own_template(wanted: list[Conversation], options: argparse.Namespace) -> list[Row]:
    """Rendered by the model's own template."""
    from transformers import AutoTokenizer

    from offbook.tokenization.chat_template import ChatTemplate

    template = ChatTemplate(AutoTokenizer.from_pretrained(options.model, trust_remote_code=False))
    system = () if options.system is None else (Turn("system", options.system),)
    rows = []
    for conversation in wanted:
        spoken = Conversation(system + conversation.turns, conversation.origin)
        rows += [(example.ids, example.labels) for example in template.examples(spoken, 1024)]
    return rows


def in_ernie_shape(
    everything: list[Conversation], wanted: list[Conversation], options: argparse.Namespace
) -> list[Row]:
    """The tutorial's format; a system prompt longer than its text goes on with random tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<unk>", "<begin>", "<end>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((turn.text for row in everything for turn in row.turns), trainer)
    system = [1, *tokenizer.encode("现在你要扮演皇帝身边的女人--甄嬛\n").ids]
    rng = random.Random(0)
    system += [rng.randrange(3, VOCABULARY) for _ in range(options.system_tokens - len(system))]
    rows = []
    for conversation in wanted:
        question = tokenizer.encode(f"User: {conversation.prompt}\nAssistant: ").ids
        reply = [*tokenizer.encode(conversation.replies[-1]).ids, 2, 0]
        rows.append(([*system, *question, *reply], [NO_LABEL] * (len(system) + len(question)) + reply))
    return rows


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Run the programs in turn; the first round warms up and is not counted."""
    job = {
        "model": options.model and str(options.model),
        "rows": read_rows(options),
        "batch_size": BATCH,
        "threads": options.threads,
        "processes": options.processes,
        "max_tokens": options.max_tokens,
        "without": options.without,
        "compute": options.compute,
        "offbook_dtype": options.dtype,
        "device": options.device,
        "rows_at_once": options.rows_at_once,
    }
    with tempfile.TemporaryDirectory() as folder:

        def start(python: str, script: str, **changes: Any) -> Program:
            path = Path(folder) / f"{script}-{changes}.json"
            path.write_text(json.dumps({**job, **changes}), encoding="utf-8")
            return Program([python, str(STEPS / script), str(path)])

        count = options.processes
        shared = {**job, "micro_batches": options.micro_batches or count}
        ours: Program | SharedProgram
        if count > 1:
            ours = SharedProgram(shared, Path(folder), count, options.threads // count)
        else:
            ours = start(sys.executable, "offbook_steps.py" if options.device == "cpu" else "offbook_trainer.py")
        peers = {
            dtype: start(options.python, PROGRAMS[options.against], dtype=dtype) for dtype in options.baseline_dtypes
        }
        rounds = []
        for number in range(options.pairs + 1):
            steps = {dtype: peer.send("go") for dtype, peer in peers.items()} | {"offbook": ours.send("go")}
            print(number, {name: f"{step['seconds']:.2f} s" for name, step in steps.items()}, file=sys.stderr)
            rounds.append(steps)
        versions = {dtype: peer.send("end") for dtype, peer in peers.items()} | {"offbook": ours.send("end")}
        return summary(options, rounds[1:], versions)


def summary(options: argparse.Namespace, rounds: list[Any], last_words: dict[str, Any]) -> dict[str, Any]:
    """The numbers of the report; the other program's faster number format is the baseline."""

    def middle(values: list[float]) -> float:
        return round(median(values), 3)

    peer_seconds = {dtype: middle([steps[dtype]["seconds"] for steps in rounds]) for dtype in options.baseline_dtypes}
    baseline = min(peer_seconds, key=peer_seconds.__getitem__)
    pairs = [(steps[baseline], steps["offbook"]) for steps in rounds]
    theirs, ours = last_words[baseline], last_words["offbook"]
    peaks = {"offbook": pairs[-1][1]["peak_bytes"], options.against: pairs[-1][0]["peak_bytes"]}
    ratios = sorted(peer["seconds"] / offbook["seconds"] for peer, offbook in pairs)
    return {
        "against": options.against,
        "date": date.today().isoformat(),
        "pairs": len(pairs),
        "threads": options.threads,
        "processor": processor(),
        "gpu": gpu_name() if options.device == "cuda" else None,
        "compute": pairs[0][1]["compute"],
        "baseline_dtype": baseline,
        "ratio": middle(ratios),
        "ratio_range": [round(ratios[0], 3), round(ratios[-1], 3)],
        "cpu_ratio": middle([peer["cpu"] / offbook["cpu"] for peer, offbook in pairs]),
        "matrix_rate_share": middle([offbook.get("floor", nan) / offbook["seconds"] for _, offbook in pairs]),
        "peak_memory_ratio": round(peaks["offbook"] / peaks[options.against], 3),
        "peak_bytes": peaks,
        "seconds": {
            "offbook": middle([offbook["seconds"] for _, offbook in pairs]),
            **{f"{options.against} in {dtype}": seconds for dtype, seconds in peer_seconds.items()},
        },
        "tokens_per_second": middle([offbook["row_tokens"] / offbook["seconds"] for _, offbook in pairs]),
        "label_tokens_per_second": middle([offbook["label_tokens"] / offbook["seconds"] for _, offbook in pairs]),
        "computed_share": middle([offbook["tokens"] / offbook["row_tokens"] for _, offbook in pairs]),
        "notes": pairs[0][1].get("notes"),
        "versions": {"offbook": ours["versions"], options.against: theirs["versions"]},
    }


def gpu_name() -> str:
    import torch

    return torch.cuda.get_device_name()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True, help="a data file in any format that offbook reads")
    parser.add_argument("--against", choices=PROGRAMS, default="tutorial")
    parser.add_argument("--python", default=sys.executable, help="the peer's Python")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rows-at-once", type=int, default=4, help="the other program's rows of one forward pass")
    parser.add_argument("--processes", type=int, default=1, help="offbook's, which share the threads")
    parser.add_argument("--micro-batches", type=int, help="into how many they cut a step (default: one for each)")
    parser.add_argument("--system-tokens", type=int, default=0, help="length of the system prompt (ERNIE shape)")
    parser.add_argument("--model", type=Path, help="a model folder instead of the ERNIE shape")
    parser.add_argument("--system", help="the system prompt (with --model)")
    parser.add_argument("--max-tokens", type=int, default=4096, help="offbook's budget for one micro-batch")
    parser.add_argument(
        "--dtype", choices=["auto", *DTYPES], default="auto", help="model.dtype of offbook (auto: as it chooses here)"
    )
    parser.add_argument("--compute", choices=["auto", *DTYPES], default="auto", help="train.compute of offbook")
    parser.add_argument(
        "--baseline-dtypes", nargs="+", choices=DTYPES, default=DTYPES, help="number formats of the other program"
    )
    parser.add_argument("--without", nargs="*", default=[], choices=["packing", "prefix", "fused", "head", "graphs"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = compare(options)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
