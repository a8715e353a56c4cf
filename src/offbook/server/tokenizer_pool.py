"""Tokenizers of the characters of a base model: each is kept once, however many characters use it."""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from offbook.tokenization.chat_template import ChatTemplate


@dataclass(frozen=True)
class SharedTokenizer:
    """A tokenizer that several characters use.

    Encoding changes a tokenizer's truncation and padding, so one text at a time is encoded (`lock`), by all characters
    together; reading ids changes nothing, so that the copy which does nothing else serves all threads.
    """

    encoder: Any
    decoder: Any
    lock: threading.Lock = field(default_factory=threading.Lock)


class TokenizerPool:
    """The tokenizers that a host's characters use, by what they hold."""

    def __init__(self) -> None:
        self._tokenizers: dict[str, SharedTokenizer] = {}

    def share(self, template: ChatTemplate) -> SharedTokenizer:
        """Let a template use the tokenizer that is here already, if there is one like its own.

        The template keeps its own chat template: characters of one base may have different ones.
        """
        tokenizer = template.tokenizer
        shared = self._tokenizers.get(key := _fingerprint(tokenizer))
        if shared is None:
            shared = self._tokenizers[key] = SharedTokenizer(tokenizer, copy.deepcopy(tokenizer))
        else:
            template.tokenizer = copy.copy(shared.encoder)
            template.tokenizer.chat_template = tokenizer.chat_template
        return shared


def _fingerprint(tokenizer: Any) -> str:
    """A hash of everything that decides which ids a text becomes; a tokenizer that cannot tell is like no other."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return f"object {id(tokenizer)}"
    switches = {name: value for name, value in vars(tokenizer).items() if isinstance(value, bool)}
    state = sorted({**tokenizer.special_tokens_map, **switches}.items())
    parts = [type(tokenizer).__name__, backend.to_str(), repr(state)]
    return sha256("\0".join(parts).encode()).hexdigest()
