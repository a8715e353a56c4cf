"""What stands in a reply and nobody hears: thoughts, and calls of tools.

without_thoughts("<think>He asks again.</think>Since four.")
"""

from __future__ import annotations

import re

THOUGHT_ENDS = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
CALL = re.compile(r"<(tool_call|functioncall|function_call)>.*?(?:</\1>|<\|endoftext\|>|\Z)", re.DOTALL)
"""A call as Hermes, Qwen and Glaive write it into the text."""


def without_thoughts(reply: str) -> str:
    """What is said after the thoughts before it, whose beginning may stand in the prompt's format."""
    *thoughts, speech = THOUGHT_ENDS.split(reply)
    return speech.lstrip() if thoughts else speech


def without_calls(reply: str) -> str:
    """A reply without what it calls; "" where it is nothing else."""
    text, calls = CALL.subn("", reply)
    return text.strip() if calls else text
