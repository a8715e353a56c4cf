"""Copies as those reach them who will use them: plain transformers, llama.cpp, Ollama."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from offbook.exporters.parity import Messages

TOP = 256
"""Tokens of a distribution that llama.cpp is asked for; the rest count as one."""


class TransformersRuntime:
    """A model and a tokenizer, spoken to by nothing but transformers' own means.

    Args:
        proves_stop: whether `generate`, told these ids, stops at the ending token (model, ids) → bool.
    """

    def __init__(self, model: Any, tokenizer: Any, proves_stop: Callable[[Any, list[int]], bool]) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.proves_stop = proves_stop

    @classmethod
    def open(cls, folder: Path, proves_stop: Callable[[Any, list[int]], bool]) -> TransformersRuntime:
        """The copy in a folder, loaded without offbook."""
        from transformers import AutoModelForCausalLM, AutoTokenizer

        safe = {"trust_remote_code": False, "local_files_only": True}
        model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", use_safetensors=True, **safe)
        return cls(model.eval(), AutoTokenizer.from_pretrained(folder, **safe), proves_stop)

    def prompt_ids(self, messages: Messages) -> list[int]:
        return self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)

    @torch.inference_mode()
    def predict(self, ids: Sequence[int], places: Sequence[int]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        rows = torch.tensor([[*ids]], device=self.model.device)
        before = torch.tensor([place - 1 for place in places], device=self.model.device)
        logits = self.model(input_ids=rows, logits_to_keep=before, use_cache=False).logits[0].float().cpu()
        everything = torch.arange(logits.shape[-1])
        for row in logits:
            yield everything, row

    @torch.inference_mode()
    def stops(self, prompt: Sequence[int], limit: int) -> bool:
        rows = torch.tensor([[*prompt]], device=self.model.device)
        said = self.model.generate(
            rows,
            attention_mask=torch.ones_like(rows),
            max_new_tokens=limit,
            do_sample=False,
            temperature=None,
            top_p=None,
            repetition_penalty=1.0,
        )
        return said.shape[1] - rows.shape[1] < limit

    def ending_stops(self, prompt: Sequence[int]) -> bool:
        told = self.model.generation_config.eos_token_id
        return self.proves_stop(self.model, told if isinstance(told, list) else [told])


class LlamaCppRuntime:
    """A GGUF file in llama.cpp.

    Args:
        server: has `prompt_ids`, `likeliest` and `ask` (see `offbook.generation.llamacpp`).
        ending_id: the token that ends a reply.
        adapter_scale: strength of the server's LoRA.
        text: renders messages in place of the file's own template (Ollama has its own).
    """

    def __init__(
        self,
        server: Any,
        ending_id: int,
        adapter_scale: float = 0,
        text: Callable[[Messages], str] | None = None,
    ) -> None:
        self.server = server
        self.ending_id = ending_id
        self.adapter_scale = adapter_scale
        self.text = text

    def prompt_ids(self, messages: Messages) -> list[int]:
        if self.text is None:
            return self.server.prompt_ids(messages)
        return self.server.ids(self.text(messages))

    def predict(self, ids: Sequence[int], places: Sequence[int]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for place in places:
            top = self.server.likeliest(ids[:place], TOP, self.ending_id, adapter_scale=self.adapter_scale)
            yield torch.tensor([token for token, _ in top]), torch.tensor([score for _, score in top])

    def stops(self, prompt: Sequence[int], limit: int) -> bool:
        return self._reply(prompt, n_predict=limit)["stop_type"] == "eos"

    def ending_stops(self, prompt: Sequence[int]) -> bool:
        said = self._reply(prompt, n_predict=4, logit_bias=[[self.ending_id, 1000]])
        return said["stop_type"] == "eos" and said["tokens_predicted"] == 1

    def _reply(self, prompt: Sequence[int], **settings: Any) -> Any:
        greedy = {"temperature": 0, "repeat_penalty": 1.0}
        return self.server.complete(prompt, **greedy, adapter_scale=self.adapter_scale, **settings)
