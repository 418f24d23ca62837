"""Sites `residual-add`, `attention-add`, `mlp-add`, `head-add`: add the scaled direction."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from steerkit_core import Direction, Edit, Steering, Unit, option
from steerkit_sites.block_site import PRESERVE_NORM, UNIT, BlockSite
from steerkit_sites.hook_points import at_every_hook_point


@frozen(kw_only=True, slots=False)  # `Blocks` and `Heads` have slots, so it has none
class Add(BlockSite):
    """Add the scaled direction to {hook_point}: `h <- h + m d`.

    With `preserve_norm` the sum is multiplied by `|h| / |h + m d|`.

    In the residual stream with span `onward` every block from the chosen one to the last adds it, prompt
    tokens included, as in Mohammad, 2026: the shift accumulates to (L - l) times its
    length by the end. The authors of RFM add each layer's own direction (Beaglehole et al., 2026, with a
    coefficient of about 0.4).
    """

    reference: ClassVar[str] = "Turner et al., 2023; Mohammad, 2026"
    cost: ClassVar[str] = "none"

    multiplier: float | None = option(
        None, help="strength, in `unit`; by default the family's: 25 for Gemma, else 15"
    )
    unit: Unit = option("absolute", help=UNIT)
    preserve_norm: bool = option(False, help=PRESERVE_NORM)

    def length(self, steering: Steering, direction: Direction) -> float:
        """What is added is this long."""
        return steering.length(self.unit, direction.raw_norm, direction.layer)

    def edit(self, steering: Steering, layer: int, direction: Direction) -> Edit:
        """`a = m d`."""
        shift = direction.unit * self.length(steering, direction)
        return Edit(layer, add=shift, module=direction.module, preserve_norm=self.preserve_norm)


ResidualAdd, AttentionAdd, MlpAdd, HeadAdd = at_every_hook_point(
    Add, spans={"residual": "onward"}, references={"head": "Li et al., 2023"}
)
