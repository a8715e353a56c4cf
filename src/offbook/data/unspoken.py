"""What stands in a reply and nobody hears: thoughts, and calls of tools.

without_thoughts("<think>He asks again.</think>Since four.")
"""

from __future__ import annotations

import re

THOUGHT_ENDS = re.compile(r"</think(?:ing)?>\s*", re.IGNORECASE)
CALL = re.compile(r"\s*<(tool_call|functioncall|function_call)>.*?(?:</\1>|<\|endoftext\|>|\Z)\s*", re.DOTALL)
"""A call as Hermes, Qwen and Glaive write it into the text."""


def without_thoughts(reply: str) -> str:
    """What is said after the thoughts before it, whose beginning may stand in the prompt's format."""
    return THOUGHT_ENDS.split(reply)[-1]


def without_calls(reply: str) -> str:
    """A reply without what it calls; "" where it is nothing else."""
    return CALL.sub("", reply)
