"""The form in which a model server takes prompts: ids, or text that its tokenizer makes the same ids of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from offbook.core.errors import UsageError
from offbook.core.progress import Reporter
from offbook.generation.upstream import ModelPrompt, PromptRefusedError, UpstreamServer
from offbook.server.tokenizer_pool import SharedTokenizer

PromptForm = Callable[[Sequence[int]], ModelPrompt]
"""Token ids → what is sent.

Raises `UsageError` for ids that no text becomes, such as a control token's name that somebody typed: as text it would
turn into the token.
"""


def find_prompt_form(
    server: UpstreamServer, model: str, tokenizer: SharedTokenizer, ids: Sequence[int], reporter: Reporter
) -> PromptForm:
    """Ask a model once in ids and, where it takes none, in text, and compare how many tokens it reads.

    Args:
        server: runs the model.
        model: the server's name for it.
        tokenizer: the character's.
        ids: a prompt to ask with.
        reporter: is told where the server does not say how many tokens it reads.

    Raises:
        UsageError: the model's tokenizer is not the character's.
        OffbookError: the server failed.
    """
    if server.takes_ids:
        try:
            if server.count_tokens(model, ids) in (len(ids), None):
                return list
        except PromptRefusedError:
            pass
    bos = tokenizer.decoder.bos_token_id
    for skipped in (0, 1) if ids[0] == bos else (0,):
        form = _as_text(tokenizer, skipped)
        count = server.count_tokens(model, form(ids))
        if count is None:
            reporter.warning(
                "{address} does not say how many tokens it reads, so its tokenizer could not be compared",
                address=server.address,
            )
        if count in (len(ids), None):
            return form
    raise UsageError(
        "the model '{model}' at {address} reads another number of tokens in a prompt than the character's tokenizer",
        "Load an export of this very character there: offbook export RUN --to ollama, or --to gguf.",
        model=model,
        address=server.address,
    )


def _as_text(tokenizer: SharedTokenizer, skipped: int) -> PromptForm:
    """The prompt's text, without the first `skipped` tokens, which the server adds by itself."""

    def form(ids: Sequence[int]) -> str:
        text: str = tokenizer.decoder.decode(
            list(ids)[skipped:], skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        with tokenizer.lock:
            again = tokenizer.encoder(text, add_special_tokens=False)["input_ids"]
        if list(again) != list(ids)[skipped:]:
            raise UsageError(
                "the model server takes prompts as text, and this conversation has characters that would become "
                "control tokens there",
                "Take names of control tokens, such as <|im_end|>, out of the message.",
            )
        return text

    return form
