"""The module layout that most families share, so that a family's file holds only what is its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from attrs import frozen

from steerkit_core import ModelAdapter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch.nn import Module
    from transformers import PreTrainedModel


@frozen(kw_only=True)
class CommonLayout(ModelAdapter):
    """Blocks are `layers` of the decoder, each with `self_attn` and `mlp`."""

    def blocks(self, model: PreTrainedModel) -> Sequence[Module]:
        """`layers` of the decoder, which in a model with a vision tower lies one level deeper."""
        decoder: Any = cast("Any", model).get_decoder()
        return cast("Sequence[Module]", decoder.layers)

    def attention(self, block: Module) -> Module:
        """`self_attn`."""
        return cast("Module", block.self_attn)

    def mlp(self, block: Module) -> Module:
        """`mlp`."""
        return cast("Module", block.mlp)
