"""Selector `family-depth`: the depth at which the field steers a family."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from steerkit_core import LayerSelector, Selection, SelectionContext, Within, option
from steerkit_depth.given import layer_at


@frozen(kw_only=True)
class FamilyDepth(LayerSelector):
    """Steer where the paper found each family to be steered best.

    That is at 60 percent for Qwen, at 50 from 14 billion parameters on, and at 30 to 40 (35 is taken) for
    Gemma. A model adapter says it for its family; the parameters are counted in the loaded model,
    embeddings included, before any packing by quantization.
    """

    name: ClassVar[str] = "family-depth"
    reference: ClassVar[str] = "the paper's layer profiles and the advice it draws from them"
    cost: ClassVar[str] = "none"

    otherwise: float = option(
        0.5,
        help="depth for a family without advice; the paper's general one is to start at 50 percent",
        checks=[Within(0, 1, open=True)],
    )

    def select(self, context: SelectionContext) -> Selection:
        """The layer at the depth that the model's adapter advises."""
        model = context.model
        size = f"{model.num_parameters / 1e9:.3g} billion parameters"
        advised = model.adapter.depth(model.num_parameters)
        depth = self.otherwise if advised is None else advised
        layer = layer_at(depth, model.num_layers)
        says = (
            f"no advice for family {model.adapter.name} with {size}, so depth {depth:g} as the recipe says"
            if advised is None
            else f"depth {depth:g}, the advice for family {model.adapter.name} with {size}"
        )
        reason = f"{says}: layer {layer} of {model.num_layers}"
        return Selection(layer, context.directions.positions[-1], reason=reason)
