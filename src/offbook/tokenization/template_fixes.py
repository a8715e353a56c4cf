"""What a model's chat template cannot say, put right in its source, so that whoever renders it says the same.

A template is probed with marked turns. Where it takes lists of parts in place of a text (models of text and pictures),
where it refuses or drops a system prompt, where it wants the user to speak first, where it leaves a thought open that
the character never thinks, and where it writes marks between the prompt and the reply, a few lines of Jinja are put
around it. The tokenizer's template is replaced by the result: training, chat, server and exports all use that one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from offbook.core.i18n import marked, translate
from offbook.core.progress import fill
from offbook.core.types import Turn

Render = Callable[[str, Sequence[Turn], bool], str | None]
"""(source, turns, generation prompt) → the text, or None where the template refuses the turns."""

DATE_ARGUMENT = "template_date"
"""The template argument that keeps the date of training (ISO 8601), stored with the character."""
STRFTIME = re.compile(r"strftime_now\(\s*(['\"])(.*?)\1\s*\)")

# `{{ '' }}` keeps Jinja's trim_blocks from eating a newline that the template begins with.
CONTENT_AS_PARTS = (
    "{%- set listed = namespace(messages=[]) %}{%- for message in messages %}"
    "{%- set listed.messages = listed.messages + [{'role': message['role'], 'content':"
    " [{'type': 'text', 'text': message['content']}] if message['content'] is string else message['content']}] %}"
    "{%- endfor %}{%- set messages = listed.messages %}{{- '' }}"
)
SYSTEM_IN_USER_TURN = (
    "{%- if messages and messages[0]['role'] == 'system' %}"
    "{%- if messages | length > 1 and messages[1]['role'] == 'user' %}"
    "{%- set messages = [{'role': 'user', 'content': messages[0]['content'] + '\\n\\n' + messages[1]['content']}]"
    " + messages[2:] %}"
    "{%- else %}{%- set messages = [{'role': 'user', 'content': messages[0]['content']}] + messages[1:] %}{%- endif %}"
    "{%- endif %}{{- '' }}"
)
USER_FIRST = (
    "{%- if messages and messages[0]['role'] == 'assistant' %}"
    "{%- set messages = [{'role': 'user', 'content': ''}] + messages %}"
    "{%- elif messages | length > 1 and messages[0]['role'] == 'system' and messages[1]['role'] == 'assistant' %}"
    "{%- set messages = [messages[0], {'role': 'user', 'content': ''}] + messages[1:] %}"
    "{%- endif %}{{- '' }}"
)
CLOSE_THOUGHT = r"{%- if add_generation_prompt %}{{- 'GAP\n</think>\n\n' }}{%- endif %}"
BEFORE_REPLY = "{%- if add_generation_prompt %}{{- OPENING }}{%- endif %}"

SYSTEM = Turn("system", "\ue000system\ue001")
USER = Turn("user", "\ue000question\ue001")
REPLY = Turn("assistant", "\ue000reply\ue001")
SECOND = Turn("user", "\ue000second question\ue001")


def fix(source: str, render: Render) -> tuple[str, list[str]]:
    """The template's source, changed where it has to be, and what was changed, in sentences."""
    notes: list[str] = []

    def takes(candidate: str, *conversations: Sequence[Turn]) -> bool:
        return all(_says(render(candidate, turns, True), turns) for turns in conversations)

    if not takes(source, [USER]):
        if not takes(CONTENT_AS_PARTS + source, [USER]):
            return source, notes  # whatever is wrong with it, it is not one of these
        source = CONTENT_AS_PARTS + source
        notes.append(
            translate("the chat template wants a message as a list of parts: each is given as one part, a text")
        )
    folded = "" if takes(source, [SYSTEM, USER]) else SYSTEM_IN_USER_TURN
    if folded and takes(folded + source, [SYSTEM, USER]):
        notes.append(
            translate("the chat template has no system role: the system prompt stands in front of the first user turn")
        )
    elif folded:
        folded = ""
        notes.append(
            translate("the chat template leaves out the system prompt, or a part of it: the model never sees it")
        )
    greeted = ([REPLY, SECOND], [SYSTEM, REPLY, SECOND])
    # Behind the folding: what was a system prompt is a user turn by then.
    first = "" if takes(folded + source, *greeted) else USER_FIRST
    if first and takes(folded + first + source, *greeted):
        notes.append(
            translate("the chat template wants the user to speak first: a greeting follows an empty user turn")
        )
    else:
        first = ""
    source = folded + first + source
    if thought := re.search(r"<think>(\s*)$", render(source, [USER], True) or ""):
        source += CLOSE_THOUGHT.replace("GAP", "" if "\n" in thought[1] else r"\n")
        notes.append(
            translate("the chat template opens a thought before each reply: it is closed, empty, in every prompt")
        )
    if marks := _before_reply(source, render):
        source += BEFORE_REPLY.replace("OPENING", json.dumps(marks, ensure_ascii=False))
        text = marked("the chat template writes {marks} before each reply: it is a part of every prompt")
        notes.append(fill(text, {"marks": marks.strip()}))
    return source, notes


def _before_reply(source: str, render: Render) -> str:
    """What stands between the end of a prompt and the reply, and is no part of what the character says."""
    prompt, full = render(source, [USER], True), render(source, [USER, REPLY], False)
    if prompt is None or full is None or not full.startswith(prompt):
        return ""
    between = full[len(prompt) :].partition(REPLY.text)[0]
    return between if between.strip() else ""


def notes_on_marks_after(marks: str) -> list[str]:
    """A sentence on what a template writes between a reply and its stop token; none where that is nothing."""
    text = marked("the chat template writes {marks} after each reply: the character ends its replies without it")
    return [fill(text, {"marks": marks})] if marks else []


def freeze_date(source: str, arguments: Mapping[str, Any]) -> str:
    """The source with the date of training where it asks for today's; `arguments` holds it as `DATE_ARGUMENT`."""
    if DATE_ARGUMENT not in arguments:
        return source
    day = date.fromisoformat(arguments[DATE_ARGUMENT])
    source = STRFTIME.sub(lambda call: repr(day.strftime(call[2])), source)
    return source.replace("strftime_now is defined", "true")


def asks_for_date(source: str) -> bool:
    """Whether a template writes the current date."""
    return "strftime_now" in source


def _says(text: str | None, turns: Sequence[Turn]) -> bool:
    """Whether each turn's text stands in what was rendered, in their order."""
    places = [(text or "").find(turn.text) for turn in turns]
    return -1 not in places and places == sorted(places)
