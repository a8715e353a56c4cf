"""The system prompt that a training script writes in front of each row."""

from __future__ import annotations

import ast
import re

from offbook.pipeline.migration.python_value import Names, parts, plain_value

ROW_KEYS = frozenset({"instruction", "input", "output", "messages", "conversations", "conversation", "prompt", "query",
                      "question", "response", "answer", "system"})  # fmt: skip
"""Columns of rows: a function that reads one of them formats rows."""
MARKER = re.compile(r"(<</?SYS>>|<[|｜]?[\w ▁]+[|｜]?>|\[/?[A-Za-z]+\])")
"""A control token of a chat template."""
USER = re.compile(r"(?i)<[|｜](user|human|assistant)[|｜]>")
"""A control token that is itself a role."""
ROLE = re.compile(r"(?i)\s*(system|系统)\s*(?:[:：]|\n|$)\s*")
OTHER_ROLE = re.compile(r"(?i)\s*(user|human|assistant|用户|问|提问者|###.*)\s*(?:[:：].*)?")


def system_prompt(tree: ast.AST, names: Names) -> str | None:
    """The system prompt of the function that makes a row's text or messages; None where there is none.

    Args:
        tree: the script.
        names: what its variables stand for.
    """
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef | ast.Lambda) and _reads_rows(scope):
            prompt = _in_messages(scope, names) or _in_texts(scope, names)
            if prompt:
                return prompt
    return None


def _reads_rows(scope: ast.AST) -> bool:
    keys = [node.slice for node in ast.walk(scope) if isinstance(node, ast.Subscript)]
    return any(isinstance(key, ast.Constant) and key.value in ROW_KEYS for key in keys)


def _in_messages(scope: ast.AST, names: Names) -> str | None:
    """`{"role": "system", "content": …}`."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Dict):
            message = plain_value(node, names)
            content = message.get("content") if message.get("role") == "system" else None
            if isinstance(content, str) and content.strip():
                return content.strip()
    return None


def _in_texts(scope: ast.AST, names: Names) -> str | None:
    """What stands between the template's opening and the row's own text in a text that the function puts together."""
    for node in ast.walk(scope):
        if isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call):
            text, is_whole = _beginning(node, names)
            if not is_whole and (prompt := _between_markers(text)):
                return prompt
    return None


def _beginning(node: ast.AST, names: Names) -> tuple[str, bool]:
    """(a text as far as it is known before a row's own text, whether that is all of it)."""
    if isinstance(node, ast.JoinedStr):
        return _together(parts(node), names)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _together([node.left, node.right], names)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join" and node.args:
        between, listed = plain_value(node.func.value, names), node.args[0]
        if isinstance(between, str) and isinstance(listed, ast.List):
            return _together(listed.elts, names, between)
    value = plain_value(node, names)
    return (value, True) if isinstance(value, str) else ("", False)


def _together(nodes: list[ast.expr], names: Names, between: str = "") -> tuple[str, bool]:
    text = ""
    for place, node in enumerate(nodes):
        part, is_whole = _beginning(node, names)
        text += (between if place else "") + part
        if not is_whole:
            return text, False
    return text, True


def _between_markers(text: str) -> str | None:
    """The system prompt in the opening of a rendered template."""
    if not MARKER.search(text) and not re.match(r"(?i)(system|系统)\s*[:：]", text.strip()):
        return None
    for part in MARKER.split(text):
        if USER.fullmatch(part):
            return None
        if (
            MARKER.fullmatch(part)
            or not (text_after_role := ROLE.sub("", part, count=1) if ROLE.match(part) else part).strip()
        ):
            continue
        lines = text_after_role.strip().split("\n")
        end = next((place for place, line in enumerate(lines) if OTHER_ROLE.fullmatch(line)), len(lines))
        return "\n".join(lines[:end]).strip() or None
    return None
