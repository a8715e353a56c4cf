"""Lists in the cells of a table as Python and numpy write them: `['Lit?', 'Since four.']`, `['Lit?' 'Since four.']`."""

from __future__ import annotations

import ast
import re
import warnings
from contextlib import suppress
from typing import Any

from offbook.data.strict_json import JsonError, JsonText

BESIDE = re.compile(
    r"""(?P<item>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[}\]])(?P<gap>(?=\s+['"{\[]))?|array\((?=\[)|,\s*dtype=\w+\)""",
    re.DOTALL,
)
"""A text, the end of an object or a list, with another item right behind it where numpy wrote no comma; its `array`."""

LIST_START = re.compile(r"""\[\s*(?:['"{\[]|(?:array|list)\()""")

TEXTS = ("text", "content", "value")
MESSAGE = {*TEXTS, "type", "role", "from"}
"""Keys of an object that is one message."""


def literal(text: str) -> Any:
    """The value that Python or numpy wrote so, whose lists have no commas; None where it is none.

    Python's own reader would join texts that nothing parts: `['Lit?' 'Since four.']` has two.
    """
    parted = BESIDE.sub(lambda match: f"{match['item'] or ''}{'' if match['gap'] is None else ','}", text.strip())
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a backslash in a text
        return ast.literal_eval(parted)
    return None


def cell(text: str) -> Any:
    """What a cell holds: a list of texts or objects that some program wrote; of one text alone, that text.

    An object that is a message is its text, too (`{"text": "Since four."}`); any other stays as it is: it may be said.
    """
    stripped = text.strip()
    is_object = stripped.startswith("{") and stripped.endswith("}")
    if not is_object and not (LIST_START.match(stripped) and stripped.endswith("]")):
        return text
    try:
        value, fault = JsonText(stripped).value()
    except JsonError:
        value, fault = None if is_object else literal(stripped), None
    if fault:
        return text
    if isinstance(value, dict) and value.keys() <= MESSAGE:
        message = next((value[key] for key in TEXTS if key in value), None)
        return message if isinstance(message, str) else text
    if not isinstance(value, list) or not all(isinstance(item, str | dict | list) for item in value):
        return text
    return value[0] if len(value) == 1 and isinstance(value[0], str) else value
