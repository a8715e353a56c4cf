"""The token that ends a reply: found in the template, and proved to stop `generate`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from offbook.core.errors import UsageError
from offbook.core.persona import FILE_NAME, StopToken
from offbook.core.types import Turn

_REPLY = "\ue002"

ALIKE = 0.1
"""How far apart two rows are that no training has told from each other, as a share of a row's length."""


def find_ending(tokenizer: Any, render: Callable[..., str]) -> StopToken:
    """The first control token that the template writes after a reply; its eos token where it writes none.

    Args:
        render: `ChatTemplate.render`.

    Raises:
        UsageError: there is neither: a model trained this way could not stop.
    """
    turns = [Turn("user", "?"), Turn("assistant", _REPLY)]
    after = render(turns, generation_prompt=False).partition(_REPLY)[2]
    control = {token.content: number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    written = sorted((after.index(token), token) for token in control if token in after)
    if written:
        # The longest of those that start first: "<|end|>" may contain another token's text.
        first = written[0][0]
        token = max((token for at, token in written if at == first), key=len)
        return StopToken(token=token, id=control[token])
    if tokenizer.eos_token_id is None:
        raise UsageError(
            "neither the chat template nor the tokenizer has a token that ends a reply: the character could not stop",
            "Choose another base model, or a built-in template: --model.template chatml",
        )
    return StopToken(token=tokenizer.eos_token, id=tokenizer.eos_token_id)


def check_ending(tokenizer: Any, stop_token: StopToken, adapter: Path) -> None:
    """See that a stored ending is a token of the tokenizer: a character with another one would never stop.

    Raises:
        UsageError: persona.json in `adapter` is damaged, or belongs to another base model.
    """
    if tokenizer.convert_tokens_to_ids(stop_token.token) != stop_token.id:
        raise UsageError(
            "{file} in {adapter} is damaged: {token} is not token {id}, so replies would not end",
            "Restore it, or train the run again.",
            file=FILE_NAME,
            adapter=adapter,
            token=stop_token.token,
            id=stop_token.id,
        )


def marks_before(stop_token: StopToken, render: Callable[..., str]) -> str:
    """What the template writes between a reply and the token that ends it, spaces aside (`</answer>`); "" if nothing.

    Args:
        stop_token: `find_ending`'s.
        render: `ChatTemplate.render`.
    """
    turns = [Turn("user", "?"), Turn("assistant", _REPLY)]
    between, token, _ = render(turns, generation_prompt=False).partition(_REPLY)[2].partition(stop_token.token)
    return between.strip() if token else ""


def stop_ids(stop_token: StopToken, *others: int | list[int] | None) -> list[int]:
    """The ids on which generation stops: the ending first, then those that the base model stops on anyway."""
    ids = [stop_token.id]
    for other in others:
        ids += other if isinstance(other, list) else [other] if other is not None else []
    return list(dict.fromkeys(ids))


def proves_stop(model: Any, stop_token: StopToken, ids: list[int]) -> bool:
    """Whether the model's own `generate`, told to stop on `ids`, really stops at the ending token, and only there.

    The model is made to say an ordinary token and then the ending; its generation must hold exactly those two, and
    run on to its limit when the ending is never said.
    """
    ordinary = next(number for number in range(model.config.get_text_config().vocab_size) if number not in ids)

    def spoken(script: list[int]) -> int:
        return _generate_forced(model, script, ids)

    return spoken([ordinary, stop_token.id, ordinary]) == 2 and spoken([ordinary] * 3) == 3


def untrained_twins(model: Any, token_id: int) -> int:
    """How many other tokens have, to the model's output layer, the same row as this one.

    Rows of tokens that no text of a base model's training held are all pushed the same way, until they are nearly
    alike; those of trained tokens differ by about their own length. A reply cannot be taught to end with such a token
    by an adapter of the layers below, which sees no difference between it and its twins.
    """
    import torch

    weight = model.get_output_embeddings().weight.detach()
    row = weight[token_id].float()
    twins = 0
    for block in weight.split(8192):  # a large vocabulary in float32 would take as much memory as the model
        distance = torch.linalg.vector_norm(block.float() - row, dim=1)
        twins += int((distance <= ALIKE * torch.linalg.vector_norm(row)).sum())
    return twins - 1


def _generate_forced(model: Any, script: list[int], ids: list[int]) -> int:
    """How many tokens of `script`, forced one by one, `generate` emits before it stops."""
    import torch
    from transformers import LogitsProcessor, LogitsProcessorList

    class Script(LogitsProcessor):
        position = 0

        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            forced = torch.full_like(scores, -torch.inf)
            forced[:, script[self.position]] = 0
            self.position += 1
            return forced

    prompt = torch.tensor([[script[0]]], device=model.device)
    output = model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=len(script),
        do_sample=False,
        use_cache=False,  # a few tokens need none, and a model's own may fail
        eos_token_id=ids,
        pad_token_id=ids[0],
        logits_processor=LogitsProcessorList([Script()]),
    )
    return output.shape[1] - prompt.shape[1]
