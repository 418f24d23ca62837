"""Site `head-add`: single heads of the attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from attrs import frozen

from steerkit_core import (
    BlockModule,
    DegenerateDirection,
    Edit,
    Intervention,
    Site,
    Steering,
    SteerkitError,
    Unit,
    Within,
    option,
)

if TYPE_CHECKING:
    from torch import Tensor


@frozen(kw_only=True)
class HeadAdd(Site):
    """Add the scaled direction to single heads of the chosen layer, before they are projected.

    The directions must have been read there: `extractor.module = "heads"`. Of the direction over all heads
    side by side the chosen heads' parts are kept and scaled to length 1 together; its length before
    normalising is theirs too. Other layers have other heads, so that one layer is edited. `residual` is a
    common yardstick here and no more: heads are measured in another space than the residual stream.
    """

    name: ClassVar[str] = "head-add"

    heads: tuple[int, ...] = option(
        (),
        help="numbers of the heads that are edited, counted from 0; none named means all",
        checks=[Within(0)],
    )
    multiplier: float | None = option(
        None, help="strength, in `unit`; by default the family's: 25 for Gemma, else 15"
    )
    unit: Unit = option(
        "absolute",
        help="absolute: the multiplier itself; residual: times the mean length of the residual stream at"
        " the layer; raw: times the length of the direction before normalising",
    )
    tokens: Literal["all", "prompt", "generated"] = option("all", help="the tokens that are edited")

    @property
    def module(self) -> BlockModule:
        """The heads of the attention, side by side."""
        return "heads"

    def intervene(self, steering: Steering) -> Intervention:
        """`h <- h + m d` in the chosen heads.

        Raises:
            SteerkitError: the model has no such head, or the direction nothing in the chosen ones.
        """
        direction = steering.direction
        part = self._part(direction.unit, steering.num_heads)
        share = float(part.double().norm())
        if share == 0.0:
            raise DegenerateDirection(
                f"the direction at layer {steering.layer} is zero in the heads"
                f" {', '.join(map(str, self.heads))}: choose other heads"
            )
        length = steering.length(self.unit, direction.raw_norm * share)
        shift = part * (length / share)
        edit = Edit(steering.layer, add=shift, module=self.module)
        return Intervention((edit,), self.tokens, strength=abs(length))

    def _part(self, unit: Tensor, num_heads: int) -> Tensor:
        """The direction with zeros for all heads but the chosen ones."""
        missing = [head for head in self.heads if head >= num_heads]
        if missing:
            raise SteerkitError(
                f"site.heads: the model has heads 0 to {num_heads - 1} in a layer, got head {missing[0]}"
            )
        if not self.heads:
            return unit
        width = unit.numel() // num_heads
        kept = unit * 0.0
        for head in self.heads:
            kept[head * width : (head + 1) * width] = unit[head * width : (head + 1) * width]
        return kept
