"""The template with the character's prompt in it, and Ollama's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.exporters.modelfile import layout, modelfile
from offbook.exporters.self_contained_template import self_contained
from tests.tiny import chatml_tokenizer, ernie_tokenizer

PROMPT = "Say \"{{ no }}\", 'no' \\n\nand 不。{% if x %}"
HELLO = [{"role": "user", "content": "Hello"}]
TALK = [*HELLO, {"role": "assistant", "content": "Words"}, {"role": "user", "content": "Night"}]


def render(tokenizer: Any, template: Any, messages: Any) -> Any:
    return tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=True)


@pytest.mark.parametrize("make", [chatml_tokenizer, ernie_tokenizer])
@pytest.mark.parametrize("messages", [HELLO, TALK])
def test_the_prompt_is_there_unless_another_is_given(make: Any, messages: Any) -> None:
    tokenizer = make()
    template = self_contained(tokenizer.chat_template, {}, PROMPT)
    with_prompt = [{"role": "system", "content": PROMPT}, *messages]
    assert render(tokenizer, template, messages) == render(tokenizer, None, with_prompt)
    other = [{"role": "system", "content": "Another"}, *messages]
    assert render(tokenizer, template, other) == render(tokenizer, None, other)


def test_arguments_are_set() -> None:
    source = "{% if enable_thinking is defined and not enable_thinking %}quiet{% endif %}{{ messages[0].content }}"
    tokenizer = chatml_tokenizer()
    assert render(tokenizer, self_contained(source, {"enable_thinking": False}, None), HELLO) == "quietHello"
    assert self_contained(source, {}, None) == source


def original(tokenizer: Any, system: Any = PROMPT, **settings: Any) -> Any:
    generation = SimpleNamespace(temperature=0.7, top_p=0.9, repetition_penalty=1.1, max_new_tokens=9, **settings)
    persona = SimpleNamespace(
        system=system, generation=generation, template_kwargs={}, stop_token=SimpleNamespace(token="<|im_end|>")
    )
    return SimpleNamespace(tokenizer=tokenizer, persona=persona)


@pytest.mark.parametrize("make", [chatml_tokenizer, ernie_tokenizer])
@pytest.mark.parametrize("messages", [HELLO, TALK, [{"role": "system", "content": "Another"}, *TALK]])
@pytest.mark.parametrize("system", [PROMPT, None])
def test_ollama_writes_the_same_prompt(make: Any, messages: Any, system: Any) -> None:
    tokenizer = make()
    result = layout(original(tokenizer, system))
    brings = messages[0]["role"] == "system" or system is None
    expected = messages if brings else [{"role": "system", "content": system}, *messages]
    assert result.prompt(messages, system) == render(tokenizer, None, expected)


def test_the_go_template() -> None:
    assert layout(original(chatml_tokenizer())).go_template == (
        "{{ if not .System }}<|im_start|>user\n{{ end }}{{ range .Messages }}"
        '{{ if eq .Role "system" }}<|im_start|>system\n{{ .Content }}<|im_end|>\n<|im_start|>user\n'
        '{{ else if eq .Role "user" }}{{ .Content }}<|im_end|>\n<|im_start|>assistant\n'
        '{{ else if eq .Role "assistant" }}{{ .Content }}<|im_end|>\n<|im_start|>user\n{{ end }}{{ end }}'
    )


def test_a_template_that_ollama_cannot_hold() -> None:
    tokenizer = chatml_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m.content | upper | replace('\ue011', '') }}{% endfor %}"
    with pytest.raises(UsageError, match="Ollama's template language"):
        layout(original(tokenizer))


def test_a_prompt_that_ollama_cannot_hold() -> None:
    tricky = original(chatml_tokenizer(), 'Say """')
    with pytest.raises(UsageError, match="Ollama cannot hold"):
        modelfile(tricky, "x.gguf", layout(tricky))
