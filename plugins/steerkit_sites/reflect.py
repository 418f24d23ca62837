"""Sites `residual-reflect`, `attention-reflect`, `mlp-reflect`, `head-reflect`: turn it round."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from steerkit_core import Direction, Edit, Steering
from steerkit_sites.block_site import BlockSite
from steerkit_sites.hook_points import at_every_hook_point


@frozen(kw_only=True, slots=False)  # `Blocks` and `Heads` have slots, so it has none
class Reflect(BlockSite):
    """Flip the sign of the component along the direction in {hook_point}: `h <- h - 2 (h . d) d`.

    The length of every token's vector stays. In the residual stream two blocks that both reflect undo each
    other, but for what the second wrote itself; therefore the chosen layer alone is edited unless `span`
    says otherwise.
    """

    reference: ClassVar[str] = "Householder, 1958"
    cost: ClassVar[str] = "none"

    def edit(self, steering: Steering, layer: int, direction: Direction) -> Edit:
        """`u = d, g = 2`."""
        return Edit(layer, unit=direction.unit, gain=2.0, module=direction.module)


ResidualReflect, AttentionReflect, MlpReflect, HeadReflect = at_every_hook_point(Reflect)
