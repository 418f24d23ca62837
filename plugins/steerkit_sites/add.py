"""Sites `residual-add`, `attention-add`, `mlp-add`, `head-add`: add the scaled direction."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from steerkit_core import Direction, Edit, Steering, Unit, option
from steerkit_sites.places import (
    PRESERVE_NORM,
    SPAN,
    UNIT,
    Attention,
    Heads,
    Mlp,
    PlacedSite,
    Residual,
    Span,
)


@frozen(kw_only=True, slots=False)  # a place may have slots, so an operation has none
class Add(PlacedSite):
    """`h <- h + m d`; with `preserve_norm` times `|h| / |h + m d|`."""

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


@frozen(kw_only=True)
class ResidualAdd(Residual, Add):
    """Add the scaled direction to the residual stream, prompt tokens included.

    With span `onward` every block from the chosen one to the last adds it, as in Mohammad, 2026: the shift
    accumulates to (L - l) times its length by the end. With directions `per-layer` every layer adds its
    own, as the authors of RFM steer (Beaglehole et al., 2026, with a coefficient of about 0.4).
    """

    name: ClassVar[str] = "residual-add"

    span: Span = option("onward", help=SPAN)


@frozen(kw_only=True)
class AttentionAdd(Attention, Add):
    """Add the scaled direction to what the attention gives, before the block adds that to its input.

    The directions must have been read there: `extractor.module = "attention"`. Gemma 2 and 3 normalise what
    the attention gives before they add it; the edit comes before this norm, so that its length in the
    residual stream is the norm's to decide.
    """

    name: ClassVar[str] = "attention-add"


@frozen(kw_only=True)
class MlpAdd(Mlp, Add):
    """Add the scaled direction to what the MLP gives, before the block adds that to its input.

    The directions must have been read there: `extractor.module = "mlp"`. Gemma 2 and 3 normalise what the
    MLP gives before they add it; the edit comes before this norm, so that its length in the residual stream
    is the norm's to decide.
    """

    name: ClassVar[str] = "mlp-add"


@frozen(kw_only=True)
class HeadAdd(Heads, Add):
    """Add the scaled direction to single heads, before they are projected.

    The directions must have been read there: `extractor.module = "heads"`. Of the direction over all heads
    side by side the chosen heads' parts are kept and scaled to length 1 together; its length before
    normalising is theirs too. Other layers have other heads, so that each is edited with its own direction.
    `residual` is a common yardstick here and no more: heads are measured in another space than the residual
    stream.
    """

    name: ClassVar[str] = "head-add"
    reference: ClassVar[str] = "Li et al., 2023"
