"""Keys and values of the tokens with which several prompts begin, kept once and read by many rows."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer


class PrefixLayer(DynamicLayer):  # type: ignore[no-untyped-call]  # reason: transformers'
    """Gives what it holds before what it is given, and keeps nothing of that.

    `keys` and `values` have shape (candidates, heads, tokens, head size) and serve `rows` rows for each
    candidate; those of a layer that is left out are None.
    """

    def __init__(self, keys: Tensor | None, values: Tensor | None, rows: int, tokens: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # reason: transformers'
        self.keys, self.values, self.rows, self.tokens = keys, values, rows, tokens
        self.is_initialized = True

    def get_seq_length(self) -> int:
        """How many tokens it holds, also where it is left out: masks are made by the first layer."""
        return self.tokens

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """All keys and values, (candidates x rows, heads, all tokens, head size)."""
        return self._behind(self.keys, key_states), self._behind(self.values, value_states)

    def _behind(self, held: Tensor | None, new: Tensor) -> Tensor:
        if held is None:
            raise ValueError("keys of a layer that was left out of the pass over the prefix")
        return torch.cat((held.repeat_interleave(self.rows, dim=0), new), dim=-2)


def prefix_cache(prefix: DynamicCache, candidates: slice, rows: int, tokens: int) -> DynamicCache:
    """What some candidates' rows see of their prefix: in a layer those that have joined by then."""
    cache = DynamicCache()
    for layer in cast("list[DynamicLayer]", prefix.layers):
        keys, values = (None if part is None else part[candidates] for part in (layer.keys, layer.values))
        cache.layers.append(PrefixLayer(keys, values, rows, tokens))
    return cache
