"""The plain value of an expression, as far as it can be told without running anything."""

from __future__ import annotations

import ast
from typing import Any

Names = dict[str, Any]
"""Variable → its value."""


def plain_value(node: ast.AST, names: Names) -> Any:
    """A number, text, list or dict; None where the expression is none.

    Args:
        node: the expression.
        names: what its variables stand for; those of an object (`args.rank`) count by their own name.
    """
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return names.get(node.id)
        case ast.Attribute(value=ast.Name(id="torch" | "TaskType")):
            return node.attr
        case ast.Attribute():
            return names.get(node.attr)
        case ast.List() | ast.Tuple() | ast.Set():
            items = [plain_value(item, names) for item in node.elts]
            return None if None in items else items
        case ast.Dict():
            keys = [plain_value(key, names) if key is not None else None for key in node.keys]
            values = [plain_value(value, names) for value in node.values]
            return {key: value for key, value in zip(keys, values, strict=True) if isinstance(key, str)}
        case ast.Subscript():
            mapping, key = plain_value(node.value, names), plain_value(node.slice, names)
            return mapping.get(key) if isinstance(mapping, dict) and isinstance(key, str) else None
        case ast.UnaryOp(op=ast.USub()):
            value = plain_value(node.operand, names)
            return -value if isinstance(value, int | float) else None
        case ast.BinOp():
            return _calculated(node, names)
        case ast.JoinedStr():
            return _joined(
                [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values], names
            )
        case ast.Call(func=ast.Attribute(attr="join", value=ast.Attribute(attr="path"))):
            return _joined(node.args, names, "/")
        case ast.Call(func=ast.Name(id="Path" | "str" | "int" | "float"), args=[inside]):
            return plain_value(inside, names)
        case ast.Call(func=ast.Name(id="dict")):
            return {word.arg: plain_value(word.value, names) for word in node.keywords if word.arg}
    return None


def parts(text: ast.JoinedStr) -> list[ast.expr]:
    """An f-string's texts and expressions, in order."""
    return [part.value if isinstance(part, ast.FormattedValue) else part for part in text.values]


def _joined(nodes: list[ast.expr], names: Names, between: str = "") -> str | None:
    values = [plain_value(node, names) for node in nodes]
    return None if None in values else between.join(map(str, values))


def _calculated(node: ast.BinOp, names: Names) -> Any:
    left, right = plain_value(node.left, names), plain_value(node.right, names)
    if isinstance(left, str) and isinstance(right, str):
        return left + right if isinstance(node.op, ast.Add) else f"{left}/{right}" if _divides(node) else None
    if isinstance(left, bool) or isinstance(right, bool):
        return None
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    match node.op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div() if right:
            return left / right
        case ast.FloorDiv() if right:
            return left // right
    return None


def _divides(node: ast.BinOp) -> bool:
    """`Path("a") / "b"`."""
    return isinstance(node.op, ast.Div)
