"""A model that is made on this computer in seconds, of random weights: for a first try without a download.

It knows no language. An adapter can teach it a few dozen short lines by heart, and nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from offbook.core.atomic import atomic_dir
from offbook.core.errors import UsageError
from offbook.core.progress import Reporter
from offbook.hub import cache
from offbook.hub.cache import Record
from offbook.hub.weights import weight_files
from offbook.recipes import demo_texts

NAME, VERSION = "tiny", "1"
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
VOCABULARY, WIDTH, LAYERS, CONTEXT = 1024, 128, 4, 512
SPREAD = 0.08
"""Standard deviation of the weights: enough for one token to make a difference to the next."""


def builtin_model(name: str, reporter: Reporter) -> Path:
    """The folder of the built-in model, made once.

    Raises:
        UsageError: there is none of that name.
    """
    check_name(name)
    repo_dir = cache.home() / "models" / "builtin" / NAME
    target = repo_dir / VERSION
    if not cache.find(repo_dir, VERSION):
        with cache.writing(target, reporter):
            if not cache.find(repo_dir, VERSION):
                reporter.stage("Making a tiny model (once) …")
                _write(target)
    return target


def check_name(name: str) -> None:
    """See that a built-in model has that name.

    Raises:
        UsageError: there is none.
    """
    if name != NAME:
        raise UsageError("no built-in model '{name}'", "There is builtin:tiny.", name=name)


def _write(target: Path) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer()
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=3 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=False,
        bos_token_id=ids["<|im_start|>"],
        eos_token_id=ids["<|im_end|>"],
        pad_token_id=ids["<|endoftext|>"],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
        with torch.no_grad():
            for weight in model.parameters():
                if weight.dim() > 1:
                    weight.normal_(0, SPREAD)
    with atomic_dir(target) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        names = [*weight_files(folder), "config.json", "tokenizer.json"]
        Record(VERSION, cache.fingerprint_files(folder, names)).save(folder)


def _tokenizer() -> Any:
    """Byte-level BPE, learned from the texts of the demo; any other text it spells out byte by byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(demo_texts().values(), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=SPECIAL[1],
        eos_token=SPECIAL[2],
        pad_token=SPECIAL[0],
        unk_token=SPECIAL[0],
    )
    fast.chat_template = TEMPLATE
    return fast
