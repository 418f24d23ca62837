"""Sites `residual-affine`, `attention-affine`, `mlp-affine`, `head-affine`: steer from the neutral mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from steerkit_core import Direction, Edit, Steering, Unit, option
from steerkit_sites.block_site import UNIT, BlockSite
from steerkit_sites.hook_points import at_every_hook_point

if TYPE_CHECKING:
    from torch import Tensor


@frozen(kw_only=True, slots=False)  # `Blocks` and `Heads` have slots, so it has none
class Affine(BlockSite):
    """Set the component along the direction to the neutral mean's plus c r in {hook_point}.

    `h <- h - (h . d) d + (mu . d) d + c r`, mu the mean of the contrast set's negative class at the edited
    layer and the position that the direction was read at, r the direction before normalising: the affine
    form of COSMIC (Siu et al., 2025). Unlike a clamp it counts from where neutral prompts lie, and not from
    zero. Reading mu costs one pass over the contrast set.

    Of directions that come with several axes, as those of `subspace` do, the components along all axes
    become the neutral mean's before c r is added.
    """

    reference: ClassVar[str] = "Marshall et al., 2024; Siu et al., 2025"
    cost: ClassVar[str] = "one for each contrast prompt"

    multiplier: float = option(
        1.0,
        help="c, in `unit`: how far beyond the neutral mean; 0 is that mean, and 1 of unit `raw` adds the"
        " whole difference of the classes",
    )
    unit: Unit = option("raw", help=UNIT)

    @property
    def neutral_multiplier(self) -> float | None:
        """None: 0 moves every token to the neutral mean."""
        return None

    def length(self, steering: Steering, direction: Direction) -> float:
        """The component is this far from the neutral mean's."""
        return steering.length(self.unit, direction.raw_norm, direction.layer)

    def edit(self, steering: Steering, layer: int, direction: Direction) -> Edit:
        """`a = (mu . d) d + c r, u = d, g = 1`."""
        shift = self.neutral(steering, layer, direction.unit) + self.length(steering, direction)
        return Edit(
            layer, add=direction.unit * shift, unit=direction.unit, gain=1.0, module=direction.module
        )

    def edits(self, steering: Steering, layer: int, direction: Direction) -> tuple[Edit, ...]:
        """One edit, or of a direction with axes one for each of these and one that adds c r.

        Along every axis the component becomes the neutral mean's.
        """
        if direction.axes is None:
            return super().edits(steering, layer, direction)
        set_back = [
            Edit(
                layer,
                add=axis * self.neutral(steering, layer, axis),
                unit=axis,
                gain=1.0,
                module=direction.module,
            )
            for axis in direction.axes
        ]
        shift = direction.unit * self.length(steering, direction)
        return (*set_back, Edit(layer, add=shift, module=direction.module))

    def neutral(self, steering: Steering, layer: int, unit: Tensor) -> float:
        """`mu . u`: the neutral mean's component along a unit vector."""
        _, negative = steering.classes.at(layer, steering.position)
        return float(negative.double().mean(dim=0) @ unit.double())


ResidualAffine, AttentionAffine, MlpAffine, HeadAffine = at_every_hook_point(
    Affine, spans={"residual": "onward"}
)
