"""A chat template that contains the character's prompt and template arguments.

Any program that renders it (transformers, vLLM, llama.cpp) then makes the prompt that training made.
"""

from __future__ import annotations

import json
from typing import Any


def self_contained(source: str, arguments: dict[str, Any], system: str | None) -> str:
    """The Jinja template `source` with its arguments set, and with `system` where a conversation brings no prompt."""
    settings = "".join(f"{{% set {name} = {_literal(value)} %}}" for name, value in arguments.items())
    if system is None:
        return settings + source
    turn = f"{{'role': 'system', 'content': {_literal(system)}}}"
    return (
        f"{settings}{{% if not messages or messages[0]['role'] != 'system' %}}"
        f"{{% set messages = [{turn}] + messages %}}{{% endif %}}{source}"
    )


def _literal(value: Any) -> str:
    """A value as a Jinja literal; its strings understand JSON's escapes."""
    return "none" if value is None else json.dumps(value, ensure_ascii=False)
