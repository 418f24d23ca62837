"""Sites `residual-reflect`, `attention-reflect`, `mlp-reflect`, `head-reflect`: turn it round."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from steerkit_core import Direction, Edit, Steering
from steerkit_sites.places import Attention, Heads, Mlp, PlacedSite, Residual


@frozen(kw_only=True, slots=False)  # a place may have slots, so an operation has none
class Reflect(PlacedSite):
    """`h <- h - 2 (h . d) d`: the component along the direction changes its sign, and no length changes."""

    reference: ClassVar[str] = "Householder, 1958"
    cost: ClassVar[str] = "none"

    def edit(self, steering: Steering, layer: int, direction: Direction) -> Edit:
        """`u = d, g = 2`."""
        return Edit(layer, unit=direction.unit, gain=2.0, module=direction.module)


@frozen(kw_only=True)
class ResidualReflect(Residual, Reflect):
    """Turn the component along the direction round in the output of a block: `h <- h - 2 (h . d) d`.

    The length of every token's vector stays. Two blocks that both reflect undo each other, but for what the
    second wrote itself; therefore the chosen layer alone is edited unless `span` says otherwise.
    """

    name: ClassVar[str] = "residual-reflect"


@frozen(kw_only=True)
class AttentionReflect(Attention, Reflect):
    """Turn the component along the direction round in what the attention gives.

    The directions must have been read there: `extractor.module = "attention"`.
    """

    name: ClassVar[str] = "attention-reflect"


@frozen(kw_only=True)
class MlpReflect(Mlp, Reflect):
    """Turn the component along the direction round in what the MLP gives.

    The directions must have been read there: `extractor.module = "mlp"`.
    """

    name: ClassVar[str] = "mlp-reflect"


@frozen(kw_only=True)
class HeadReflect(Heads, Reflect):
    """Turn the component along the direction round in single heads.

    The directions must have been read there: `extractor.module = "heads"`. Of a direction over all heads
    side by side the chosen heads' parts are kept and scaled to length 1 together, as by `head-add`.
    """

    name: ClassVar[str] = "head-reflect"
