"""Sites `residual-clamp`, `attention-clamp`, `mlp-clamp`, `head-clamp`: set the projection."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from steerkit_core import Direction, Edit, Steering, Unit, option
from steerkit_sites.block_site import UNIT, BlockSite
from steerkit_sites.hook_points import at_every_hook_point


@frozen(kw_only=True, slots=False)  # `Blocks` and `Heads` have slots, so it has none
class Clamp(BlockSite):
    """Set the component along the direction to one value in {hook_point}.

    `h <- h - (h . d) d + c d`: whatever the component was, it becomes c. In the residual stream this,
    unlike an addition, does not accumulate over layers. A token that lies there already stays.
    """

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


ResidualClamp, AttentionClamp, MlpClamp, HeadClamp = at_every_hook_point(
    Clamp, spans={"residual": "onward"}
)
