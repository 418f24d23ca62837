"""Sites `residual-affine`, `attention-affine`, `mlp-affine`, `head-affine`: steer from the neutral mean."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from steerkit_core import Direction, Edit, Steering, Unit, option
from steerkit_sites.places import SPAN, UNIT, Attention, Heads, Mlp, PlacedSite, Residual, Span


@frozen(kw_only=True, slots=False)  # a place may have slots, so an operation has none
class Affine(PlacedSite):
    """`h <- h - (h . d) d + (mu . d) d + c r`: the component becomes the neutral mean's, and c r is added.

    mu is the mean of the contrast set's negative class at the edited layer and the position that the
    direction was read at, r the direction before normalising. The affine form of COSMIC (Siu et al., 2025).
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
        _, negative = steering.classes.at(layer, steering.position)
        neutral = float(negative.double().mean(dim=0) @ direction.unit.double())
        target = direction.unit * (neutral + self.length(steering, direction))
        return Edit(layer, add=target, unit=direction.unit, gain=1.0, module=direction.module)


@frozen(kw_only=True)
class ResidualAffine(Residual, Affine):
    """Set the component along the direction to the neutral mean's plus c times the raw direction.

    `h <- h - (h . d) d + (mu . d) d + c r`, mu the mean of the negative prompts at the edited layer and r
    the direction before normalising: the affine form of COSMIC (Siu et al., 2025). Unlike `residual-clamp`
    it counts from where neutral prompts lie, and not from zero. Reading mu costs one pass over the contrast
    set.
    """

    name: ClassVar[str] = "residual-affine"

    span: Span = option("onward", help=SPAN)


@frozen(kw_only=True)
class AttentionAffine(Attention, Affine):
    """Set the component along the direction to the neutral mean's plus c r in what the attention gives.

    The directions must have been read there: `extractor.module = "attention"`.
    """

    name: ClassVar[str] = "attention-affine"


@frozen(kw_only=True)
class MlpAffine(Mlp, Affine):
    """Set the component along the direction to the neutral mean's plus c r in what the MLP gives.

    The directions must have been read there: `extractor.module = "mlp"`.
    """

    name: ClassVar[str] = "mlp-affine"


@frozen(kw_only=True)
class HeadAffine(Heads, Affine):
    """Set the component along the direction to the neutral mean's plus c r in single heads.

    The directions must have been read there: `extractor.module = "heads"`. Of a direction over all heads
    side by side the chosen heads' parts are kept and scaled to length 1 together, as by `head-add`.
    """

    name: ClassVar[str] = "head-affine"
