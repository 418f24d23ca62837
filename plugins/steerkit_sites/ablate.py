"""Sites `residual-ablate`, `attention-ablate`, `mlp-ablate`, `head-ablate`: take the direction out."""

from __future__ import annotations

from typing import ClassVar

from attrs import evolve, frozen

from steerkit_core import Direction, Edit, Steering, option
from steerkit_sites.places import PRESERVE_NORM, SPAN, Attention, Heads, Mlp, PlacedSite, Residual, Span


@frozen(kw_only=True, slots=False)  # a place may have slots, so an operation has none
class Ablate(PlacedSite):
    """`h <- h - (h . d) d`: directional ablation, Arditi et al. (2024), equation 4.

    Of directions that come with several axes, as those of `subspace` do, all axes are taken out.
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


@frozen(kw_only=True)
class ResidualAblate(Residual, Ablate):
    """Remove the component along the direction from the outputs of blocks: `h <- h - (h . d) d`.

    The directional ablation of Arditi et al. (2024), equation 4, on the outputs of blocks. Of `subspace`
    all of the subspace is removed.
    """

    name: ClassVar[str] = "residual-ablate"

    span: Span = option("everywhere", help=SPAN)


@frozen(kw_only=True)
class AttentionAblate(Attention, Ablate):
    """Remove the component along the direction from what the attention gives: `h <- h - (h . d) d`.

    The directions must have been read there: `extractor.module = "attention"`.
    """

    name: ClassVar[str] = "attention-ablate"

    span: Span = option("everywhere", help=SPAN)


@frozen(kw_only=True)
class MlpAblate(Mlp, Ablate):
    """Remove the component along the direction from what the MLP gives: `h <- h - (h . d) d`.

    The directions must have been read there: `extractor.module = "mlp"`.
    """

    name: ClassVar[str] = "mlp-ablate"

    span: Span = option("everywhere", help=SPAN)


@frozen(kw_only=True)
class HeadAblate(Heads, Ablate):
    """Remove the component along the direction from single heads.

    The directions must have been read there: `extractor.module = "heads"`. Of a direction over all heads
    side by side the chosen heads' parts are kept and scaled to length 1 together, as by `head-add`.
    """

    name: ClassVar[str] = "head-ablate"
