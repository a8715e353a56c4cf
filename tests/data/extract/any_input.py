# ruff: noqa: E501 (pieces of exports)
"""Inputs for tests that any input may reach: texts that the tests of the readers hold, damaged in every way.

A new reader is covered by itself: it is in a registry, and its test holds texts of its form.
"""

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

FOLDER = Path(__file__).parent
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "cp1252", "shift-jis")
PIECES = [
    *"：；:\"'[]{}()（）<>|,;\t\n\r\0 \u2028\x85\ufeff\u200e\u200f\u202b\u202f٣²①", "\r\n", '","', "]}", "[[", "{}", "null",
    "1e999", "NaN", "-1", "99999999999999999999", "00/00/0000", "31/02/2021, 25:61 - ", "٣١/١٢/٢٠٢١", "下午", "PM", "[",
    "[12/05/2021, 21:30:00] Ann: ", "2021-05-12 21:30:00 Ann(1)\n", "21:30\tAnn\t", "\\ud83d", "😀", "👨‍👩‍👧", "&amp;", "<br>",
    "<div class=\"message default\">", "--> 00:01.000", "a" * 300, "é", "阿澈：", "ANN. ", "“Yes,” said Ann.", "<|im_start|>",
]  # fmt: skip
ODD_VALUES = ["null", "[]", "{}", "0", "-1", "1e400", "true", '""', '"\\ud83d"', '[{"text": 1}]', '"x"', "1" * 30]
VALUE = re.compile(r'(?<=:)\s*(?:"(?:[^"\\]|\\.)*"|[\w.+-]+)')


@cache
def samples() -> list[str]:
    """Every text of several lines, and every object or list as JSON, that the tests of the readers hold."""
    texts = [path.read_bytes().decode(errors="replace") for path in sorted((FOLDER / "fixtures").iterdir())]
    for path in sorted(FOLDER.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            value = _literal(node)
            if isinstance(value, str) and value.count("\n") > 1:
                texts.append(value)
            elif isinstance(value, dict | list) and len(json.dumps(value, default=str, skipkeys=True)) > 60:
                texts.append(json.dumps(value, default=str, skipkeys=True, ensure_ascii=False, indent=1))
    return sorted(set(texts), key=texts.index)


def _literal(node: ast.AST) -> Any:
    if not isinstance(node, ast.Constant | ast.Dict | ast.List):
        return None
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return None


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """Any bytes, or one of the samples with pieces taken out, doubled, exchanged and put in, in any encoding."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    text = draw(st.sampled_from(samples()))
    for _ in range(draw(st.integers(0, 4))):
        text = _edit(draw, text)
    data = text.encode(draw(st.sampled_from(ENCODINGS)), errors=draw(st.sampled_from(["replace", "ignore"])))
    if draw(st.integers(0, 5)) == 0:
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=4)) + data[at + draw(st.integers(0, 4)) :]
    return data


def _edit(draw: st.DrawFn, text: str) -> str:
    """The text with one change at any place."""
    start = draw(st.integers(0, len(text)))
    end = min(len(text), start + draw(st.sampled_from([0, 1, 2, 5, 20, 100, len(text)])))
    values = list(VALUE.finditer(text))
    kind = draw(st.sampled_from(["put", "cut", "double", "swap", "lines"] + ["value"] * 2 * bool(values)))
    if kind == "value":
        place = draw(st.sampled_from(values))
        return text[: place.start()] + " " + draw(st.sampled_from(ODD_VALUES)) + text[place.end() :]
    if kind == "put":
        return text[:start] + draw(st.sampled_from(PIECES) | st.text(max_size=5)) + text[start:]
    if kind == "cut":
        return text[:start] + text[end:]
    if kind == "double":
        return text[:end] + text[start:]
    if kind == "swap":
        return text[:start] + draw(st.sampled_from(samples()))[start:end] + text[end:]
    lines = text.split("\n")
    first = draw(st.integers(0, len(lines) - 1))
    return "\n".join(lines[first:] + lines[:first])
