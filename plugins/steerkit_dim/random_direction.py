"""Extractor `random`: the control that any other direction should beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from steerkit_core import (
    ContrastSet,
    DirectionSet,
    ReadingExtractor,
    Within,
    option,
)

if TYPE_CHECKING:
    from steerkit_core import Model


@frozen(kw_only=True)
class RandomDirection(ReadingExtractor):
    """A random direction at every layer, as long as the difference in means: a control.

    A standard normal vector is drawn for each layer, the same at all positions, and divided by its length;
    its sign means nothing. The raw norm is that of the difference in means at the same place, so that in
    the unit `raw`, as in the others, it is added at the very strength at which `dim` is.
    """

    name: ClassVar[str] = "random"
    reference: ClassVar[str] = "common practice (a control)"
    cost: ClassVar[str] = "one for each contrast prompt, for the raw norms"

    seed: int = option(0, help="another number gives other directions", checks=[Within(0)])

    def extract(self, model: Model, contrast: ContrastSet, layers: Sequence[int]) -> DirectionSet:
        """Draw for all layers, so that a direction does not depend on which others are asked for."""
        import torch

        positions = self.positions_in(model)
        classes = (contrast.positive, contrast.negative)
        positive, negative = model.mean_activations(classes, positions, self.module)
        generator = torch.Generator().manual_seed(self.seed)
        width = model.width(self.module)
        drawn = torch.randn(model.num_layers, width, generator=generator, dtype=torch.float64)
        units = drawn / drawn.norm(dim=-1, keepdim=True)
        raw = units * (positive - negative).norm(dim=-1, keepdim=True)
        return DirectionSet.from_raw(raw[:, list(layers)], positions, tuple(layers), self.module)
