"""The few dimensions that a set of points spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def span(points: Tensor) -> tuple[Tensor, Tensor]:
    """An orthonormal basis of the differences between points, and the points in it.

    The last centred point is minus the sum of the others, so that one dimension fewer than there are points
    is enough; distances and inner products of centred points are kept.

    Args:
        points: float64, (n, width).

    Returns:
        The coordinates of the centred points, (n, r), and the basis in its columns, (width, r), with
        r = min(n - 1, width).
    """
    import torch

    centred = points - points.mean(dim=0)
    basis, _ = torch.linalg.qr(centred[:-1].T)
    return centred @ basis, basis
