"""Selectors that are told where to steer."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from steerkit_core import LayerSelector, Selection, SelectionContext, SteerkitError, Within, option


def layer_at(depth: float, num_layers: int) -> int:
    """The layer at a relative depth, rounded down: `int(num_layers * depth)`."""
    return int(num_layers * depth)


@frozen(kw_only=True)
class Fixed(LayerSelector):
    """Steer at the layer that the recipe names."""

    name: ClassVar[str] = "fixed"
    reference: ClassVar[str] = "common practice"
    cost: ClassVar[str] = "none"

    layer: int = option(help="block whose output is edited first, counted from 0", checks=[Within(0)])

    def check(self, num_layers: int) -> None:
        """Raise `SteerkitError` where the model has no such layer."""
        if self.layer >= num_layers:
            raise SteerkitError(f"the model has layers 0 to {num_layers - 1}, got layer {self.layer}")

    def select(self, context: SelectionContext) -> Selection:
        """The layer that was asked for."""
        position = context.directions.positions[-1]
        return Selection(self.layer, position, reason=f"layer {self.layer}, as the recipe says")


@frozen(kw_only=True)
class Depth(LayerSelector):
    """Steer at a relative depth, so that one recipe serves models of any size."""

    name: ClassVar[str] = "depth"
    reference: ClassVar[str] = "common practice"
    cost: ClassVar[str] = "none"

    depth: float = option(
        0.6, help="share of the blocks that lie before the layer", checks=[Within(0, 1, open=True)]
    )

    def select(self, context: SelectionContext) -> Selection:
        """The layer at that depth."""
        layer = layer_at(self.depth, context.model.num_layers)
        reason = f"depth {self.depth:g} of {context.model.num_layers} layers is layer {layer}"
        return Selection(layer, context.directions.positions[-1], reason=reason)
