"""A reply ends: proved on `generate` itself."""

from typing import Any

import pytest
from transformers import LlamaForCausalLM

from offbook.core.errors import UsageError
from offbook.core.persona import StopToken
from offbook.tokenization.chat_template import ChatTemplate
from offbook.tokenization.stop_tokens import proves_stop, stop_ids
from tests.tiny import ARCHITECTURES, chatml_tokenizer, tiny_model

ENDING = StopToken(token="<|im_end|>", id=2)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_generate_stops_on_the_ending(architecture: str) -> None:
    assert proves_stop(tiny_model(architecture), ENDING, [2, 0])


def test_the_proof_fails_where_the_ending_is_not_among_the_stops() -> None:
    assert not proves_stop(tiny_model(), ENDING, [0, 3])


def test_the_proof_fails_where_generation_stops_too_soon() -> None:
    model = tiny_model()
    model.generation_config.max_length = 3  # a limit left in the model's settings

    class Impatient(LlamaForCausalLM):
        def generate(self, *args: Any, **kwargs: Any) -> Any:
            patient: Any = super()
            return patient.generate(*args, **{**kwargs, "max_new_tokens": 2})

    model.__class__ = Impatient
    assert not proves_stop(model, ENDING, [2])


def test_stop_ids_begin_with_the_ending_and_hold_each_once() -> None:
    assert stop_ids(ENDING, None, [5, 2], 7) == [2, 5, 7]


def test_no_ending_at_all_is_an_error() -> None:
    tokenizer = chatml_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    tokenizer.eos_token = None
    with pytest.raises(UsageError, match="could not stop"):
        ChatTemplate(tokenizer)
