"""The Modelfile that Ollama reads: template, prompt, stop parameter, sampling."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from offbook.core.errors import UsageError
from offbook.exporters.gguf_vocab import leading_space
from offbook.exporters.source import ExportSource

_SYSTEM, _USERS, _REPLIES = "\ue010", ("\ue011", "\ue012", "\ue013"), ("\ue014", "\ue015")
"""Placeholders for the texts of a conversation."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The text that a chat template writes around the turns of an alternating conversation."""

    before_first: str
    """Before the first user turn, where there is no system turn."""
    before_system: str
    after_system: str
    after_user: str
    """Up to where an earlier reply stands."""
    before_answer: str
    """After the last user turn, up to where the character speaks: with the marks of a closed thought, if need be."""
    after_reply: str
    """Up to where the user speaks."""

    def prompt(self, messages: Sequence[dict[str, str]], system: str | None) -> str:
        """The prompt that Ollama makes of `go_template`; `system` stands in where the messages bring none."""
        if system is not None and all(message["role"] != "system" for message in messages):
            messages = [{"role": "system", "content": system}, *messages]
        text = "" if messages[0]["role"] == "system" else self.before_first
        for message in messages:
            before = self.before_system if message["role"] == "system" else ""
            text += before + message["content"] + self._after(message["role"], is_last=message is messages[-1])
        return text

    def _after(self, role: str, *, is_last: bool) -> str:
        user = self.before_answer if is_last else self.after_user
        return {"system": self.after_system, "user": user, "assistant": self.after_reply}[role]

    @property
    def go_template(self) -> str:
        """The same in the template language that Ollama knows."""
        before_first = f"{{{{ if not .System }}}}{self.before_first}{{{{ end }}}}" if self.before_first else ""
        loop, after_user = "{{ range .Messages }}", self.after_user
        if self.before_answer != self.after_user:
            loop = "{{ range $index, $message := .Messages }}"
            is_last = "if eq (len (slice $.Messages $index)) 1"
            after_user = f"{{{{ {is_last} }}}}{self.before_answer}{{{{ else }}}}{self.after_user}{{{{ end }}}}"
        system = f'{{{{ if eq .Role "system" }}}}{self.before_system}{{{{ .Content }}}}{self.after_system}'
        user = f'{{{{ else if eq .Role "user" }}}}{{{{ .Content }}}}{after_user}'
        reply = f'{{{{ else if eq .Role "assistant" }}}}{{{{ .Content }}}}{self.after_reply}'
        return f"{before_first}{loop}{system}{user}{reply}{{{{ end }}}}{{{{ end }}}}"


def layout(source: ExportSource) -> Layout | None:
    """Find the layout of the character's chat template by rendering placeholders.

    Returns:
        None where the template does more than write text around the turns: which text stands there depends on the
        number of turns, or on the system prompt.
    """

    def pieces(roles: Sequence[str]) -> list[str] | None:
        """The text before, between and behind the placeholders of a conversation."""
        users, replies = iter(_USERS), iter(_REPLIES)
        texts = [_SYSTEM if role == "system" else next(users if role == "user" else replies) for role in roles]
        messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
        kwargs = source.persona.template_kwargs
        rendered = source.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **kwargs)
        rendered = leading_space(source.tokenizer, rendered) + rendered
        parts = re.split(f"({'|'.join(texts)})", rendered)
        return parts[::2] if parts[1::2] == texts else None

    talk = ("user", "assistant") * 2 + ("user",)
    shapes = [pieces(roles) for roles in (("user",), talk, ("system", "user"), ("system", *talk))]
    if any(shape is None for shape in shapes):
        return None
    short, long, short_prompted, prompted = (shape for shape in shapes if shape is not None)
    before_system, after_system, after_user, after_reply = prompted[:4]
    before_first, before_answer = short
    regular = [after_user, after_reply, after_user, after_reply, before_answer]
    is_regular = (
        long == [before_first, *regular]
        and prompted == [before_system, after_system, *regular]
        and short_prompted == [before_system, after_system, before_answer]
    )
    return (
        Layout(before_first, before_system, after_system, after_user, before_answer, after_reply)
        if is_regular
        else None
    )


def modelfile(source: ExportSource, file_name: str, layout: Layout | None) -> str:
    """The Modelfile's text, for a GGUF beside it; without a layout, Ollama renders the template inside the GGUF."""
    persona, settings = source.persona, source.persona.generation
    lines = [f"FROM ./{file_name}"]
    if layout is not None:
        lines.append(f"TEMPLATE {_quoted(layout.go_template)}")
    if layout is not None and persona.system is not None:  # the template inside the GGUF has the prompt in it
        lines.append(f"SYSTEM {_quoted(persona.system)}")
    lines += [
        f"PARAMETER stop {_quoted(persona.stop_token.token)}",
        f"PARAMETER temperature {settings.temperature}",
        f"PARAMETER top_p {settings.top_p}",
        "PARAMETER top_k 0",
        "PARAMETER min_p 0.0",
        f"PARAMETER repeat_penalty {settings.repetition_penalty}",
        f"PARAMETER num_predict {settings.max_new_tokens}",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    if '"""' in text:
        raise UsageError(
            'Ollama cannot hold a prompt with """ in it', "Take it out of persona.system, or use --to gguf."
        )
    return f'"""{text}"""'
