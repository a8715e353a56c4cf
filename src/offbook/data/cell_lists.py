"""Lists in the cells of a table as Python and numpy write them: `['Lit?', 'Since four.']`, `['Lit?' 'Since four.']`."""

from __future__ import annotations

import ast
import re
import warnings
from contextlib import suppress
from typing import Any

from offbook.data.strict_json import is_whole

BESIDE = re.compile(
    r"""(?P<item>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[}\]])(?P<gap>(?=\s+['"{\[]))?|array\((?=\[)|,\s*dtype=\w+\)""",
    re.DOTALL,
)
"""A text, the end of an object or a list, with another item right behind it where numpy wrote no comma; its `array`."""

LIST_START = re.compile(r"""\[\s*(?:['"{\[]|(?:array|list)\()""")


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
    """What a cell holds: a list of texts or objects that Python or numpy wrote; of one text alone, that text.

    Several texts as JSON has them stay what they are: they may be what is said.
    """
    stripped = text.strip()
    if not (LIST_START.match(stripped) and stripped.endswith("]")):
        return text
    items = literal(stripped)
    if not isinstance(items, list) or not all(isinstance(item, str | dict | list) for item in items):
        return text
    if len(items) == 1 and isinstance(items[0], str):
        return items[0]
    return text if is_whole(stripped) else items
