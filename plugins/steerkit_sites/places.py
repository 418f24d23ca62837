"""Where a site edits: the residual stream, what attention or MLP gives, or single heads.

A site is an operation at a place. The place says which layers are edited, each with which direction
(`targets`); the operation makes one edit of each (`edit`).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from steerkit_core import (
    BlockModule,
    DegenerateDirection,
    Direction,
    Edit,
    Intervention,
    MissingDirection,
    Site,
    Steering,
    SteerkitError,
    TokenSpan,
    Within,
    option,
)

if TYPE_CHECKING:
    from torch import Tensor

Span = Literal["everywhere", "onward", "layer"]
Directions = Literal["selected", "per-layer"]
NEGLIGIBLE = 1e-6  # the length of what is left of an axis of length 1 where it is rounding


# what options mean that several sites have
SPAN = "everywhere: all blocks; onward: the chosen layer and all after it; layer: that layer alone"
DIRECTIONS = (
    "selected: the chosen layer's direction wherever it is used; per-layer: every edited layer's own"
)
TOKENS = (
    "the tokens that are edited: all; prompt; generated; last: the prompt's last; suffix: those that the"
    " template puts behind the user's text; answer: the prompt's last and the generated ones"
)
UNIT = (
    "absolute: the multiplier itself; residual: times the mean length of the residual stream at the layer;"
    " raw: times the length of the direction before normalising"
)
PRESERVE_NORM = "scale every token's vector back to the length that it had, so that it only turns"


@frozen(kw_only=True)
class PlacedSite(Site):
    """An operation at a place; `targets` is the place's and `edit` the operation's."""

    tokens: TokenSpan = option("all", help=TOKENS)

    @abstractmethod
    def targets(self, steering: Steering) -> list[tuple[int, Direction]]:
        """The layers that are edited, each with the direction to use there."""

    @abstractmethod
    def edit(self, steering: Steering, layer: int, direction: Direction) -> Edit:
        """The edit of one layer."""

    def edits(self, steering: Steering, layer: int, direction: Direction) -> tuple[Edit, ...]:
        """All edits of one layer: one, unless the operation says otherwise."""
        return (self.edit(steering, layer, direction),)

    def length(self, steering: Steering, direction: Direction) -> float | None:
        """The signed length that the multiplier asks for along a direction; None without a multiplier."""
        return None

    def intervene(self, steering: Steering) -> Intervention:
        """The edits of every layer of the place."""
        targets = self.targets(steering)
        edits = tuple(
            edit for layer, direction in targets for edit in self.edits(steering, layer, direction)
        )
        found = [
            (abs(length), direction.layer == steering.layer, direction.layer, direction.raw_norm)
            for _, direction in targets
            if (length := self.length(steering, direction)) is not None
        ]
        if not found:
            own = next((one for layer, one in targets if layer == steering.layer), steering.direction)
            return Intervention(edits, self.tokens, raw_norm=own.raw_norm)
        # of equal lengths that of the chosen layer
        strength, _, strongest, raw_norm = max(found)
        return Intervention(
            edits, self.tokens, strength=strength, strength_layer=strongest, raw_norm=raw_norm
        )


@frozen(kw_only=True)
class Blocks(PlacedSite):
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
class Residual(Blocks):
    """The residual stream: what blocks give to the next.

    Directions that were read in what blocks are given, `extractor.module = "input"`, are used there too.
    """

    @property
    def module(self) -> BlockModule:
        """The residual stream."""
        return "residual"


@frozen(kw_only=True)
class Attention(Blocks):
    """What the attention gives, before the block adds that to its input."""

    @property
    def module(self) -> BlockModule:
        """The attention."""
        return "attention"


@frozen(kw_only=True)
class Mlp(Blocks):
    """What the MLP gives, before the block adds that to its input."""

    @property
    def module(self) -> BlockModule:
        """The MLP."""
        return "mlp"


@frozen(kw_only=True)
class Heads(PlacedSite):
    """Single heads of the chosen layer's attention, before they are projected.

    Of the direction over all heads side by side the chosen heads' parts are kept and scaled to length 1
    together; its length before normalising is theirs too. Other layers have other heads, so that each is
    edited with its own direction.
    """

    span: Span = option("layer", help=f"{SPAN}; each with its own direction")
    heads: tuple[int, ...] = option(
        (),
        help="numbers of the heads that are edited, counted from 0; none named means all",
        checks=[Within(0)],
    )

    @property
    def module(self) -> BlockModule:
        """The heads of the attention, side by side."""
        return "heads"

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
