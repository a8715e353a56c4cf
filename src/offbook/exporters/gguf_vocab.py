"""A tokenizer as GGUF metadata.

Everything is read from the fast tokenizer that the character was trained with; whether llama.cpp then gives the same
ids is proved by the parity gate, on the character's own conversations.
"""

from __future__ import annotations

import json
import re
from typing import Any

from gguf import GGUFWriter, TokenType

from offbook.core.errors import UsageError
from offbook.core.persona import StopToken
from offbook.exporters.architectures import ELSEWHERE

_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_REST_WITH_SLASH = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"

PRE_TOKENIZERS = {
    _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + _REST: "qwen2",
    _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + _REST: "llama-bpe",
    _CONTRACTIONS
    + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+": "qwen35",
    rf"{_UPPER}*{_LOWER}+{_ENDINGS}|{_UPPER}+{_LOWER}*{_ENDINGS}|\p{{N}}{{1,3}}" + _REST_WITH_SLASH: "gpt-4o",
    rf"{_UPPER}*{_LOWER}+|{_UPPER}+{_LOWER}*|\p{{N}}" + _REST_WITH_SLASH: "tekken",
}
"""The pattern by which a byte-level tokenizer cuts text first → llama.cpp's name for it."""

PHI_3 = r"(?i)phi-?3"
"""Names of models whose control tokens llama.cpp takes for ones that swallow the space after them."""


def add_vocabulary(writer: GGUFWriter, tokenizer: Any, size: int, stop_token: StopToken) -> None:
    """Write tokens, merges or scores, and special ids.

    Args:
        writer: of the file.
        tokenizer: a fast transformers tokenizer with a BPE model.
        size: rows of the embedding matrix; ids beyond the tokenizer's become unused tokens.
        stop_token: ends a reply; llama.cpp stops on it.

    Raises:
        UsageError: the tokenizer is of a kind that this cannot be done for.
    """
    tree = json.loads(tokenizer.backend_tokenizer.to_str())
    if tree["model"]["type"] != "BPE":
        raise UsageError(
            "llama.cpp files are written for BPE tokenizers, this one is {type}",
            ELSEWHERE,
            type=tree["model"]["type"],
        )
    tokens, types = _tokens(tree, size)
    merges = [pair if isinstance(pair, list) else pair.split(" ", 1) for pair in tree["model"]["merges"]]
    if tree["model"].get("byte_fallback"):
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_scores(_scores(tokens, merges))
        writer.add_add_space_prefix(_prepends_space(tree))
    else:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(_pre_tokenizer(tree))
        writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    _add_special_ids(writer, tokenizer, stop_token)


def model_name(name: str, tokenizer: Any) -> str:
    """A model's name in its file, by which llama.cpp tells tokens that swallow the space after them: it is Phi-3's.

    Args:
        name: the character's.
        tokenizer: a fast transformers tokenizer.
    """
    swallow = any(token.rstrip for token in tokenizer.added_tokens_decoder.values() if token.special)
    if swallow and "</s>" in tokenizer.get_vocab():
        return name if re.search(PHI_3, name) else f"{name} (phi-3)"
    return re.sub(PHI_3, "Phi 3", name)


def leading_space(tokenizer: Any, text: str) -> str:
    """The space that a tokenizer reads in front of a text's first word, where llama.cpp is told to add none.

    Args:
        tokenizer: a fast transformers tokenizer.
        text: a rendered prompt.
    """
    if _prepends_space(json.loads(tokenizer.backend_tokenizer.to_str())):
        return ""
    ids = [tokenizer(each, add_special_tokens=False)["input_ids"] for each in (text, f" {text}")]
    return " " if ids[0] == ids[1] else ""


def _tokens(tree: dict[str, Any], size: int) -> tuple[list[str], list[int]]:
    """Texts and types of the model's ids, in order; a tokenizer's tokens beyond its embeddings are left out."""
    tokens = [f"[PAD{number}]" for number in range(size)]
    types = [int(TokenType.UNUSED)] * size
    unknown = tree["model"].get("unk_token")
    for text, number in tree["model"]["vocab"].items():
        kind = TokenType.NORMAL
        if tree["model"].get("byte_fallback") and re.fullmatch(r"<0x[0-9A-F]{2}>", text):
            kind = TokenType.BYTE
        if number < size:
            tokens[number], types[number] = text, int(TokenType.UNKNOWN if text == unknown else kind)
    for added in tree["added_tokens"]:
        kind = TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED
        is_unknown = added["content"] == unknown
        if added["id"] < size:
            tokens[added["id"]], types[added["id"]] = added["content"], int(TokenType.UNKNOWN if is_unknown else kind)
    return tokens, types


def _scores(tokens: list[str], merges: list[list[str]]) -> list[float]:
    """llama.cpp joins the pair whose result scores highest; the earliest merge therefore has to score highest."""
    rank: dict[str, int] = {}
    for number, (left, right) in enumerate(merges):
        rank.setdefault(left + right, number)
    return [-float(rank.get(token, len(merges))) for token in tokens]


def _pre_tokenizer(tree: dict[str, Any]) -> str:
    """llama.cpp's name for the way in which a byte-level tokenizer splits text before merging."""
    step = tree["pre_tokenizer"] or {}
    steps = step["pretokenizers"] if step.get("type") == "Sequence" else [step]
    kinds = [step.get("type") for step in steps]
    if kinds == ["ByteLevel"] and steps[0].get("use_regex", True):
        return "gpt-2"
    if kinds == ["Digits", "ByteLevel"] and steps[0]["individual_digits"]:
        return "smollm"
    if kinds == ["Split", "ByteLevel"] and (name := PRE_TOKENIZERS.get(steps[0]["pattern"].get("Regex", ""))):
        return name
    raise UsageError("llama.cpp has no known name for the way this tokenizer cuts text", ELSEWHERE)


def _prepends_space(tree: dict[str, Any]) -> bool:
    """Whether every run of text between control tokens is read as if a space stood before it.

    The scheme "first" does so at the very beginning alone, where prompts have a control token.
    """
    steps = [tree.get("normalizer") or {}, tree.get("pre_tokenizer") or {}]
    flat = [part for step in steps for part in (step.get("normalizers") or step.get("pretokenizers") or [step])]
    return any(
        part.get("type") == "Prepend" or (part.get("type") == "Metaspace" and part.get("prepend_scheme") == "always")
        for part in flat
    )


def _add_special_ids(writer: GGUFWriter, tokenizer: Any, stop_token: StopToken) -> None:
    # Replies end with the stop token, whatever the tokenizer calls its end of text.
    writer.add_eos_token_id(stop_token.id)
    writer.add_eot_token_id(stop_token.id)
    for number, add in (
        (tokenizer.bos_token_id, writer.add_bos_token_id),
        (tokenizer.pad_token_id, writer.add_pad_token_id),
        (tokenizer.unk_token_id, writer.add_unk_token_id),
    ):
        if number is not None:
            add(number)
    # The template writes every control token itself.
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
