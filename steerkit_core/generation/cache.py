"""A key-value cache with room to grow, so that a new token does not cost a copy of all earlier ones."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer

ROOM = 64


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]  # reason: transformers'
    """Keys and values of one layer, in buffers that are enlarged by `ROOM` tokens at a time.

    `keys` and `values`, (rows, heads, tokens, head size), are views of what is filled. The layer that it
    stands in for joins all of them anew for every token, which costs more than the attention itself.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # reason: transformers'
        self.room: tuple[Tensor, Tensor] | None = None

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Write the new tokens behind the earlier ones; returns all keys and values."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        before = self.get_seq_length()
        after = before + key_states.shape[-2]
        if self.room is None or after > self.room[0].shape[-2]:
            self.room = (
                self._enlarged(self.keys, key_states, before, after + ROOM),
                self._enlarged(self.values, value_states, before, after + ROOM),
            )
        keys, values = self.room
        keys[..., before:after, :] = key_states
        values[..., before:after, :] = value_states
        self.keys, self.values = keys[..., :after, :], values[..., :after, :]
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep some rows."""
        if self.room is None:
            return
        length = self.get_seq_length()
        keys, values = (buffer.index_select(0, indices) for buffer in self.room)
        self.room = keys, values
        self.keys, self.values = keys[..., :length, :], values[..., :length, :]

    @staticmethod
    def _enlarged(old: Tensor | None, new: Tensor, length: int, capacity: int) -> Tensor:
        rows, heads, _, size = new.shape
        buffer = new.new_empty(rows, heads, capacity, size)
        if length and old is not None:
            buffer[..., :length, :] = old
        return buffer


def roomy_cache(config: PreTrainedConfig) -> DynamicCache:
    """The model's own cache, with every layer that keeps all tokens replaced by a roomy one.

    Layers with a sliding window throw tokens away and stay as transformers makes them.
    """
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
