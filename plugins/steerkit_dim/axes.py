"""What the extractors here share: options, and from an axis to a direction with a sign and a length."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from attrs import evolve, frozen

from steerkit_core import (
    ClassActivations,
    ContrastSet,
    DirectionSet,
    ReadingExtractor,
)

if TYPE_CHECKING:
    from torch import Tensor

    from steerkit_core import Model


@frozen(kw_only=True)
class AxisExtractor(ReadingExtractor):
    """An extractor that looks at one layer and position at a time, prompt by prompt.

    A subclass gives an axis. It becomes a direction here: the positive class lies further along it than the
    negative one, and its raw norm is the distance of the two class means along it, so that adding the raw
    direction once moves the negative mean to where the positive one lies.
    """

    cost: ClassVar[str] = "one for each contrast prompt"

    @abstractmethod
    def axis(self, positive: Tensor, negative: Tensor) -> Tensor:
        """An axis of any length and either sign, (width,); all zero where there is none.

        Args:
            positive: activations of the positive class, (prompts, width), float64.
            negative: those of the negative class.
        """

    def extract(self, model: Model, contrast: ContrastSet, layers: Sequence[int]) -> DirectionSet:
        """Read both classes in one pass, and find an axis at every layer and position.

        Raises:
            SteerkitError: the classes have too few prompts, or sizes that do not go together.
        """
        import torch

        self.check_prompts(contrast)
        positions = self.positions_in(model)
        read = model.class_activations(contrast, positions, self.module, layers)
        raw = torch.stack([torch.stack([self._raw(*read.at(k, p)) for k in layers]) for p in positions])
        found = DirectionSet.from_raw(raw, positions, tuple(layers), self.module)
        return evolve(found, axes=self.all_axes(read))

    def all_axes(self, read: ClassActivations) -> Tensor | None:
        """Orthonormal bases of subspaces, (positions, layers, number, width); None where there are none."""
        return None

    def _raw(self, positive: Tensor, negative: Tensor) -> Tensor:
        positive, negative = positive.double(), negative.double()
        axis = self.axis(positive, negative)
        unit = axis / axis.norm().clamp_min(1e-300)
        raw: Tensor = unit * ((positive.mean(dim=0) - negative.mean(dim=0)) @ unit)
        return raw
