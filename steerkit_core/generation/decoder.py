"""What generation needs of a model: little enough that a prompt goes one way, from here to the hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from steerkit_core.components import ModelAdapter
from steerkit_core.generation.edits import LayerEdit, Phase, Place
from steerkit_core.values import Intervention, Prompt

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase


class Decoder(Protocol):
    """A model that reads prompts and gives logits under edits.

    `batch_rows` remembers how many rows were found to go well together, by the length in tokens that they
    end with at most; `rows_that_fit` how many did where there were no more.
    """

    batch_rows: dict[int, int]
    rows_that_fit: dict[int, int]

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
    def device(self) -> torch.device:
        """Where inputs must be."""

    @property
    def stream_dtype(self) -> torch.dtype:
        """The type of the residual stream."""

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

    def encode(self, prompt: Prompt) -> tuple[int, ...]:
        """Token ids of the rendered prompt."""

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of tokens, without special ones."""

    def conditioned(self, rows: Sequence[tuple[Prompt, Intervention]]) -> list[Intervention]:
        """The rows' interventions, with none for a prompt that does not meet its condition."""

    def compiled(self, interventions: Sequence[Intervention], phase: Phase) -> dict[Place, LayerEdit]:
        """The edits of a batch, row by row, while it reads the prompts or while it writes."""

    def new_cache(self) -> Any:
        """What a batch remembers between two calls of `next_logits`: an empty one."""

    def next_logits(
        self,
        ids: Tensor,
        mask: Tensor,
        position_ids: Tensor,
        cache: Any,
        edits: Mapping[Place, LayerEdit] | None = None,
        keep: int | None = None,
    ) -> Tensor:
        """Logits of the token after the last, (rows, vocabulary), or after the last `keep` ones."""
