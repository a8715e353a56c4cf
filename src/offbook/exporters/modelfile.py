"""The Modelfile that Ollama reads: template, prompt, stop parameter, sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from offbook.core.errors import UsageError
from offbook.exporters.source import ExportSource

_PLACEHOLDERS = ("\ue010", "\ue011", "\ue012", "\ue013")


@dataclass(frozen=True, slots=True)
class Layout:
    """The text that a chat template writes around the turns of an alternating conversation."""

    opening: str
    """Before the first user turn, where there is no system turn."""
    before_system: str
    after_system: str
    after_user: str
    """Up to where the character speaks."""
    after_reply: str
    """Up to where the user speaks."""

    def prompt(self, messages: Sequence[dict[str, str]], system: str | None) -> str:
        """The prompt that Ollama makes of `go_template`; `system` stands in where the messages bring none."""
        if system is not None and all(message["role"] != "system" for message in messages):
            messages = [{"role": "system", "content": system}, *messages]
        around = {
            "system": (self.before_system, self.after_system),
            "user": ("", self.after_user),
            "assistant": ("", self.after_reply),
        }
        turns = [around[m["role"]][0] + m["content"] + around[m["role"]][1] for m in messages]
        return ("" if messages[0]["role"] == "system" else self.opening) + "".join(turns)

    @property
    def go_template(self) -> str:
        """The same in the template language that Ollama knows."""
        system = f'{{{{ if eq .Role "system" }}}}{self.before_system}{{{{ .Content }}}}{self.after_system}'
        user = f'{{{{ else if eq .Role "user" }}}}{{{{ .Content }}}}{self.after_user}'
        reply = f'{{{{ else if eq .Role "assistant" }}}}{{{{ .Content }}}}{self.after_reply}'
        opening = f"{{{{ if not .System }}}}{self.opening}{{{{ end }}}}" if self.opening else ""
        return f"{opening}{{{{ range .Messages }}}}{system}{user}{reply}{{{{ end }}}}{{{{ end }}}}"


def layout(source: ExportSource) -> Layout:
    """Find the layout of the character's chat template by rendering placeholders.

    Raises:
        UsageError: the template does more than write text around the turns.
    """

    def render(messages: list[dict[str, str]]) -> str:
        kwargs = source.persona.template_kwargs
        text: str = source.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **kwargs)
        return text

    system, first, reply, second = _PLACEHOLDERS
    alone = render([{"role": "user", "content": first}])
    whole = render(
        [
            {"role": "system", "content": system},
            {"role": "user", "content": first},
            {"role": "assistant", "content": reply},
            {"role": "user", "content": second},
        ]
    )
    places = [whole.find(placeholder) for placeholder in _PLACEHOLDERS]
    parts = [whole[start + 1 : end] for start, end in zip([-1, *places], [*places, None], strict=True)]
    before_system, after_system, after_user, after_reply, end = parts
    opening, _, after_alone = alone.partition(first)
    if -1 in places or places != sorted(places) or not after_user == end == after_alone:
        raise UsageError(
            "this model's chat template cannot be written in Ollama's template language",
            "Export with --to gguf: llama.cpp reads the template itself.",
        )
    return Layout(opening, before_system, after_system, after_user, after_reply)


def modelfile(source: ExportSource, file_name: str, layout: Layout) -> str:
    """The Modelfile's text, for a GGUF beside it."""
    persona, settings = source.persona, source.persona.generation
    lines = [f"FROM ./{file_name}", f"TEMPLATE {_quoted(layout.go_template)}"]
    if persona.system is not None:
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
