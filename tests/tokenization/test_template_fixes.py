"""Templates that cannot say what a character needs: put right in their source, and said."""

from __future__ import annotations

from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.core.types import Conversation, Origin, Turn
from offbook.tokenization.chat_template import ChatTemplate, default_kwargs
from tests.tiny import CHATML, chatml_tokenizer

REFUSES_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}" + CHATML
DROPS_SYSTEM = CHATML.replace(
    "{% for message in messages %}", "{% for message in messages if message['role'] != 'system' %}"
)
ALTERNATES = (
    "{% set ns = namespace(n=0) %}{% for m in messages if m['role'] != 'system' %}"
    "{% if (m['role'] == 'user') != (ns.n % 2 == 0) %}{{ raise_exception('no') }}{% endif %}{% set ns.n = ns.n + 1 %}"
    "{% endfor %}" + CHATML
)
THINKS = CHATML.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
DATED = "{{ 'Today is ' + strftime_now('%d %B %Y') + '.\n' }}" + CHATML
SYSTEM, GREETING, USER = Turn("system", "Play Ada."), Turn("assistant", "You are late."), Turn("user", "I am.")


CHANNEL = "{{ message['role'] }}{% if message['role'] == 'assistant' %}<|channel|>final{% endif %}{{ '\\n' }}"
CHANNELS = CHATML.replace("{{ message['role'] }}\n", CHANNEL).replace("assistant\n{% endif %}", "assistant{% endif %}")


def template_of(source: str, kwargs: dict[str, Any] | None = None) -> ChatTemplate:
    tokenizer = chatml_tokenizer()
    tokenizer.chat_template = source
    return ChatTemplate(tokenizer, kwargs)


def turn(role: str, text: str) -> str:
    return f"<|im_start|>{role}\n{text}<|im_end|>\n"


def test_a_template_that_says_everything_is_left_as_it_is() -> None:
    template = template_of(CHATML)
    assert (template.tokenizer.chat_template, template.notes) == (CHATML, [])


@pytest.mark.parametrize("source", [REFUSES_SYSTEM, DROPS_SYSTEM])
def test_without_a_system_role_the_prompt_stands_before_the_first_user_turn(source: str) -> None:
    template = template_of(source)
    rendered = template.render([SYSTEM, USER, GREETING], generation_prompt=False)
    assert rendered == turn("user", "Play Ada.\n\nI am.") + turn("assistant", "You are late.")
    greeted = template.render([SYSTEM, GREETING, USER], generation_prompt=False)
    assert greeted == turn("user", "Play Ada.") + turn("assistant", "You are late.") + turn("user", "I am.")
    assert template.render([USER], generation_prompt=False) == turn("user", "I am.")
    assert ["no system role" in note for note in template.notes] == [True]
    (example,) = template.examples(Conversation((SYSTEM, USER, GREETING), Origin("a", 1)), 200)
    assert template.tokenizer.decode([label for label in example.labels if label >= 0]) == "You are late.<|im_end|>"


def test_where_the_user_speaks_first_a_greeting_follows_an_empty_turn() -> None:
    template = template_of(ALTERNATES)
    rest = turn("assistant", "You are late.") + turn("user", "I am.")
    assert template.render([GREETING, USER], generation_prompt=False) == turn("user", "") + rest
    system = turn("system", "Play Ada.")
    assert template.render([SYSTEM, GREETING, USER], generation_prompt=False) == system + turn("user", "") + rest
    assert template.render([SYSTEM, USER], generation_prompt=False) == system + turn("user", "I am.")
    assert len(template.notes) == 1


def test_both_at_once_as_in_gemma_2() -> None:
    template = template_of(REFUSES_SYSTEM.replace(CHATML, ALTERNATES))
    greeted = template.render([SYSTEM, GREETING, USER], generation_prompt=False)
    assert greeted == turn("user", "Play Ada.") + turn("assistant", "You are late.") + turn("user", "I am.")
    assert template.render([GREETING, USER], generation_prompt=False).startswith(turn("user", ""))
    assert len(template.notes) == 2


@pytest.mark.parametrize("tag", ["<think>\n", "<think>"])
def test_a_thought_that_is_opened_is_closed_in_the_prompt(tag: str) -> None:
    template = template_of(THINKS.replace("<think>\n", tag))
    prompt = template.render([USER], generation_prompt=True)
    assert prompt == turn("user", "I am.") + "<|im_start|>assistant\n<think>\n\n</think>\n\n"
    assert template.render([USER, GREETING], generation_prompt=False) == turn("user", "I am.") + turn(
        "assistant", GREETING.text
    )
    (example,) = template.examples(Conversation((USER, GREETING), Origin("a", 1)), 200)
    assert template.tokenizer.decode(example.ids) == prompt + "You are late.<|im_end|>"


def test_the_result_is_its_own_fixed_point() -> None:
    for source in (REFUSES_SYSTEM, ALTERNATES, THINKS, REFUSES_SYSTEM.replace(CHATML, ALTERNATES)):
        fixed = template_of(source).tokenizer.chat_template
        assert template_of(fixed).tokenizer.chat_template == fixed


def test_a_date_is_the_day_of_training_for_ever() -> None:
    tokenizer = chatml_tokenizer()
    tokenizer.chat_template = DATED
    kwargs = default_kwargs(tokenizer, "2031-05-07")
    assert kwargs == {"template_date": "2031-05-07"}
    template = template_of(DATED, kwargs)
    assert template.render([USER], generation_prompt=False).startswith("Today is 07 May 2031.\n")
    assert "strftime_now" not in template.tokenizer.chat_template
    assert set(default_kwargs(chatml_tokenizer())) == set()


def test_marks_before_a_reply_are_a_part_of_the_prompt() -> None:
    template = template_of(CHANNELS)
    prompt = template.render([USER], generation_prompt=True)
    assert prompt == turn("user", "I am.") + "<|im_start|>assistant<|channel|>final\n"
    assert template.render([USER, GREETING], generation_prompt=False) == prompt + "You are late.<|im_end|>\n"
    (example,) = template.examples(Conversation((USER, GREETING), Origin("a", 1)), 200)
    assert template.tokenizer.decode([label for label in example.labels if label >= 0]) == "You are late.<|im_end|>"
    assert ["<|channel|>final before each reply" in note for note in template.notes] == [True]


ANSWERS = CHATML.replace(
    "<|im_end|>", "{% if message['role'] == 'assistant' %}{{ '\\n</answer>' }}{% endif %}<|im_end|>"
)


def test_marks_after_a_reply_are_not_learned() -> None:
    template = template_of(ANSWERS)
    turns = (USER, GREETING, USER, GREETING)
    learned = [example.labels for example in template.examples(Conversation(turns, Origin("a", 1)), 200)]
    texts = [template.tokenizer.decode([label for label in labels if label >= 0]) for labels in learned]
    assert texts == ["You are late.<|im_end|>"] * 2
    assert "You are late.\n</answer>" in template.tokenizer.decode(template.prompt_ids(turns[:3]))
    assert ["</answer> after each reply" in note for note in template.notes] == [True]


CONTENT = "{{ message['content'] }}"
PARTS = "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}"


@pytest.mark.parametrize("parts", [PARTS, "{{ message['content'][0].text }}", "{{ raise_exception('no') }}" + PARTS])
def test_where_parts_are_wanted_each_message_is_one(parts: str) -> None:
    """Templates of models of text and pictures: a plain text has no parts, and nothing of it would be seen."""
    if "raise" in parts:
        parts = "{% if message['content'] is string %}{{ raise_exception('no') }}{% endif %}" + PARTS
    template = template_of(CHATML.replace(CONTENT, parts))
    turns = [SYSTEM, USER, GREETING]
    expected = turn("system", "Play Ada.") + turn("user", "I am.") + turn("assistant", "You are late.")
    assert template.render(turns, generation_prompt=False) == expected
    assert ["list of parts" in note for note in template.notes] == [True]
    messages = [{"role": each.role, "content": [{"type": "text", "text": each.text}]} for each in turns]
    assert template.tokenizer.apply_chat_template(messages, tokenize=False) == expected  # as vLLM gives them


def test_what_a_user_says_is_never_lost() -> None:
    with pytest.raises(UsageError, match="leaves out what the user says"):
        template_of(CHATML.replace(CONTENT, "{{ 'Hello' }}"))


def test_a_system_prompt_that_cannot_be_said_is_told() -> None:
    last_line = DROPS_SYSTEM.replace(CONTENT, "{{ message['content'].split('\n') | last }}")
    (note,) = template_of(last_line).notes
    assert "leaves out the system prompt" in note
