"""The settings of a shell script or batch file that calls a trainer: the options of its longest command."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import yaml

from offbook.core.i18n import translate
from offbook.pipeline.migration.python_value import plain_value

ENDS = "\n;&|"
"""What ends a command."""
NOT_TRAINING = frozenset({"infer", "export", "deploy", "eval", "chat", "webchat", "api", "serve", "merge_lora"})
"""Verbs of other commands in such a script."""
TRAINERS = {
    "swift": re.compile(r"(^|/)(swift|megatron|llm_sft\.py)$"),
    "llamafactory": re.compile(r"(^|/)(llamafactory-cli|lmf|train_bash\.py)$"),
    "axolotl": re.compile(r"(^|[/.])axolotl(\.cli\.train)?$"),
    "trl": re.compile(r"(^|/)(trl|sft\.py)$"),
}
"""Tool → how its command is called."""
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::?[-=]([^}]*))?\}|\$([A-Za-z_]\w*)|%([A-Za-z_]\w*)%")
SUBSTITUTION = re.compile(r"\$\(\(([^()]+)\)\)|\$\(expr ([^()]+)\)")
REDIRECTION = re.compile(r"\d*[<>]")


def read_shell(text: str) -> tuple[str | None, dict[str, Any]]:
    """The tool that is called, where its name tells, and the options of the call.

    A file that is named in place of options stands under `config_file`.

    Raises:
        ValueError: a quotation has no end.
    """
    reader = _Reader(text)
    commands = list(reader.commands())
    calls = [words for words in commands if not NOT_TRAINING & set(words[:4])]
    call = max(calls, key=lambda words: sum(word.startswith("--") for word in words), default=[])
    named = [words for words in calls if _config_file(words)]
    if not any(word.startswith("--") for word in call) and named:
        call = named[0]
    settings = _options(call)
    settings |= {"use_hf": True} if reader.variables.get("USE_HF") == "1" else {}
    settings |= {"use_modelscope": True} if reader.variables.get("USE_MODELSCOPE_HUB") == "1" else {}
    if file := _config_file(call):
        settings["config_file"] = file
    program = call[: next((place for place, word in enumerate(call) if word.startswith("--")), len(call))]
    tool = next((key for key, name in TRAINERS.items() if any(name.search(word) for word in call[:12])), None)
    return (tool if program else None), settings


def _config_file(words: list[str]) -> str | None:
    return next((word for word in words if re.fullmatch(r"[^-].*\.(ya?ml|json|jsonc)", word)), None)


def _options(words: list[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for place, word in enumerate(words):
        if word.startswith("--") and len(word) > 2:
            key, has_value, value = word[2:].partition("=")
            values = [value] if has_value else _values(words[place + 1 :])
            settings[key.replace("-", "_")] = _value(values)
        elif place and (override := re.fullmatch(r"([a-z]\w*)=(.*)", word)):  # llamafactory-cli train x.yaml seed=1
            settings[override[1]] = _value([override[2]])
    return settings


def _values(words: list[str]) -> list[str]:
    """The words up to the next option, or to where the output goes."""
    stops = (place for place, word in enumerate(words) if word.startswith("--") or REDIRECTION.match(word))
    return words[: next(stops, len(words))]


def _value(values: list[str]) -> Any:
    parsed = [_plain(value) for value in values]
    return True if not parsed else parsed[0] if len(parsed) == 1 else parsed


def _plain(value: str) -> Any:
    """A number or a truth value, else the text itself."""
    try:
        parsed = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError):
        return value
    return parsed if isinstance(parsed, bool | int | float) else value


class _Reader:
    """Words of a shell script, with the variables that it sets itself put in."""

    def __init__(self, text: str) -> None:
        joined = re.sub(r"[ \t]*[\\^`][ \t]*\r?\n", " ", text)  # sh's, cmd's and PowerShell's continued lines
        self.arrays: dict[str, str] = {}
        self.text = re.sub(r"(?m)^\s*(\w+)(\+?)=\(([^)]*)\)", self._array, joined)
        self.text = re.sub(r'"?\$\{(\w+)\[[@*]\]\}"?', lambda match: self.arrays.get(match[1], ""), self.text)
        self.variables: dict[str, str] = {}

    def _array(self, match: re.Match[str]) -> str:
        lines = re.sub(r"(?m)(^|\s)#.*$", "", match[3]).split("\n")
        before = self.arrays.get(match[1], "") if match[2] else ""
        self.arrays[match[1]] = " ".join([before, *lines]).strip()
        return ""

    def commands(self) -> Iterator[list[str]]:
        """Each command's words, without the assignments before it."""
        words: list[str] = []
        for word in self._words():
            if word is not None:
                words.append(word)
                continue
            while words and (words[0] in ("export", "set", "env", "nohup") or ASSIGNMENT.fullmatch(words[0])):
                words.pop(0)
            if words:
                yield words
            words = []

    def _words(self) -> Iterator[str | None]:
        """Words, and None where a command ends; a word that sets a variable counts from there on."""
        word: str | None = None  # None: between two words
        place = 0
        while place < len(self.text):
            letter = self.text[place]
            if letter in "'\"":
                inside, place = _quoted(self.text, place)
                word = (word or "") + (self._filled(inside) if letter == '"' else inside)
            elif letter == "#" and word is None:
                end = self.text.find("\n", place)
                place = len(self.text) if end < 0 else end
            elif letter.isspace() or letter in ENDS:
                if word is not None:
                    yield self._noted(word)
                if letter in ENDS:
                    yield None
                word, place = None, place + 1
            elif self.text.startswith("$(", place):
                end = _closing(self.text, place)
                word, place = (word or "") + self._filled(self.text[place:end]), end
            elif letter in "$%" and (match := VARIABLE.match(self.text, place)):
                filled = self._filled(self.text[place : match.end()])
                first, *more = [filled] if "$(" in filled else filled.split() or [""]
                word, place = (word or "") + first, match.end()
                for part in more:
                    yield word
                    word = part
                word = word or None
            else:
                word, place = (word or "") + letter, place + 1
        if word is not None:
            yield self._noted(word)
        yield None

    def _noted(self, word: str) -> str:
        if match := ASSIGNMENT.fullmatch(word):
            self.variables[match[1]] = match[2]
        return word

    def _filled(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            return self.variables.get(match[1] or match[3] or match[4], match[2] or "")

        return SUBSTITUTION.sub(self._calculated, VARIABLE.sub(value, text))

    def _calculated(self, match: re.Match[str]) -> str:
        """The number of a sum such as `$((16 / cards))` or `$(expr 16 / 2)`; what only running tells stays as it is."""
        names = {name: _plain(value) for name, value in self.variables.items()}
        try:
            number = plain_value(ast.parse((match[1] or match[2]).strip(), mode="eval").body, names)
        except (SyntaxError, ValueError):
            return match[0]
        return str(int(number)) if isinstance(number, int | float) else match[0]


def _closing(text: str, start: int) -> int:
    """The place after the bracket that closes `$(`."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth and text[place] == ")":
            return place + 1
    return len(text)


def _quoted(line: str, start: int) -> tuple[str, int]:
    """(the text of a quotation that begins at `start`, the place after it)."""
    mark = line[start]
    pattern = r"'([^']*)'" if mark == "'" else r'"((?:\\.|[^"\\])*)"'
    match = re.compile(pattern, re.DOTALL).match(line, start)
    if match is None:
        raise ValueError(translate("a quotation has no end"))
    inside = match[1] if mark == "'" else re.sub(r'\\(["\\$`])', r"\1", match[1])
    return inside, match.end()
