"""Extractor `lda`: linear discriminant analysis with shrinkage."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from attrs import frozen

from steerkit_core import ContrastSet, SteerkitError, Within, option
from steerkit_dim.axes import AxisExtractor

if TYPE_CHECKING:
    from torch import Tensor


@frozen(kw_only=True)
class LinearDiscriminant(AxisExtractor):
    """Normal of Fisher's discriminant: the mean difference, over the covariance inside of the classes.

    The covariance is the mean of both classes' covariances, weighted by their sizes, each shrunk as
    scikit-learn's `LinearDiscriminantAnalysis` does: with `shrinkage = "auto"` features are standardised,
    the amount is that of Ledoit and Wolf, and so the target is a diagonal of the features' variances; with
    a number the target is the mean variance times the identity.

    Such a covariance is a diagonal plus a product of n rows, so that it is inverted exactly by an n x n
    matrix (Woodbury); the covariance itself, width x width, is never made.

    The raw norm is the distance of the class means along the direction.
    """

    name: ClassVar[str] = "lda"
    reference: ClassVar[str] = "Fisher, 1936; Ledoit and Wolf, 2004"

    shrinkage: float | Literal["auto"] = option(
        "auto",
        help="share of the target in the covariance; auto estimates it for each class",
        checks=[Within(1e-6, 1)],
    )

    def check_prompts(self, contrast: ContrastSet) -> None:
        """Refuse classes that leave no covariance to estimate."""
        positive, negative = contrast.sizes
        least = 3 if self.shrinkage == "auto" else 2
        if min(positive, negative) < least:
            remedy = ", or set extractor.shrinkage to a number" if min(positive, negative) == 2 else ""
            raise SteerkitError(
                f"lda needs at least {least} prompts of each class to estimate a covariance, got"
                f" {positive} positive and {negative} negative: add prompts{remedy}"
            )

    def axis(self, positive: Tensor, negative: Tensor) -> Tensor:
        """The mean difference over the shrunk covariance."""
        import torch

        difference = positive.mean(dim=0) - negative.mean(dim=0)
        diagonal, rows = torch.zeros_like(difference), []
        for members in (positive, negative):
            share = len(members) / (len(positive) + len(negative))
            centred = members - members.mean(dim=0)
            amount, target = self._shrunk(centred)
            diagonal += share * amount * target
            rows.append(centred * (share * (1 - amount) / len(members)) ** 0.5)
        if bool((diagonal <= 0).any()):
            return torch.zeros_like(difference)
        factor = torch.cat(rows)  # covariance = diagonal + factor' factor
        over = factor / diagonal
        inner = torch.eye(len(factor), dtype=factor.dtype) + over @ factor.T
        normal: Tensor = difference / diagonal - over.T @ torch.linalg.solve(inner, over @ difference)
        return normal

    def _shrunk(self, centred: Tensor) -> tuple[float, Tensor]:
        """How much of the target goes into a class's covariance, and the target's diagonal, (width,)."""
        import torch

        variances = centred.square().mean(dim=0)
        if self.shrinkage != "auto":
            return self.shrinkage, variances.mean().expand_as(variances)
        scale = torch.where(variances > 0, variances.sqrt(), 1.0)
        scaled = centred / scale
        return ledoit_wolf(scaled), scale.square() * scaled.square().mean()


def ledoit_wolf(centred: Tensor) -> float:
    """The share of the mean variance times the identity that estimates a covariance best.

    Ledoit and Wolf (2004), in terms of inner products of the n points instead of those of the features:
    n x n numbers instead of width x width.

    Args:
        centred: points minus their mean, (n, width).
    """
    n, width = centred.shape
    products = centred @ centred.T
    lengths = products.diagonal()
    # squared Frobenius distances, of the covariance to the target, and of single points to the covariance
    squares = float(products.square().sum()) / n**2
    spread = squares - float(lengths.mean()) ** 2 / width
    error = (float(lengths.square().mean()) - squares) / n
    return min(error, spread) / spread if error > 0 and spread > 0 else 0.0
