"""Tokenizers of every kind in llama.cpp: the same ids for the same text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from offbook import export
from offbook.core.errors import UsageError
from offbook.exporters.gguf_vocab import PHI_3, PRE_TOKENIZERS, model_name
from tests.exporters.conftest import save_adapter, save_base
from tests.tiny import CHATML, CORPUS, chatml_tokenizer

SPECIAL = ["<unk>", "<|im_start|>", "<|im_end|>"]
BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)

CUTS = {
    **{
        name: pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), BYTES])
        for pattern, name in PRE_TOKENIZERS.items()
    },
    "smollm": pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    ),
    "gpt-2": pre_tokenizers.ByteLevel(add_prefix_space=False),
}


def byte_level(settings: Any) -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = settings
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    corpus = [*CORPUS, "1234567 12345 123 99 1984", "it's they're we'll  \n\n  and\n so\r\n on!!! ..."] * 3
    tokenizer.train_from_iterator(
        corpus, trainers.BpeTrainer(vocab_size=512, special_tokens=SPECIAL, initial_alphabet=alphabet)
    )
    return fast(tokenizer)


def fast(tokenizer: Any) -> Any:
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<|im_start|>", eos_token="<|im_end|>"
    )
    wrapped.chat_template = CHATML
    return wrapped


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.torture] * (name not in ("gpt-2", "llama-bpe"))) for name in CUTS]
)
def test_byte_level_tokenizers(tmp_path: Path, name: str) -> None:
    base = save_base(tmp_path / "base", tokenizer=byte_level(CUTS[name]))
    done = export(
        save_adapter(tmp_path / "hamlet", base, system="It's 1234567,\n\n  isn't it?  99!!!"), "gguf", quant="f16"
    )
    assert done.parity.same_prompts


def test_tokens_beyond_the_embeddings_are_left_out(tmp_path: Path) -> None:
    tokenizer = byte_level(CUTS["gpt-2"])
    tokenizer.add_tokens([f"<extra_{number}>" for number in range(600 - len(tokenizer))], special_tokens=True)
    base = save_base(tmp_path / "base", tokenizer=tokenizer)
    assert export(save_adapter(tmp_path / "hamlet", base), "gguf", quant="f16").parity.passed


def test_a_sentencepiece_model_alone(tmp_path: Path) -> None:
    """As ERNIE-4.5 comes: tokenizer.model, and nothing that the tokenizers library could read."""
    base = tmp_path / "base"
    save_base(base, tokenizer=byte_level(CUTS["gpt-2"]))
    for path in base.glob("tokenizer*"):
        path.unlink()
    text = tmp_path / "corpus.txt"
    text.write_text("\n".join(CORPUS * 20), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(base / "tokenizer"), model_type="bpe", vocab_size=400, byte_fallback=True,
        user_defined_symbols=["<|im_start|>", "<|im_end|>"], minloglevel=2,
    )  # fmt: skip
    (base / "tokenizer.vocab").unlink()
    output = {
        "tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
        "extra_special_tokens": ["<|im_start|>", "<|im_end|>"], "legacy": False,
    }  # fmt: skip
    (base / "tokenizer_config.json").write_text(json.dumps(output))
    assert "<0x0A>" in AutoTokenizer.from_pretrained(base).get_vocab()
    done = export(save_adapter(tmp_path / "hamlet", base), "gguf", quant="f16")
    assert done.parity.same_prompts
    assert (done.path / "tokenizer.model").is_file(), "it is carried over"


def test_tokenizers_that_llamacpp_has_no_name_for(tmp_path: Path) -> None:
    odd = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex("[abc]"), "isolated"), BYTES])
    adapter = save_adapter(tmp_path / "hamlet", save_base(tmp_path / "base", tokenizer=byte_level(odd)))
    with pytest.raises(UsageError, match="no known name"):
        export(adapter, "gguf")


def test_tokenizers_that_are_no_bpe(tmp_path: Path) -> None:
    tokenizer = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate([*SPECIAL, "system", "user"])}, "<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    adapter = save_adapter(tmp_path / "hamlet", save_base(tmp_path / "base", tokenizer=fast(tokenizer)))
    with pytest.raises(UsageError, match="WordLevel"):
        export(adapter, "gguf")


@pytest.mark.parametrize("swallows", [True, False])
def test_only_a_tokenizer_like_phi_3s_is_called_so(swallows: bool) -> None:
    tokenizer = chatml_tokenizer(400)
    tokenizer.add_tokens([AddedToken("</s>"), AddedToken("<|user|>", rstrip=swallows, special=True)])
    for name in ("hamlet", "my phi3"):
        assert bool(re.search(PHI_3, model_name(name, tokenizer))) == swallows
