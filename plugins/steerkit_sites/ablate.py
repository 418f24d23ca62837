"""Sites `residual-ablate`, `attention-ablate`, `mlp-ablate`, `head-ablate`: take the direction out."""

from __future__ import annotations

from typing import ClassVar

from attrs import evolve, frozen

from steerkit_core import Direction, Edit, Steering, option
from steerkit_sites.block_site import PRESERVE_NORM, BlockSite
from steerkit_sites.hook_points import at_every_hook_point


@frozen(kw_only=True, slots=False)  # `Blocks` and `Heads` have slots, so it has none
class Ablate(BlockSite):
    """Remove the component along the direction from {hook_point}: `h <- h - (h . d) d`.

    The directional ablation of Arditi et al. (2024), equation 4. Of directions that come with several axes,
    as those of `subspace` do, all axes are removed.
    """

    reference: ClassVar[str] = "Arditi et al., 2024, equation 4"
    cost: ClassVar[str] = "none"

    preserve_norm: bool = option(False, help=PRESERVE_NORM)

    def edit(self, steering: Steering, layer: int, direction: Direction) -> Edit:
        """`u = d, g = 1`."""
        return Edit(
            layer, unit=direction.unit, gain=1.0, module=direction.module, preserve_norm=self.preserve_norm
        )

    def edits(self, steering: Steering, layer: int, direction: Direction) -> tuple[Edit, ...]:
        """One edit, or of a direction with axes one for each of these: all that they span is taken out."""
        if direction.axes is None:
            return super().edits(steering, layer, direction)
        return tuple(
            self.edit(steering, layer, evolve(direction, unit=axis, axes=None)) for axis in direction.axes
        )


ResidualAblate, AttentionAblate, MlpAblate, HeadAblate = at_every_hook_point(
    Ablate, spans={"residual": "everywhere", "attention": "everywhere", "mlp": "everywhere"}
)
