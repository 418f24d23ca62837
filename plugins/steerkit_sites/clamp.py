"""Sites `residual-clamp`, `attention-clamp`, `mlp-clamp`, `head-clamp`: set the projection."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from steerkit_core import Direction, Edit, Steering, Unit, option
from steerkit_sites.places import SPAN, UNIT, Attention, Heads, Mlp, PlacedSite, Residual, Span


@frozen(kw_only=True, slots=False)  # a place may have slots, so an operation has none
class Clamp(PlacedSite):
    """`h <- h - (h . d) d + c d`: whatever the component along the direction was, it becomes c."""

    reference: ClassVar[str] = "Templeton et al., 2024, who clamp features so"
    cost: ClassVar[str] = "none"

    multiplier: float | None = option(
        None,
        help="what the component along the direction becomes, in `unit`, 0 taking it out; by default the"
        " family's: 25 for Gemma, else 15",
    )
    unit: Unit = option("absolute", help=UNIT)

    @property
    def neutral_multiplier(self) -> float | None:
        """None: every value that the component is set to changes the stream."""
        return None

    def length(self, steering: Steering, direction: Direction) -> float:
        """The component is this long afterwards."""
        return steering.length(self.unit, direction.raw_norm, direction.layer)

    def edit(self, steering: Steering, layer: int, direction: Direction) -> Edit:
        """`a = c d, u = d, g = 1`."""
        target = direction.unit * self.length(steering, direction)
        return Edit(layer, add=target, unit=direction.unit, gain=1.0, module=direction.module)


@frozen(kw_only=True)
class ResidualClamp(Residual, Clamp):
    """Set the component along the direction to one value in the outputs of blocks.

    `h <- h - (h . d) d + c d`. Unlike an addition it does not accumulate over layers, and a token that lies
    there already stays.
    """

    name: ClassVar[str] = "residual-clamp"

    span: Span = option("onward", help=SPAN)


@frozen(kw_only=True)
class AttentionClamp(Attention, Clamp):
    """Set the component along the direction to one value in what the attention gives.

    The directions must have been read there: `extractor.module = "attention"`.
    """

    name: ClassVar[str] = "attention-clamp"


@frozen(kw_only=True)
class MlpClamp(Mlp, Clamp):
    """Set the component along the direction to one value in what the MLP gives.

    The directions must have been read there: `extractor.module = "mlp"`.
    """

    name: ClassVar[str] = "mlp-clamp"


@frozen(kw_only=True)
class HeadClamp(Heads, Clamp):
    """Set the component along the direction to one value in single heads.

    The directions must have been read there: `extractor.module = "heads"`. Of a direction over all heads
    side by side the chosen heads' parts are kept and scaled to length 1 together, as by `head-add`.
    """

    name: ClassVar[str] = "head-clamp"
