"""Which layers a site edits, each with which direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from steerkit_core import (
    DegenerateDirection,
    Direction,
    MissingDirection,
    Steering,
    SteerkitError,
    Within,
    option,
)
from steerkit_sites.block_site import DIRECTIONS, SPAN, BlockSite, Directions, Span

if TYPE_CHECKING:
    from torch import Tensor

NEGLIGIBLE = 1e-6  # the length of what is left of an axis of length 1 where it is rounding


@frozen(kw_only=True)
class Blocks(BlockSite):
    """One module in several blocks."""

    span: Span = option("layer", help=SPAN)
    directions: Directions = option("selected", help=DIRECTIONS)

    def targets(self, steering: Steering) -> list[tuple[int, Direction]]:
        """The layers of the span, with the chosen layer's direction or their own."""
        layers = layers_of(self.span, steering)
        if self.directions == "selected":
            return [(layer, steering.direction) for layer in layers]
        return own_directions(steering, layers, "site.directions", "'selected', or another span")


def layers_of(span: Span, steering: Steering) -> range:
    """The layers of a span."""
    first = 0 if span == "everywhere" else steering.layer
    return range(first, steering.layer + 1 if span == "layer" else steering.num_layers)


def own_directions(
    steering: Steering, layers: range, where: str, remedy: str
) -> list[tuple[int, Direction]]:
    """The layers, each with its own direction.

    Raises:
        SteerkitError: a layer has none, or one without a length; the option `where` can be set to `remedy`.
    """
    try:
        return [(layer, steering.directions.at(layer, steering.position)) for layer in layers]
    except (MissingDirection, DegenerateDirection) as error:
        raise type(error)(
            f"{where}: {error.args[0]}; every edited layer needs one of its own: choose {remedy}"
        ) from None


@frozen(kw_only=True)
class Heads(BlockSite):
    """Single heads in several blocks, each block with its own direction."""

    span: Span = option("layer", help=f"{SPAN}; each with its own direction")
    heads: tuple[int, ...] = option(
        (),
        help="numbers of the heads that are edited, counted from 0; none named means all",
        checks=[Within(0)],
    )

    def targets(self, steering: Steering) -> list[tuple[int, Direction]]:
        """The layers of the span, each with the chosen heads' part of its own direction.

        Raises:
            SteerkitError: the model has no such head, or a direction nothing in the chosen ones.
        """
        if self.span == "layer":
            return [(steering.layer, self._of_heads(steering.direction, steering.num_heads))]
        own = own_directions(steering, layers_of(self.span, steering), "site.span", "'layer'")
        return [(layer, self._of_heads(direction, steering.num_heads)) for layer, direction in own]

    def _of_heads(self, whole: Direction, num_heads: int) -> Direction:
        """The chosen heads' part of a direction, of length 1, with the length that it had."""
        part = self._part(whole.unit, num_heads)
        share = float(part.double().norm())
        if share == 0.0:
            raise DegenerateDirection(
                f"the direction at layer {whole.layer} is zero in the heads"
                f" {', '.join(map(str, self.heads))}: choose other heads"
            )
        axes = None if whole.axes is None else self._axes_part(whole.axes, num_heads)
        raw_norm = whole.raw_norm * share
        return Direction(whole.layer, whole.position, part / share, raw_norm, self.module, axes=axes)

    def _axes_part(self, axes: Tensor, num_heads: int) -> Tensor:
        """Axes of what the chosen heads' parts of some axes span."""
        import torch

        parts = torch.stack([self._part(axis, num_heads) for axis in axes]).double()
        _, lengths, rows = torch.linalg.svd(parts, full_matrices=False)
        spanned: Tensor = rows[lengths > NEGLIGIBLE].float()
        return spanned

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
