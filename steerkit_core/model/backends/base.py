"""The interface that every way to reach a model's tensors has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from attrs import define

from steerkit_core.errors import ModelError
from steerkit_core.generation.edits import HookPoint, LayerEdit

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

    from steerkit_core.components import ModelAdapter

Inputs = Mapping[str, object]
"""What a model's `forward` is given, by name: token ids, a mask, positions, a cache."""


@define(eq=False, slots=False)
class Backend(ABC):
    """Reads and edits what the modules of a loaded model give. Nothing stays on the model in between."""

    name: ClassVar[str]

    model: PreTrainedModel
    adapter: ModelAdapter

    @abstractmethod
    def observe(
        self, inputs: Inputs, points: Sequence[HookPoint], observe: Callable[[HookPoint, Tensor], None]
    ) -> None:
        """Send `inputs` through the decoder, without the LM head, and call `observe` at every hook point.

        What is observed has shape (rows, tokens, width). `points` stand in the order in which a forward
        pass reaches them, and it may end behind the last.
        """

    @abstractmethod
    def logits(self, inputs: Inputs, edits: Mapping[HookPoint, LayerEdit]) -> Tensor:
        """The logits that the whole model gives for `inputs` while it is edited."""

    def new_cache(self) -> Any:
        """What a batch remembers between two calls of `logits`; None for the engine's own cache."""
        return None

    @cached_property
    def blocks(self) -> Sequence[Module]:
        """The decoder blocks, in order."""
        return self.adapter.blocks(self.model)

    @property
    def decoder(self) -> Module:
        """The model without its LM head."""
        return cast("Module", cast("Any", self.model).get_decoder())

    def target(self, point: HookPoint) -> Module:
        """The module that gives what is read at `point`; the one that takes it where `point.before`.

        Raises:
            ModelError: the model has no such layer, or no such module that could be found.
        """
        if not 0 <= point.layer < len(self.blocks):
            raise ModelError(f"the model has layers 0 to {len(self.blocks) - 1}, got layer {point.layer}")
        block = self.blocks[point.layer]
        if point.module in ("input", "residual"):
            return block
        if point.module == "mlp":
            return self.adapter.mlp(block)
        attention = self.adapter.attention(block)
        return attention if point.module == "attention" else self.adapter.output_projection(attention)
