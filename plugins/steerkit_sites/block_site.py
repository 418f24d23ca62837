"""What every site in a block shares: the layers come from its hook point, the edit from its operation."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

from attrs import frozen

from steerkit_core import Direction, Edit, Intervention, Site, Steering, TokenSpan, option

Span = Literal["everywhere", "onward", "layer"]
Directions = Literal["selected", "per-layer"]

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
class BlockSite(Site):
    """An operation at a hook point; `targets` is the hook point's and `edit` the operation's."""

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
        """The edits of every layer of the hook point."""
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
