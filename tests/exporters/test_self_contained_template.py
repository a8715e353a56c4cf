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
    assert result is not None
    brings = messages[0]["role"] == "system" or system is None
    expected = messages if brings else [{"role": "system", "content": system}, *messages]
    assert result.prompt(messages, system) == render(tokenizer, None, expected)


def test_the_go_template() -> None:
    result = layout(original(chatml_tokenizer()))
    assert result is not None
    assert result.go_template == (
        "{{ if not .System }}<|im_start|>user\n{{ end }}{{ range .Messages }}"
        '{{ if eq .Role "system" }}<|im_start|>system\n{{ .Content }}<|im_end|>\n<|im_start|>user\n'
        '{{ else if eq .Role "user" }}{{ .Content }}<|im_end|>\n<|im_start|>assistant\n'
        '{{ else if eq .Role "assistant" }}{{ .Content }}<|im_end|>\n<|im_start|>user\n{{ end }}{{ end }}'
    )


CLOSED_THOUGHT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n\n</think>\n\n{% endif %}"
)


@pytest.mark.parametrize("messages", [HELLO, TALK])
def test_a_thought_is_closed_only_where_the_character_is_to_speak(messages: Any) -> None:
    tokenizer = chatml_tokenizer()
    tokenizer.chat_template = CLOSED_THOUGHT
    result = layout(original(tokenizer))
    assert result is not None
    expected = [{"role": "system", "content": PROMPT}, *messages]
    assert result.prompt(messages, PROMPT) == render(tokenizer, None, expected)
    assert (
        "{{ if eq (len (slice $.Messages $index)) 1 }}<|im_end|>\n<|im_start|>assistant\n<think>" in result.go_template
    )


def test_a_template_that_ollama_cannot_hold_is_left_to_the_gguf() -> None:
    tokenizer = chatml_tokenizer()
    # The prompt stands in front of the last question, wherever that is: Mistral's way.
    tokenizer.chat_template = (
        "{% set prompt = messages[0]['content'] if messages[0]['role'] == 'system' else '' %}"
        "{% for m in messages %}{% if m['role'] != 'system' %}[{{ m['role'] }}]"
        "{% if loop.last %}{{ prompt }}{% endif %}{{ m['content'] }}<|im_end|>{% endif %}{% endfor %}[assistant]"
    )
    source = original(tokenizer)
    assert layout(source) is None
    text = modelfile(source, "x.gguf", None)
    assert "FROM ./x.gguf" in text
    assert "TEMPLATE" not in text
    assert "SYSTEM" not in text


def test_a_prompt_that_ollama_cannot_hold() -> None:
    tricky = original(chatml_tokenizer(), 'Say """')
    with pytest.raises(UsageError, match="Ollama cannot hold"):
        modelfile(tricky, "x.gguf", layout(tricky))
