"""A bundled model that answers prompts, plainly or steered, by nothing but transformers and hooks."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from steerkit_bundled import folder


class Chat:
    """Model and tokenizer; every batch is padded on the left."""

    def __init__(self, name: str) -> None:
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder(name), dtype=torch.float32).eval()
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder(name))
        self.layers: Any = self.model.model.layers

    def encode(self, prompts: Sequence[str]) -> Any:
        texts = [
            self.tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
            )
            for prompt in prompts
        ]
        return self.tokenizer(texts, add_special_tokens=False, padding=True, return_tensors="pt")

    @torch.no_grad()
    def last_residuals(self, prompts: Sequence[str], layer: int) -> Tensor:
        """Output of a block at the last prompt token, [prompts, width], in float64."""
        seen: list[Tensor] = []
        handle = self.layers[layer].register_forward_hook(lambda *call: seen.append(call[2][:, -1]))
        self.model(**self.encode(prompts))
        handle.remove()
        return seen[0].double()

    @torch.no_grad()
    def answers(
        self,
        prompts: Sequence[str],
        layer: int | None = None,
        shift: Tensor | None = None,
        tokens: int = 100,
    ) -> list[str]:
        """Greedy answers; `shift` is added to the output of block `layer` and of all after it."""
        encoded = self.encode(prompts)
        with ExitStack() as hooks:
            if layer is not None and shift is not None:
                for block in self.layers[layer:]:
                    handle = block.register_forward_hook(lambda *call: call[2] + shift)
                    hooks.callback(handle.remove)
            out = self.model.generate(**encoded, max_new_tokens=tokens, do_sample=False)
        texts: list[str] = self.tokenizer.batch_decode(
            out[:, encoded["input_ids"].shape[1] :], skip_special_tokens=True
        )
        return texts


@cache
def chat(name: str) -> Chat:
    """The bundled model, loaded once for all tests."""
    return Chat(name)
