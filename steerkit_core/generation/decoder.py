"""What generation needs of a model: little enough that a prompt goes one way, from here to the hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from steerkit_core.components import ModelAdapter, ModelSpec
from steerkit_core.generation.edits import HookPoint, LayerEdit
from steerkit_core.values import BlockModule, Condition, Prompt

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase


class Cache(Protocol):
    """What a batch remembers between two calls of `next_logits`: keys and values, or the tokens so far."""

    def batch_select_indices(self, rows: Tensor, /) -> None:
        """Keep some rows, by index; also the same row several times."""


class Decoder(Protocol):
    """A model that reads prompts and gives logits under edits.

    `batch_rows` remembers how many rows were found to go well together, by the length in tokens that they
    end with at most; `rows_that_fit` how many did where there were no more.
    """

    batch_rows: dict[int, int]
    rows_that_fit: dict[int, int]

    @property
    def spec(self) -> ModelSpec:
        """What the recipe asked for."""

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Its tokenizer."""

    @property
    def adapter(self) -> ModelAdapter:
        """The adapter that knows its family."""

    @property
    def config(self) -> PreTrainedConfig:
        """The configuration of the language model."""

    @property
    def dtype(self) -> str:
        """The name of the type of the residual stream."""

    @property
    def stream_dtype(self) -> torch.dtype:
        """The type of the residual stream."""

    @property
    def device(self) -> torch.device:
        """Where inputs must be."""

    @property
    def num_layers(self) -> int:
        """How many blocks there are."""

    @property
    def hidden_size(self) -> int:
        """Width of the residual stream."""

    @property
    def pad_id(self) -> int:
        """A token to pad with."""

    @property
    def eos_ids(self) -> frozenset[int]:
        """The tokens that end an answer."""

    def width(self, module: BlockModule = "residual") -> int:
        """How wide what a module of a block gives is."""

    def render(self, prompt: Prompt) -> str:
        """The prompt in the model's chat template, up to where the answer begins."""

    def encode(self, prompt: Prompt) -> tuple[int, ...]:
        """Token ids of the rendered prompt."""

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of tokens, without special ones."""

    def suffix_to_edit(self) -> int:
        """How many tokens the chat template puts behind the user's text.

        Raises:
            ModelError: the template has no suffix to edit.
        """

    def meets(self, prompts: Sequence[Prompt], condition: Condition) -> list[bool]:
        """Which prompts meet a condition, read before anything is edited."""

    def new_cache(self) -> Cache:
        """An empty cache for a batch."""

    def next_logits(
        self,
        ids: Tensor,
        mask: Tensor,
        position_ids: Tensor,
        cache: Cache | None,
        edits: Mapping[HookPoint, LayerEdit] | None = None,
        keep: int | None = None,
    ) -> Tensor:
        """Logits of the token after the last, (rows, vocabulary), under edits; the cache grows by `ids`.

        Without a cache nothing is remembered of the tokens. With `keep`, those after each of the last so
        many tokens, (rows, keep, vocabulary).
        """
