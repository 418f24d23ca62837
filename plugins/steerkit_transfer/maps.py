"""Linear maps between the residual streams of two models, fitted on the same prompts in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

NEGLIGIBLE = 1e-10  # of the largest singular value: what is below is rounding


def ridge_map(source: Tensor, target: Tensor, strength: float) -> Tensor:
    """The matrix W that minimises |X W - Y|^2 + penalty |W|^2 for activations less their means.

    The penalty is `strength` times the mean squared length of a row of X, times the number of rows, so that
    it means the same for any model. Solved over the rows, which are fewer than the dimensions; Hoerl and
    Kennard (1970).

    Args:
        source: activations X of the source, (prompts, source width).
        target: activations Y of the target on the same prompts, (prompts, target width).
        strength: of the penalty; above 0.

    Returns:
        float64, (source width, target width).
    """
    import torch

    x, y = centred(source), centred(target)
    gram = x @ x.T
    penalty = strength * float(gram.diagonal().sum())
    linear: Tensor = x.T @ torch.linalg.solve(gram + penalty * torch.eye(len(x), dtype=gram.dtype), y)
    return linear


def procrustes_map(source: Tensor, target: Tensor) -> Tensor:
    """The scaled orthogonal matrix s Q that minimises |s X Q - Y|^2 for activations less their means.

    With the singular value decomposition X^T Y = U S V^T, Q is U V^T and s the sum of S over |X|^2
    (Schoenemann, 1966; Schoenemann and Carroll, 1970). For unequal widths, and where the prompts span fewer
    dimensions than there are, Q has as many singular values 1 as X^T Y has rank, and the others 0.

    Args:
        source: activations X of the source, (prompts, source width).
        target: activations Y of the target on the same prompts, (prompts, target width).

    Returns:
        float64, (source width, target width).
    """
    import torch

    x, y = centred(source), centred(target)
    # X^T Y = A^T (S U^T V T) B has the rank of the prompts, so that only the small middle is decomposed
    (u, s, a), (v, t, b) = (torch.linalg.svd(one, full_matrices=False) for one in (x, y))
    left, values, right = torch.linalg.svd(s.unsqueeze(1) * (u.T @ v) * t)
    kept = torch.nonzero(values > NEGLIGIBLE * values[0]).flatten()
    scale = float(values.sum()) / max(float(x.square().sum()), NEGLIGIBLE)
    linear: Tensor = scale * (a.T @ left[:, kept] @ right[kept] @ b)
    return linear


def share_spanned(direction: Tensor, source: Tensor) -> float:
    """Which share of a direction's length lies where the prompts differ at all, so that a map can know it.

    Args:
        direction: shape (source width,).
        source: activations of the source, (prompts, source width).
    """
    import torch

    _, values, rows = torch.linalg.svd(centred(source), full_matrices=False)
    spanned = rows[values > NEGLIGIBLE * values[:1]]
    return float((spanned @ direction.double()).norm() / direction.double().norm())


def centred(activations: Tensor) -> Tensor:
    """Activations less their mean over the prompts, float64."""
    wide = activations.double()
    return wide - wide.mean(dim=0)
