"""Extractor `subspace`: the mean difference, as far as it lies in the first principal directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from steerkit_core import ClassActivations, ContrastSet, SteerkitError, Within, option
from steerkit_dim.axes import AxisExtractor

if TYPE_CHECKING:
    from torch import Tensor


@frozen(kw_only=True)
class PrincipalSubspace(AxisExtractor):
    """The mean difference, projected on the first principal directions of the pairs' differences.

    The i-th positive prompt and the i-th negative one are a pair. The directions are right singular vectors
    of the differences, not centred. With one of them this is `pca`, with as many as there are pairs `dim`:
    a grid over `components` shows how many of them steering needs. Sites that add, add this direction;
    those that ablate take all of the subspace out.

    The raw norm is the projection's length.
    """

    name: ClassVar[str] = "subspace"
    reference: ClassVar[str] = (
        "the mean difference of `dim`, projected as principal component regression does (Massy, 1965)"
    )

    components: int = option(
        2,
        help="how many principal directions are kept; at most as many as there are pairs",
        checks=[Within(1)],
    )

    def check_prompts(self, contrast: ContrastSet) -> None:
        """Refuse classes of unequal size, or with fewer pairs than components."""
        positive, negative = contrast.sizes
        if positive != negative:
            raise SteerkitError(
                "subspace needs pairs, the first positive prompt with the first negative one and so on, got"
                f" {positive} positive and {negative} negative prompts: give classes of one size"
            )
        if self.components > positive:
            raise SteerkitError(
                f"subspace keeps {self.components} principal directions, of which {positive} pairs have at"
                f" most {positive}: lower extractor.components or add prompts"
            )

    def axis(self, positive: Tensor, negative: Tensor) -> Tensor:
        """The projection of the mean difference."""
        axes = self._principal(positive, negative)
        projected: Tensor = axes.T @ (axes @ (positive - negative).mean(dim=0))
        return projected

    def all_axes(self, read: ClassActivations) -> Tensor:
        """The first principal directions, the largest first."""
        import torch

        return torch.stack(
            [
                torch.stack(
                    [self._principal(*(one.double() for one in read.at(k, p))) for k in read.layers]
                )
                for p in read.positions
            ]
        ).float()

    def _principal(self, positive: Tensor, negative: Tensor) -> Tensor:
        """Right singular vectors of the pairs' differences, (components, width)."""
        import torch

        found: Tensor = torch.linalg.svd(positive - negative, full_matrices=False)[2][: self.components]
        return found
