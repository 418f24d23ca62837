"""Site `residual-ablate`: take the direction out of the residual stream."""

from __future__ import annotations

from typing import ClassVar, Literal

from attrs import frozen

from steerkit_core import Edit, Intervention, Site, Steering, option


@frozen(kw_only=True)
class ResidualAblate(Site):
    """Remove the component along the direction from the outputs of blocks: `h <- h - (h . d) d`.

    The directional ablation of Arditi et al. (2024), equation 4, on the outputs of blocks.
    """

    name: ClassVar[str] = "residual-ablate"

    span: Literal["everywhere", "onward", "layer"] = option(
        "everywhere",
        help="everywhere: all blocks; onward: the chosen layer and all after it; layer: that layer alone",
    )
    tokens: Literal["all", "prompt", "generated"] = option("all", help="the tokens that are edited")

    def intervene(self, steering: Steering) -> Intervention:
        """Project the direction out at every block of the span."""
        layers = {
            "everywhere": range(steering.num_layers),
            "onward": range(steering.layer, steering.num_layers),
            "layer": range(steering.layer, steering.layer + 1),
        }[self.span]
        unit = steering.direction.unit
        return Intervention(tuple(Edit(layer, unit=unit, gain=1.0) for layer in layers), self.tokens)
