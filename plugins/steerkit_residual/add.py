"""Site `residual-add`: the paper's intervention."""

from __future__ import annotations

from typing import ClassVar, Literal

from attrs import frozen

from steerkit_core import Edit, Intervention, Site, Steering, Unit, option


@frozen(kw_only=True)
class ResidualAdd(Site):
    """Add the scaled direction to the residual stream, prompt tokens included.

    With span `onward` every block from the chosen one to the last adds it, as in the paper: the shift
    accumulates to (L - l) times its length by the end.
    """

    name: ClassVar[str] = "residual-add"

    multiplier: float | None = option(
        None, help="strength, in `unit`; by default the family's: 25 for Gemma, else 15"
    )
    unit: Unit = option(
        "absolute",
        help="absolute: the multiplier itself; residual: times the mean length of the residual stream at"
        " the layer; raw: times the length of the direction before normalising",
    )
    span: Literal["onward", "layer"] = option(
        "onward", help="onward: the chosen layer and all after it; layer: that layer alone"
    )
    tokens: Literal["all", "prompt", "generated"] = option("all", help="the tokens that are edited")

    def intervene(self, steering: Steering) -> Intervention:
        """`h <- h + m d` at the chosen layer, or from there on."""
        direction = steering.direction
        length = steering.length(self.unit, direction.raw_norm)
        last = steering.num_layers if self.span == "onward" else steering.layer + 1
        shift = direction.unit * length
        edits = tuple(Edit(layer, add=shift) for layer in range(steering.layer, last))
        return Intervention(edits, self.tokens, strength=abs(length))
