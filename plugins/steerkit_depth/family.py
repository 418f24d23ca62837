"""Selector `family-depth`: the depth at which the field steers a family."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from steerkit_core import LayerSelector, Selection, SelectionContext, Within, option
from steerkit_depth.given import layer_at

ADVICE = "Mohammad, 2026: 60 percent for small Qwen, 50 from 14 billion on, 30 to 40 for Gemma"


@frozen(kw_only=True)
class FamilyDepth(LayerSelector):
    """Steer at the depth that was best for the model's family in Mohammad, 2026.

    That is at 60 percent for Qwen, at 50 from 14 billion parameters on, and at 30 to 40 (35 is taken) for
    Gemma. A model adapter says it for its family; the parameters are counted in the loaded model,
    embeddings included, before any packing by quantization.
    """

    name: ClassVar[str] = "family-depth"
    reference: ClassVar[str] = "Mohammad, 2026: its layer profiles, and the advice drawn from them"
    cost: ClassVar[str] = "none"

    otherwise: float = option(
        0.5,
        help="depth for a family without advice; in general Mohammad, 2026, starts at 50 percent",
        checks=[Within(0, 1, open=True)],
    )

    def select(self, context: SelectionContext) -> Selection:
        """The layer at the depth that the model's adapter advises."""
        model = context.model
        family = f"family {model.adapter.name} with {model.num_parameters / 1e9:.3g} billion parameters"
        advised = model.adapter.depth(model.num_parameters)
        depth = self.otherwise if advised is None else advised
        layer = layer_at(depth, model.num_layers)
        says = (
            f"no advice for {family}, so depth {depth:g} by selector.otherwise"
            if advised is None
            else f"depth {depth:g}, advised for {family}"
        )
        reason = f"{says} ({ADVICE}): layer {layer} of {model.num_layers}"
        return Selection(layer, context.directions.positions[-1], reason=reason)
