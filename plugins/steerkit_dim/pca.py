"""Extractor `pca`: principal component of centred pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from steerkit_core import ContrastSet, SteerkitError
from steerkit_dim.axes import AxisExtractor

if TYPE_CHECKING:
    from torch import Tensor


@frozen(kw_only=True)
class PrincipalComponent(AxisExtractor):
    """First principal component of the pairs, each centred on its own middle.

    The i-th positive prompt and the i-th negative one are a pair. Both members minus the middle of the pair
    are plus and minus half its difference, so that the component is the first right singular vector of the
    differences, not centred: centring *these*, as a library's PCA would, removes the mean difference, which
    is what is wanted.

    The sign is that of the mean difference, and the raw norm is its length along the component.
    """

    name: ClassVar[str] = "pca"
    reference: ClassVar[str] = (
        "Zou et al., 2023 (representation engineering), with pairs centred one by one"
    )

    def check_prompts(self, contrast: ContrastSet) -> None:
        """Refuse classes of unequal size."""
        positive, negative = contrast.sizes
        if positive != negative:
            raise SteerkitError(
                "pca needs pairs, the first positive prompt with the first negative one and so on, got"
                f" {positive} positive and {negative} negative prompts: give classes of one size"
            )

    def axis(self, positive: Tensor, negative: Tensor) -> Tensor:
        """The first right singular vector of the differences."""
        import torch

        _, lengths, axes = torch.linalg.svd(positive - negative, full_matrices=False)
        component: Tensor = axes[0] * lengths[0]
        return component
