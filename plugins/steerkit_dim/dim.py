"""Extractor `dim`: difference in means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from steerkit_core import (
    BlockModule,
    ContrastSet,
    DirectionSet,
    Extractor,
    Position,
    Within,
    option,
    positions_once,
)

if TYPE_CHECKING:
    from steerkit_core import ModelHandle


@frozen(kw_only=True)
class DifferenceInMeans(Extractor):
    """Mean activation of the positive prompts minus that of the negative ones, at every layer.

    With resid_post(l)[p] the output of block l at token p: d(l, p) is its mean over the positive prompts
    minus its mean over the negative ones, the raw norm is |d|, and the direction d / |d| (Marks and
    Tegmark, 2023; Arditi et al., 2024, equation 1). With another `module` the same is done with what that
    part of the block gives.
    """

    name: ClassVar[str] = "dim"
    reference: ClassVar[str] = "Marks and Tegmark, 2023; Arditi et al., 2024, equation 1"
    cost: ClassVar[str] = "one for each contrast prompt"

    position: Position = option(
        -1,
        help="token whose activation is read, -1 being the prompt's last; a list of several; or suffix, all"
        " tokens that the chat template puts behind the user's text",
        checks=[Within(high=-1), positions_once],
    )
    module: BlockModule = option(
        "residual",
        help="what is read in each block: its output (residual) or input, what attention or MLP give, or"
        " the heads of the attention side by side",
    )

    def extract(self, model: ModelHandle, contrast: ContrastSet, layers: Sequence[int]) -> DirectionSet:
        """Read both classes in one pass and subtract their means; sums are kept in float64."""
        classes = (contrast.positive, contrast.negative)
        positions = self.positions_in(model)
        positive, negative = model.mean_activations(classes, positions, self.module)
        raw = (positive - negative)[:, list(layers)]
        return DirectionSet.from_raw(raw, positions, tuple(layers), self.module)
