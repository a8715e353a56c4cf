"""Conversation → Example, through the model's own chat template.

The prompt's ids are those of inference time: the template rendered whole with its generation prompt and encoded whole,
as every runtime does it. A reply's ids follow them, and end with the token that ends a reply.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any

from jinja2 import Environment, TemplateSyntaxError

from offbook.core.errors import UsageError
from offbook.core.i18n import marked
from offbook.core.types import NO_LABEL, Conversation, Example, Origin, Turn
from offbook.tokenization import template_fixes
from offbook.tokenization.stop_tokens import find_ending, marks_before
from offbook.tokenization.time_limit import TimeLimit

# A template is foreign code: transformers' sandbox bounds what it can reach, this bounds how long it may take. A
# rendering takes a fraction of a millisecond, so that even a busy machine comes nowhere near.
_RENDERING = TimeLimit(seconds=5)

_REMOVE_THIS = marked("Remove it from the text: {token}")
_REMOVE_IT = marked("Remove it from the text.")
_BUILT_IN = marked("Choose a built-in one with --model.template chatml.")

# Private-use characters: no template and no tokenizer gives them a meaning.
_MARK = "\ue000{}\ue001"


class ChatTemplate:
    """The chat template of a tokenizer, as training, chat, server and export all use it.

        template = ChatTemplate(tokenizer)
        ids = template.prompt_ids([Turn("user", "Who are you?")])
        examples = template.examples(conversation, max_length=1024)

    Args:
        tokenizer: a transformers tokenizer that has a chat template.
        kwargs: template arguments; default: `default_kwargs(tokenizer)`.

    The tokenizer's template is replaced by one that takes every turn of a character's (see `template_fixes`); `notes`
    says in sentences what was changed.
    """

    def __init__(self, tokenizer: Any, kwargs: dict[str, Any] | None = None) -> None:
        self.tokenizer = tokenizer
        self.kwargs = default_kwargs(tokenizer) if kwargs is None else kwargs
        _refuse_arguments(tokenizer, self.kwargs)
        _refuse_powers(tokenizer.chat_template)
        source = template_fixes.freeze_date(tokenizer.chat_template, self.kwargs)
        tokenizer.chat_template, self.notes = template_fixes.fix(source, self._try)
        prompt = self._try(tokenizer.chat_template, [template_fixes.USER], True)
        if prompt is not None and template_fixes.USER.text not in prompt.casefold():
            raise UsageError("the model's chat template leaves out what the user says", _BUILT_IN)
        control = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
        control |= set(tokenizer.all_special_tokens)
        longest_first = sorted(control, key=len, reverse=True)
        # A tokenizer without control tokens gets a pattern that never matches.
        self._control = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        # The unknown token stands for any character that the tokenizer does not know: text may become it.
        self._control_ids = {tokenizer.convert_tokens_to_ids(token) for token in control} - {tokenizer.unk_token_id}
        self.stop_token = find_ending(tokenizer, self.render)
        self._marks_after = marks_before(self.stop_token, self.render)
        self.notes += template_fixes.notes_on_marks_after(self._marks_after)

    @property
    def sha256(self) -> str:
        """Hash of the template's source, for `persona.json`."""
        return sha256(self.tokenizer.chat_template.encode()).hexdigest()

    def render(self, turns: Sequence[Turn], *, generation_prompt: bool) -> str:
        """The text that the model sees; with `generation_prompt` it ends where the character starts to speak.

        Raises:
            UsageError: the template refuses these turns.
        """
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        try:
            with _RENDERING:
                return self.tokenizer.apply_chat_template(
                    messages, tokenize=False, add_generation_prompt=generation_prompt, **self.kwargs
                )
        except TimeoutError:
            raise UsageError(
                "the model's chat template did not end within {seconds:.0f} seconds",
                _BUILT_IN,
                seconds=_RENDERING.seconds,
            ) from None
        except Exception as error:  # a template is foreign code in a sandbox: it may raise anything
            raise UsageError(
                "the model's chat template refuses a conversation ({turns}): {error}",
                _BUILT_IN,
                turns=", ".join(t.role for t in turns),
                error=error,
            ) from None

    def _try(self, source: str, turns: Sequence[Turn], generation_prompt: bool) -> str | None:
        """What another template makes of the turns; None where it refuses them."""
        original, self.tokenizer.chat_template = self.tokenizer.chat_template, source
        try:
            return self.render(turns, generation_prompt=generation_prompt)
        except UsageError:
            return None
        finally:
            self.tokenizer.chat_template = original

    def prompt_ids(self, turns: Sequence[Turn]) -> list[int]:
        """Ids of a prompt, up to where the character starts to speak. Text in a turn never becomes a control id."""
        return self._encode(turns, generation_prompt=True)

    def reply_ids(self, turns: Sequence[Turn], prompt: list[int]) -> list[int]:
        """Ids of the last turn, the character's, as they follow `prompt`: its text and its ending token.

        Where encoding the whole conversation would merge the prompt's last characters with the reply's first ones
        (which no model can generate after the prompt), the reply is encoded on its own; so it is where the template
        writes marks after it, which are not what the character says.
        """
        rendered = [] if self._marks_after else self._encode(turns, generation_prompt=False)
        if rendered[: len(prompt)] == prompt and self.stop_token.id in rendered[len(prompt) :]:
            tail = rendered[len(prompt) :]
            return tail[: tail.index(self.stop_token.id) + 1]
        return [*self.text_ids(turns[-1].text), self.stop_token.id]

    def text_ids(self, text: str) -> list[int]:
        """Ids of plain text: whatever it says, no control id comes of it.

        Raises:
            UsageError: it holds a control token that the tokenizer cannot write as text.
        """
        if not text:
            return []
        ids = self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        if self._control_ids.isdisjoint(ids):
            return ids
        # To a Unigram tokenizer a control token may be a word of its vocabulary like any other.
        return [
            piece for number in ids for piece in (self._spelled(number) if number in self._control_ids else [number])
        ]

    def _spelled(self, control_id: int) -> list[int]:
        """The ids of a control token's text, character by character."""
        token = self.tokenizer.convert_ids_to_tokens(control_id)
        letters = self.tokenizer.convert_tokens_to_ids(list(token))
        if {None, self.tokenizer.unk_token_id, *self._control_ids} & set(letters):
            raise UsageError(
                "the model's tokenizer cannot write '{token}' as text",
                "Remove it from the text.",
                token=token,
            )
        return letters

    def examples(self, conversation: Conversation, max_length: int) -> list[Example]:
        """The training sequences of a conversation: one, or one a reply where the template rewrites its history.

        A sequence longer than `max_length` loses its oldest turns; if the last exchange alone is too long, the reply
        loses its end, ending token included. Both are counted in the Example.

        Raises:
            UsageError: nothing would be left to learn.
        """
        turns, origin = conversation.turns, conversation.origin
        examples: list[Example] = []
        for ids, labels, end in self._sequences(turns):
            fits = len(ids) <= max_length
            example = Example(ids, labels, origin) if fits else self._shortened(turns[:end], max_length, origin)
            examples.append(replace(example, continues=bool(examples)))
        return examples

    def _sequences(self, turns: Sequence[Turn]) -> list[tuple[list[int], list[int], int]]:
        """(ids, labels, end) of each sequence.

        It holds the turns before `end` and learns those of its replies that no sequence before it has learned.
        """
        done: list[tuple[list[int], list[int], int]] = []
        ids: list[int] = []
        labels: list[int] = []
        for index, turn in enumerate(turns):
            if turn.role != "assistant":
                continue
            prompt = self.prompt_ids(turns[:index])
            if prompt[: len(ids)] != ids:  # the template rewrote its history: what was said stands elsewhere now
                ids, labels = [], []
            elif done:
                done.pop()
            reply = self.reply_ids(turns[: index + 1], prompt)[: None if turn.has_stop_token else -1]
            learned = reply if turn.weight else [NO_LABEL] * len(reply)
            labels = [*labels, *[NO_LABEL] * (len(prompt) - len(ids)), *learned]
            ids = [*prompt, *reply]
            done.append((ids, labels, index + 1))
        return [each for each in done if any(label != NO_LABEL for label in each[1])]

    def _shortened(self, turns: Sequence[Turn], max_length: int, origin: Origin) -> Example:
        """The last sequence of a conversation that is too long, from as early a turn as fits."""
        system = list(turns[:1]) if turns[0].role == "system" else []
        starts = [index for index in range(len(system) + 1, len(turns)) if turns[index].role == "user"]
        for start in starts or [len(system)]:
            ids, labels, _ = self._sequences([*system, *turns[start:]])[-1]
            if len(ids) <= max_length:
                break
        if all(label == NO_LABEL for label in labels[:max_length]):
            raise UsageError(
                "{origin}: the prompt alone is longer than data.max_length ({max_length} tokens): no reply is left",
                "Raise it (--data.max_length {count}), shorten the row, or skip such rows: --data.on_error skip",
                origin=origin,
                max_length=max_length,
                count=len(ids),
            )
        truncated = max(len(ids) - max_length, 0)
        return Example(ids[:max_length], labels[:max_length], origin, start - len(system), truncated)

    def _encode(self, turns: Sequence[Turn], *, generation_prompt: bool) -> list[int]:
        text = self.render(turns, generation_prompt=generation_prompt)
        if not any(self._control.search(turn.text) for turn in turns):
            encoded: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            # A tokenizer that normalises may still find a control token in a turn: fullwidth ＜/s＞ becomes </s>.
            if sum(number in self._control_ids for number in encoded) <= len(self._control.findall(text)):
                return encoded
        ids: list[int] = []
        run = ""
        for piece, is_control in self._runs(turns, generation_prompt, text):
            if is_control:
                ids += [*self.text_ids(run), self.tokenizer.convert_tokens_to_ids(piece)]
                run = ""
            else:
                run += piece
        return ids + self.text_ids(run)

    def _runs(self, turns: Sequence[Turn], generation_prompt: bool, text: str) -> list[tuple[str, bool]]:
        """`text` cut at the template's own control tokens: (piece, is a control token).

        The template's part is what it renders around marks in the place of the turns' texts. That the pieces put
        together give `text` again is checked, so that no trick with a turn's text can move a border.
        """
        marks = [Turn(turn.role, _MARK.format(number)) for number, turn in enumerate(turns)]
        marked = self.render(marks, generation_prompt=generation_prompt)
        scaffold = re.split("|".join(re.escape(mark.text) for mark in marks), marked)
        for contents in ([turn.text for turn in turns], [turn.text.strip() for turn in turns]):
            joined = [part for pair in zip(scaffold, [*contents, ""], strict=False) for part in pair]
            if len(scaffold) == len(turns) + 1 and "".join(joined) == text:
                break
        else:
            match = self._control.search(" ".join(turn.text for turn in turns))
            raise UsageError(
                "a turn holds the text of a control token, and the model's template rewrites that turn",
                _REMOVE_THIS if match else _REMOVE_IT,
                token=match.group() if match else "",
            )
        runs: list[tuple[str, bool]] = []
        for number, part in enumerate(joined):
            if number % 2:
                runs.append((part, False))
                continue
            start = 0
            for match in self._control.finditer(part):
                runs += [(part[start : match.start()], False), (match.group(), True)]
                start = match.end()
            runs.append((part[start:], False))
        return runs


def default_kwargs(tokenizer: Any, day: str | None = None) -> dict[str, Any]:
    """Template arguments for a character: no thinking aloud, and a fixed date where the current one is asked for.

    Args:
        tokenizer: a transformers tokenizer.
        day: the date (ISO 8601) that a template writes which asks for the current one; default: today's.
    """
    source = tokenizer.chat_template or ""
    arguments: dict[str, Any] = {"enable_thinking": False} if "enable_thinking" in source else {}
    if template_fixes.asks_for_date(source):
        arguments[template_fixes.DATE_ARGUMENT] = day or date.today().isoformat()
    return arguments


def _refuse_arguments(tokenizer: Any, arguments: Mapping[str, Any]) -> None:
    """Arguments come from a file, too: they may set what a template asks for, and nothing of how it is rendered.

    Raises:
        UsageError: an argument is one of the tokenizer's own (another template among them), or no plain value.
    """
    reserved = inspect.signature(tokenizer.apply_chat_template).parameters
    for name, value in arguments.items():
        if name in reserved or not isinstance(value, str | bool | int | float | None):
            raise UsageError(
                "the template argument {name} is none that a character may bring (template_kwargs in persona.json)",
                "Take it out of that file, or train the run again.",
                name=name,
            )


def _refuse_powers(source: str) -> None:
    """9**9**9 takes years in one instruction, which no time limit interrupts; no prompt needs powers.

    Raises:
        UsageError: the template computes a power, or is no template.
    """
    try:
        tokens = [(kind, value) for _, kind, value in Environment().lex(source)]
    except TemplateSyntaxError as error:
        raise UsageError(
            "the model's chat template is damaged: {error}",
            _BUILT_IN,
            error=error,
        ) from None
    if ("operator", "**") in tokens:
        raise UsageError("the model's chat template computes powers, which can take for ever", _BUILT_IN)
