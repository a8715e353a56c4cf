"""What a row means: one function for each format of rows, and an entry in `FORMATS`.

    format = detect({"instruction": "Who's there?", "output": "Nay, answer me."})
    turns = format.read(row)

A function gets a row under the column names of `columns.rename` and gives what is said in it, in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeGuard

from offbook.core.i18n import marked
from offbook.core.types import Turn
from offbook.data.dialogues import dialogue, labelled_turns, scene_lines, transcript
from offbook.data.rendered_text import NO_MARKS, old_completion, prompt_turns, rendered_turns, without_end
from offbook.data.row_values import (
    TEXTS,
    ColumnsError,
    RowError,
    content_of,
    list_of,
    only_text,
    text_of,
    weight_of,
)
from offbook.data.sources import Row
from offbook.data.strange_columns import unknown_columns
from offbook.data.turn_lists import dialogue_turns, turns_of

Turns = Iterable[Turn]


class Format(NamedTuple):
    """A way to write rows."""

    columns: tuple[frozenset[str], ...]
    """A row that has all of one of these is taken to be of this format."""
    read: Callable[[Row], Turns]
    """What is said in a row, in order. Raises RowError."""
    optional: frozenset[str] = frozenset()
    """Further columns that it reads."""


def detect(row: Row, given: Iterable[str] | None = None) -> Format:
    """The format whose columns the row has.

    Args:
        row: a row as `rename` gives it, and perhaps the character's name.
        given: the columns that the file has, to be named in the error; those of the row where they are not told.

    Raises:
        ColumnsError: none; the row's own columns are named.
    """
    for format in FORMATS.values():
        if any(needed <= row.keys() for needed in format.columns):
            return format
    expected = sorted({column for format in FORMATS.values() for needed in format.columns for column in needed})
    columns = [str(key) for key in (row if given is None else given)]
    raise unknown_columns(columns, row.get("character"), FORMATS, expected)


def messages(row: Row) -> Turns:
    """OpenAI's `messages`: a list of {role, content}, and perhaps system.

    Content is text or a list of text parts; a reply of weight 0 (or `loss`, `train`: false) is read and not learned.
    """
    return _answered(_listed(row, "messages"), row)


def sharegpt(row: Row) -> Turns:
    """conversations: a list of {from, value}, and perhaps system."""
    return _answered(_listed(row, "conversations"), row)


def conversation(row: Row) -> Turns:
    """conversation: a list of {input, output} (xtuner), {message, is_human} (PIPPA) or {role, content}."""
    return _answered(_listed(row, "conversation"), row)


def alpaca(row: Row) -> Turns:
    """instruction, input, output, and perhaps system and history (pairs of question and answer, or messages).

    Several of each, in lists, follow one another (src and tgt, as ERNIEKit has them).
    A prompt that some model's format ends before the answer (`Human: … Assistant:`) is read as the turns in it, and an
    output that is a whole scene (`Ben (speaking): … <|eot|>`) from the character's side.
    """
    if "output" not in row:
        raise ColumnsError(
            "none of its columns is known to be the reply: say which one is, as in --data.columns reply=COLUMN"
        )
    output, character = row["output"], row.get("character")
    if (questions := row.get("instruction")) and _are_texts(questions) and _are_texts(output):
        return [*_before(row), *_in_turn(questions, output, row.get("label"))]
    prompt, is_rendered = _prompt(row)
    if output and _are_objects(output):
        return [*prompt, *turns_of(output, "output")]
    reply = text_of(only_text(output), "output")
    if lines := scene_lines(reply, character):
        scene = list(dialogue_turns(lines, character))
        is_setting = scene[0].role == "user"  # nobody in it answers the prompt
        return [*(replace(turn, role="system") if is_setting else turn for turn in prompt), *scene]
    is_one_text = not is_rendered and [turn.role for turn in prompt if turn.text.strip()][-1:] == ["user"]
    if is_one_text and (completion := old_completion(prompt[-1].text, reply)):
        prompt[-1], reply = replace(prompt[-1], text=completion[0]), completion[1]
    if is_one_text and (turns := labelled_turns(prompt[-1].text, reply, character)):
        return [*prompt[:-1], *turns]
    labelled = LABELLED_REPLY.fullmatch(reply)
    return [*prompt, Turn("assistant", labelled[1] if labelled else _reply_of(reply, is_rendered))]


def _in_turn(questions: Sequence[str], answers: Sequence[str], labels: object) -> Iterator[Turn]:
    """What is asked and answered in turn, and perhaps for each answer a 0 or 1: whether it is learned (ERNIEKit)."""
    if len(questions) != len(answers):
        raise RowError("it has {asked} questions and {answered} answers", asked=len(questions), answered=len(answers))
    weights = labels if isinstance(labels, list) and len(labels) == len(answers) else [1] * len(answers)
    for question, answer, weight in zip(questions, answers, weights, strict=True):
        yield Turn("user", question)
        yield Turn("assistant", answer, weight=weight_of({"weight": weight}))


def _prompt(row: Row) -> tuple[list[Turn], bool]:
    """What stands before the reply of a row, and whether some model's format marked its turns."""
    before = list(_before(row))
    parts = [row.get(column) for column in ("instruction", "input")]
    if row.get("input") and _are_texts(row["input"]) and not row.get("instruction"):  # what was said, in turn
        return [*before, *_in_texts(row["input"], has_prompt=False)], False
    if any(isinstance(part, list) for part in parts):  # prompt and completion may be lists of messages
        return [
            *before,
            *(turn for part in parts if isinstance(part, list) for turn in turns_of(part, "prompt")),
        ], False
    texts = [text_of(part or "", column) for part, column in zip(parts, ("instruction", "input"), strict=True)]
    prompt = "\n".join(text for text in texts if text.strip())
    if before and before[-1] == Turn("user", prompt):  # a log's history holds what is asked now, too
        return before, False
    rendered = prompt_turns(prompt)
    return [*before, *(rendered or [Turn("user", prompt)])], bool(rendered)


def _reply_of(text: str, is_rendered: bool) -> str:
    """A reply without a format's end mark, and without the space that parts it from a marked prompt."""
    text = without_end(text)
    return text.strip() if is_rendered else text


def preference(row: Row) -> Turns:
    """Preference pairs: chosen and rejected answers to instruction (prompt), messages or conversations.

    Answers are text or messages; the chosen one is learned. Or messages whose last reply is the chosen one, and
    rejected_response (ms-swift). Where nothing else is given, the chosen text holds the prompt, too.
    """
    chosen = row.get("chosen")
    earlier = next((row[column] for column in ("messages", "conversations") if row.get(column)), None)
    if isinstance(row.get("input"), dict):  # OpenAI's
        earlier = row["input"].get("messages")
    if isinstance(chosen, list) and any(turn.role == "user" for turn in turns_of(chosen, "chosen")):
        return turns_of(chosen, "chosen")
    if earlier is not None:
        prompt, is_rendered = [*_before(row), *turns_of(earlier, "messages")], False
    elif isinstance(chosen, str) and not any(row.get(column) for column in ("instruction", "input")):
        return [*_before(row), *_human_and_assistant(chosen)]
    else:
        prompt, is_rendered = _prompt(row)
    if chosen is None:
        return prompt
    return [*prompt, Turn("assistant", _reply_of(reply_in(chosen, "chosen"), is_rendered))]


def _human_and_assistant(text: str) -> list[Turn]:
    """The turns of a text that has them all, as HH-RLHF writes it."""
    parts: list[str] = re.split(r"(?:^|\n\n)(Human|Assistant): ?", text)
    if parts[0].strip() or len(parts) < 3:
        return rendered_turns(text) or [Turn("assistant", text)]
    sides = zip(parts[1::2], parts[2::2], strict=True)
    return [Turn("user" if speaker == "Human" else "assistant", text) for speaker, text in sides]


def rendered(row: Row) -> Turns:
    """A conversation in `text` (or `input` alone) as a model's format writes it: `### Human: … ### Assistant: …`."""
    column = "text" if "text" in row else "input"
    if turns := rendered_turns(text_of(row.get(column), column)):
        return turns
    raise ColumnsError(NO_MARKS, column=column)


def ultrachat(row: Row) -> Turns:
    """data: a list of texts of two who take turns (UltraChat), or of {role, content}."""
    return [*_before(row), *dialogue({**row, "dialogue": row.get("data")})]


def _listed(row: Row, column: str) -> Iterator[Turn]:
    system = row.get("system") or ""
    if isinstance(system, dict):  # Gemini's
        system = next((system[key] for key in TEXTS if key in system), system)
    yield Turn("system", content_of(system, "system"))
    value = row.get(column)
    rendered = rendered_turns(value) if isinstance(value, str) and not value.lstrip().startswith("[") else []
    if isinstance(value, list) and len(value) > 1 and all(isinstance(text, str) for text in value):  # LIMA's
        yield from dialogue({**row, "dialogue": value})
        return
    yield from rendered or turns_of(value, column, row.get("character"))


def _answered(spoken: Turns, row: Row) -> list[Turn]:
    """The turns of a conversation; one that ends before the answer takes it from the reply's column (a response)."""
    turns = list(spoken)
    if turns[-1].role == "user" and row.get("output") is not None:
        turns.append(Turn("assistant", reply_in(row["output"], "output")))
    return turns


def _before(row: Row) -> Iterator[Turn]:
    """The system prompt and the history of a row."""
    yield Turn("system", text_of(row.get("system") or "", "system"))
    history = list_of(row.get("history") or [], "history")
    if history and all(isinstance(turn, dict) for turn in history):
        yield from turns_of(history, "history")
        return
    if history and _are_texts(history):
        yield from _in_texts(history, has_prompt=any(row.get(column) for column in ("instruction", "input")))
        return
    for number, pair in enumerate(history, 1):
        question, answer = pair if isinstance(pair, list) and len(pair) == 2 else (None, None)
        yield Turn("user", text_of(question, marked("the question of history pair {number}"), number=number))
        yield Turn("assistant", text_of(answer, marked("the answer of history pair {number}"), number=number))


def _in_texts(history: Sequence[str], has_prompt: bool) -> Iterator[Turn]:
    """A history of texts by two who take turns; the last one is answered, or comes before the prompt that is."""
    if len(history) % 2 == has_prompt:
        raise RowError(
            "history is a list of {count} texts, and who speaks first is not clear: write it as pairs, "
            '[["what is said", "what is answered"], …], or as messages',
            count=len(history),
        )
    for number, text in enumerate(history):
        yield Turn("assistant" if number % 2 else "user", text)


def reply_in(value: object, name: str) -> str:
    """The reply in text, in a message, or in a list of messages, whose last one it is."""
    if isinstance(value, str) and "\n\nAssistant:" in value:
        return value.rpartition("\n\nAssistant:")[2].strip()
    if isinstance(value, str):
        rendered = rendered_turns(value)
        return rendered[-1].text if rendered and not rendered[0].text else without_end(value)
    if isinstance(value, dict):
        choices = value.get("choices")  # of a completion
        value = [choices[0].get("message", choices[0])] if choices and _are_objects(choices) else [value]
    if not isinstance(value, list):
        return text_of(value, name)
    replies = [turn.text for turn in turns_of(value, name) if turn.role == "assistant"]
    if not replies:
        raise RowError("{name} holds no reply", name=name)
    return replies[-1]


def _are_objects(value: object) -> TypeGuard[list[Row]]:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _any(*needed: str) -> tuple[frozenset[str], ...]:
    """Any one of some columns, or of some sets of columns with `+` between."""
    return tuple(frozenset(names.split("+")) for names in needed)


LABELLED_REPLY = re.compile(r"\s*[^\s:：「」]{1,20}\s*[:：]\s*「([^「」]*)」\s*")
"""A reply under its speaker's name, as ChatHaruhi writes it: 阿澈:「好。」"""
PIPPA = frozenset({"bot_greeting", "bot_definitions", "bot_description"})
"""What PIPPA tells of a bot; it is part of no turn (`data.columns` can make it the system prompt)."""
BEFORE = frozenset({"system", "history"})
FORMATS: dict[str, Format] = {
    "preference": Format(
        _any("chosen+rejected", "messages+rejected"),
        preference,
        BEFORE | {"instruction", "input", "messages", "conversations"},
    ),
    "messages": Format(_any("messages"), messages, frozenset({"system"})),
    "sharegpt": Format(_any("conversations"), sharegpt, frozenset({"system"})),
    "conversation": Format(_any("conversation"), conversation, frozenset({"system"}) | PIPPA),
    "dialogue": Format(_any("dialogue"), dialogue, frozenset({"speakers"})),
    "alpaca": Format(_any("instruction", "output"), alpaca, BEFORE | {"input"}),
    "transcript": Format(_any("input+character"), transcript),
    "rendered": Format(_any("text", "input"), rendered),
    "ultrachat": Format(_any("data"), ultrachat, frozenset({"system"})),
}
"""The formats by name, in the order in which a row is tried."""
