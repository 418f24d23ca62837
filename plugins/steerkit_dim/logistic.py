"""Extractor `logistic`: logistic regression."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, ClassVar, Literal

from attrs import frozen

from steerkit_core import Within, option
from steerkit_dim.axes import AxisExtractor

if TYPE_CHECKING:
    from torch import Tensor


@frozen(kw_only=True)
class LogisticRegression(AxisExtractor):
    """Normal of the plane with which logistic regression parts the classes, by scikit-learn.

    The intercept is free and the weights have an L2 penalty. What the penalty means depends on the scale of
    the activations, which differs by orders of magnitude between families and layers; so they are divided
    by one number, with which their features have variance 1 on average. This keeps their geometry.
    `scale = "features"` divides every feature by its own deviation instead, so that a few large ones count
    no more than the others; the normal is then expressed in the residual stream again.

    The best weights are a sum of prompts, so that they are found in the at most n - 1 dimensions that n
    prompts span, which gives the same as the full width.

    The raw norm is the distance of the class means along the direction.
    """

    name: ClassVar[str] = "logistic"
    reference: ClassVar[str] = "common practice (a linear probe)"

    inverse_penalty: float = option(
        1.0, help="scikit-learn's C: smaller is smoother", checks=[Within(0, open=True)]
    )
    scale: Literal["common", "features", "none"] = option(
        "common",
        help="what activations are divided by: common, one number; features, each feature's standard"
        " deviation; none",
    )

    def axis(self, positive: Tensor, negative: Tensor) -> Tensor:
        """The weights, expressed in the activations as they were read."""
        import torch
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression as Classifier

        points = torch.cat([positive, negative])
        centred = points - points.mean(dim=0)
        scale = self._scale(centred)
        if not bool(scale.any()):
            return torch.zeros_like(scale)
        scaled = torch.where(scale > 0, centred / scale, 0.0)
        # the last centred point is minus the sum of the others
        basis, _ = torch.linalg.qr(scaled[:-1].T)
        # Newton steps reach the optimum to the last digits, also where the classes are parted with ease
        model = Classifier(C=self.inverse_penalty, solver="newton-cholesky", tol=1e-9, max_iter=1000)
        labels = [1] * len(positive) + [0] * len(negative)
        with warnings.catch_warnings():
            # at the optimum rounding leaves the line search nothing to gain, and lbfgs confirms it
            warnings.filterwarnings("ignore", "Line search of Newton solver", ConvergenceWarning)
            model.fit((scaled @ basis).numpy(), labels)
        weights = basis @ torch.from_numpy(model.coef_[0])
        return torch.where(scale > 0, weights / scale, 0.0)

    def _scale(self, centred: Tensor) -> Tensor:
        """What every feature is divided by, (width,)."""
        variances = centred.square().mean(dim=0)
        if self.scale == "features":
            return variances.sqrt()
        if self.scale == "common":
            return variances.mean().sqrt().expand_as(variances)
        return variances.new_ones(variances.shape)
