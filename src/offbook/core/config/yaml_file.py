"""A YAML file of settings, read strictly: what YAML would read otherwise than it was meant is an error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.system_errors import system_reason

MAKE_ONE = marked("Make one with: offbook init DIR --recipe NAME")
FULL_WIDTH = re.compile(r"^\s*[a-z_]+\s*：")
"""A key with a Chinese colon after it."""
PROBLEMS = {
    "mapping values are not allowed": marked(
        "no key may stand there: one in the line above may lack its colon, or a text with ': ' in it its quotes"
    ),
    "could not find expected ':'": marked("a key needs a colon and a space behind it"),
    "found character '\\t'": marked("a tab stands there: indent with spaces"),
    "cannot start any token": marked("a text that begins with such a sign needs quotes"),
    "expected <block end>": marked("a line is indented otherwise than those that belong to it"),
    "found unexpected end of stream": marked("a quote is never closed"),
    "found unknown escape character": marked("in double quotes a backslash is written twice"),
    "expected ',' or ']'": marked("a list is never closed, or a comma is missing in it"),
    "expected ',' or '}'": marked("a { is never closed, or a comma is missing in it"),
    "found undefined alias": marked("a text that begins with * needs quotes"),
}
"""What PyYAML says of the usual mistakes, and what it means."""
BARE_COLON = re.compile(r"^\s*(?:- )?[a-z_]+: +[^\s\"'\[{|>].*:(?: |$)")
"""A key, and after it text without quotes in which a colon stands, too."""
MAX_BYTES = 2**20
MAX_NODES = 10_000
"""Bounds of a file of settings, so that a small file cannot unfold into gigabytes through aliases."""
CURLY = {"“": "”", "‘": "’", "”": "”", "’": "’"}
"""Quotes that people write by mistake for those of YAML."""


class SettingsFile(NamedTuple):
    """A file's settings as nested dicts, and the line that each dotted key stands on."""

    tree: dict[str, Any]
    lines: dict[str, int]


def read_settings(path: Path) -> SettingsFile:
    """A file's settings.

    Raises:
        UsageError: it cannot be read, is no mapping, or holds what nobody means; with the line.
    """
    text = _read(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise _full_width(path, text.splitlines()) or UsageError("{path} holds no settings", MAKE_ONE, path=path)
        _refuse_huge(root, path)
        lines: dict[str, int] = {}
        _index_lines(root, "", lines, path)
        _refuse_cut_text(root, text, path)
        return SettingsFile(yaml.safe_load(text), lines)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
        raise _explained(path, text, error) from None
    except RecursionError:
        raise UsageError(
            "{path} is nested too deeply to be settings",
            MAKE_ONE,
            path=path,
        ) from None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UsageError(
                "{path} is too large to be settings: more than {max_bytes} MiB",
                MAKE_ONE,
                path=path,
                max_bytes=MAX_BYTES // 2**20,
            )
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        reason = translate("no such file") if isinstance(error, FileNotFoundError) else system_reason(error)
        raise UsageError("cannot read {path}: {reason}", MAKE_ONE, path=path, reason=reason) from None
    except UnicodeDecodeError:
        raise UsageError("{path} is not UTF-8 text", "Save it as UTF-8.", path=path) from None


def _refuse_huge(root: yaml.Node, path: Path) -> None:
    """Refuse a file that unfolds, through its aliases, into more than anybody writes."""
    waiting, count = [root], 0
    while waiting:
        node = waiting.pop()
        count += 1
        if count > MAX_NODES:
            raise UsageError(
                "{path} holds too many values to be settings (aliases unfolded)",
                MAKE_ONE,
                path=path,
            )
        if isinstance(node, yaml.MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _index_lines(section: yaml.MappingNode, prefix: str, lines: dict[str, int], path: Path) -> None:
    """Record the line of every key below a section, and refuse what nobody means."""
    for key, value in section.value:
        dotted, line = f"{prefix}{key.value}", key.start_mark.line + 1
        if dotted in lines:
            raise UsageError(
                "{path} line {line}: '{dotted}' already stands on line {lines}",
                "Keep one of the two.",
                path=path,
                line=line,
                dotted=dotted,
                lines=lines[dotted],
            )
        lines[dotted] = line
        if isinstance(value, yaml.MappingNode):
            _index_lines(value, f"{dotted}.", lines, path)
            continue
        for scalar in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            _refuse_curly(scalar, path)
        _refuse_wide_comma(value, path)
        if isinstance(value, yaml.ScalarNode) and value.style is None and value.start_mark.line >= line:
            # What was meant for a section's keys is one text, which begins below.
            fault = _full_width(path, [value.value], value.start_mark.line)
            if fault is not None:
                raise fault


def _refuse_cut_text(root: yaml.MappingNode, text: str, path: Path) -> None:
    """Refuse a text of the persona that YAML cuts off at a `#`."""
    persona = next((value for key, value in root.value if key.value == "persona"), None)
    for key, value in persona.value if isinstance(persona, yaml.MappingNode) else []:
        if not isinstance(value, yaml.ScalarNode) or value.style is not None:
            continue
        line = text.splitlines()[value.end_mark.line :][:1]
        rest = line[0][value.end_mark.column :].strip() if line else ""
        if rest.startswith("#") and value.value not in ("", "null", "~"):
            raise UsageError(
                "{path} line {line}: YAML takes the end of persona.{key} for a comment: {rest}",
                'Put the text in quotes: "{text} …" (or the comment on a line of its own).',
                path=path,
                line=value.end_mark.line + 1,
                key=key.value,
                rest=rest,
                text=value.value,
            )


def _refuse_curly(node: yaml.Node, path: Path) -> None:
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return
    if len(node.value) > 1 and node.value[-1] == CURLY.get(node.value[0]):
        raise UsageError(
            "{path} line {line}: {first} and {last} are not quotes in YAML, they would become part of the text: {text}",
            'Write straight quotes: "{inner}" (to keep the curly ones, put straight quotes around them).',
            path=path,
            line=node.start_mark.line + 1,
            first=node.value[0],
            last=node.value[-1],
            text=node.value,
            inner=node.value[1:-1],
        )


def _refuse_wide_comma(node: yaml.Node, path: Path) -> None:
    if not isinstance(node, yaml.SequenceNode) or not node.flow_style or len(node.value) != 1:
        return
    (only,) = node.value
    if isinstance(only, yaml.ScalarNode) and only.style is None and "，" in only.value:
        raise UsageError(
            "{path} line {line} has ，, which does not separate the items of a list: [{value}] is one text",
            'Separate them with a plain comma: ["a", "b"]; put a text that contains ， in quotes.',
            path=path,
            line=only.start_mark.line + 1,
            value=only.value,
        )


def _full_width(path: Path, lines: Iterable[str], before: int = 0) -> UsageError | None:
    """The error of the first line that has a Chinese colon after its key, None if there is none.

    Args:
        before: how many lines lie above `lines`.
    """
    for number, line in enumerate(lines, before + 1):
        if FULL_WIDTH.match(line):
            return UsageError(
                "{path} line {number} has ：, where YAML needs a plain ': '",
                "Write: {plain}",
                path=path,
                number=number,
                plain=_plain(line),
            )
    return None


def _plain(line: str) -> str:
    key, _, value = line.strip().partition("：")
    return f"{key.rstrip()}: {value.lstrip()}".rstrip()


def _in_plain_words(problem: str | None) -> str:
    """What PyYAML says of a text, in the reader's language where it is one of the usual mistakes."""
    return next((translate(words) for sign, words in PROBLEMS.items() if sign in str(problem)), str(problem))


def _explained(path: Path, text: str, error: Exception) -> UsageError:
    """The reason why a text is not YAML: the usual mistakes in plain words, others in PyYAML's."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    if mark is None:
        return UsageError(
            "{path} is not YAML: {problem}",
            "Fix that line.",
            path=path,
            problem=problem or error,
        )
    start = getattr(error, "context_mark", None) or mark
    lines = text.splitlines()
    if fault := _full_width(path, lines[start.line : mark.line + 1], start.line):
        return fault
    here = lines[mark.line] if mark.line < len(lines) else ""
    if problem == "mapping values are not allowed here" and BARE_COLON.match(here):
        key, _, value = here.strip().removeprefix("- ").partition(": ")
        return UsageError(
            "{path} line {line}: text with ': ' in it needs quotes",
            "Write: {key}: '{value}'",
            path=path,
            line=mark.line + 1,
            key=key,
            value=value.strip(),
        )
    return UsageError(
        "{path} line {line} is not YAML: {problem}",
        "Fix line {line}.",
        path=path,
        line=mark.line + 1,
        problem=_in_plain_words(problem),
    )
