"""How good a kernel machine is on points that it was not fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def left_out(inverse: Tensor, alpha: Tensor, labels: Tensor) -> Tensor:
    """What kernel ridge regression says of every point when it is fitted to all the others.

    With A = K + reg I the residual of point i, left out, is alpha_i / (A^-1)_ii: the closed form of
    leaving one out for a linear smoother.

    Args:
        inverse: A^-1, (..., n, n).
        alpha: A^-1 y, (..., n).
        labels: y, (n,).

    Returns:
        The predictions, (..., n).
    """
    return labels - alpha / inverse.diagonal(dim1=-2, dim2=-1)


def mean_squared_error(predictions: Tensor, labels: Tensor) -> Tensor:
    """(...) from predictions (..., n) and labels (n,)."""
    return (predictions - labels).square().mean(dim=-1)


def area_under_curve(predictions: Tensor, labels: Tensor) -> Tensor:
    """Share of the pairs of a positive and a negative point in which the positive one is rated higher.

    Ties count half: the area under the ROC curve. (...) from predictions (..., n) and labels (n,).
    """
    import torch

    positive, negative = predictions[..., labels == 1], predictions[..., labels == 0]
    ahead = positive.unsqueeze(-1) - negative.unsqueeze(-2)
    return torch.where(ahead == 0, 0.5, (ahead > 0).double()).mean(dim=(-2, -1))


def held_count(share: float, members: int) -> int:
    """How many of a class are held out: the given share, at least one."""
    return max(1, round(share * members))


def held_out(labels: Tensor, share: float, seed: int) -> Tensor:
    """Which points are held out: the given share of either class, at least one, drawn with a seed.

    Of two classes of one size the members at the same places are held out, so that the two of a pair stay
    together, and exchanging the classes changes nothing.

    Returns:
        Booleans, (n,); the same for the same labels, share and seed.
    """
    import torch

    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in (1, 0):
        members = (labels == label).nonzero().flatten()
        count = held_count(share, len(members))
        generator = torch.Generator().manual_seed(seed)
        chosen[members[torch.randperm(len(members), generator=generator)[:count]]] = True
    return chosen
