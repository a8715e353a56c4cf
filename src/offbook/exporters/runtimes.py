"""The programs in which an export is opened for the comparison: plain transformers, llama.cpp, Ollama."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import torch

from offbook.exporters.parity import Messages

TOP = 256
"""Likeliest tokens of a distribution that llama.cpp is asked for; the others count as one."""


class TransformersRuntime:
    """A Runtime with nothing but transformers' own means.

    Args:
        model: a causal language model.
        tokenizer: its tokenizer, with a chat template.
        proves_stop: (model, ids) → whether `generate`, given these ids as its eos, stops at the stop token.
    """

    def __init__(self, model: Any, tokenizer: Any, proves_stop: Callable[[Any, list[int]], bool]) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.proves_stop = proves_stop

    @classmethod
    def open(cls, folder: Path, proves_stop: Callable[[Any, list[int]], bool]) -> TransformersRuntime:
        """Load the export in a folder without offbook.

        Args:
            folder: as transformers' `from_pretrained` takes it.
            proves_stop: as for the class.
        """
        import transformers

        safe = {"trust_remote_code": False, "local_files_only": True}
        config = transformers.AutoConfig.from_pretrained(folder, **safe)
        kind: Any = getattr(transformers, config.architectures[0])
        model = kind.from_pretrained(folder, config=config, dtype="auto", use_safetensors=True, **safe)
        return cls(model.eval(), transformers.AutoTokenizer.from_pretrained(folder, **safe), proves_stop)

    def prompt_ids(self, messages: Messages) -> list[int]:
        """See Runtime."""
        ids: list[int] = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        return ids

    @torch.inference_mode()
    def predict(self, ids: Sequence[int], places: Sequence[int]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """See Runtime."""
        rows = torch.tensor([[*ids]], device=self.model.device)
        before = torch.tensor([place - 1 for place in places], device=self.model.device)
        # Not every model can compute some positions alone.
        chosen = (
            {"logits_to_keep": before}
            if "logits_to_keep" in signature(type(_base(self.model)).forward).parameters
            else {}
        )
        logits = self.model(input_ids=rows, use_cache=False, **chosen).logits[0]
        logits = (logits if chosen else logits[before]).float().cpu()
        everything = torch.arange(logits.shape[-1])
        for row in logits:
            yield everything, row

    @torch.inference_mode()
    def stops(self, prompt: Sequence[int], limit: int) -> bool:
        """See Runtime."""
        rows = torch.tensor([[*prompt]], device=self.model.device)
        sequence = self.model.generate(
            rows,
            attention_mask=torch.ones_like(rows),
            max_new_tokens=limit,
            do_sample=False,
            temperature=None,
            top_p=None,
            repetition_penalty=1.0,
        )
        return bool(sequence.shape[1] - rows.shape[1] < limit)

    def stop_token_stops(self, prompt: Sequence[int]) -> bool:
        """See Runtime."""
        del prompt  # plain `generate` stops by its config alone
        eos = self.model.generation_config.eos_token_id
        return self.proves_stop(self.model, eos if isinstance(eos, list) else [eos])


def _base(model: Any) -> Any:
    """The transformers model under a PEFT adapter, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


class LlamaCppRuntime:
    """A Runtime on a GGUF file in llama.cpp.

    Args:
        server: has `prompt_ids`, `ids`, `likeliest` and `complete` (see `offbook.generation.llamacpp`).
        stop_id: the token that ends a reply.
        adapter_scale: strength of the server's LoRA.
        text: renders messages in place of the file's own template (Ollama has its own).
    """

    def __init__(
        self,
        server: Any,
        stop_id: int,
        adapter_scale: float = 0,
        text: Callable[[Messages], str] | None = None,
    ) -> None:
        self.server = server
        self.stop_id = stop_id
        self.adapter_scale = adapter_scale
        self.text = text

    def prompt_ids(self, messages: Messages) -> list[int]:
        """See Runtime."""
        ids: list[int] = self.server.ids(self.text(messages)) if self.text else self.server.prompt_ids(messages)
        return ids

    def predict(self, ids: Sequence[int], places: Sequence[int]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """See Runtime."""
        for place in places:
            top = self.server.likeliest(ids[:place], TOP, self.stop_id, adapter_scale=self.adapter_scale)
            yield torch.tensor([token for token, _ in top]), torch.tensor([score for _, score in top])

    def stops(self, prompt: Sequence[int], limit: int) -> bool:
        """See Runtime."""
        return bool(self._reply(prompt, n_predict=limit)["stop_type"] == "eos")

    def stop_token_stops(self, prompt: Sequence[int]) -> bool:
        """See Runtime."""
        reply = self._reply(prompt, n_predict=4, logit_bias=[[self.stop_id, 1000]])
        return bool(reply["stop_type"] == "eos" and reply["tokens_predicted"] == 1)

    def _reply(self, prompt: Sequence[int], **settings: Any) -> Any:
        greedy = {"temperature": 0, "repeat_penalty": 1.0}
        return self.server.complete(prompt, **greedy, adapter_scale=self.adapter_scale, **settings)
