"""Extractor `dim`: difference in means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from steerkit_core import (
    ContrastSet,
    DirectionSet,
    ReadingExtractor,
)

if TYPE_CHECKING:
    from steerkit_core import Model


@frozen(kw_only=True)
class DifferenceInMeans(ReadingExtractor):
    """Mean activation of the positive prompts minus that of the negative ones, at every layer.

    With resid_post(l)[p] the output of block l at token p: d(l, p) is its mean over the positive prompts
    minus its mean over the negative ones, the raw norm is |d|, and the direction d / |d| (Marks and
    Tegmark, 2023; Arditi et al., 2024, equation 1). With another `module` the same is done with what that
    part of the block gives.
    """

    name: ClassVar[str] = "dim"
    reference: ClassVar[str] = "Marks and Tegmark, 2023; Arditi et al., 2024, equation 1"
    cost: ClassVar[str] = "one for each contrast prompt"

    def extract(self, model: Model, contrast: ContrastSet, layers: Sequence[int]) -> DirectionSet:
        """Read both classes in one pass and subtract their means; sums are kept in float64."""
        classes = (contrast.positive, contrast.negative)
        positions = self.positions_in(model)
        positive, negative = model.mean_activations(classes, positions, self.module)
        raw = (positive - negative)[:, list(layers)]
        return DirectionSet.from_raw(raw, positions, tuple(layers), self.module)
