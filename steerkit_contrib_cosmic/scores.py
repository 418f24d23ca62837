"""The tensor maths of COSMIC (Siu et al., 2025, section 3), as pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def cosines_of_means(positive: Tensor, negative: Tensor) -> Tensor:
    """Cosine of both classes' means, each (layers, hidden), layer by layer; returns (layers,), float64."""
    return (normalised(positive) * normalised(negative)).sum(dim=-1)


def mean_of_cosines(positive: Tensor, negative: Tensor) -> Tensor:
    """Mean over all pairs of a positive and a negative prompt of their cosine, layer by layer.

    Both have shape (prompts, layers, hidden); returns (layers,), float64. The mean over all pairs is the
    product of the means of the normalised activations.
    """
    one, other = (normalised(group.double()).mean(dim=0) for group in (positive, negative))
    return (one * other).sum(dim=-1)


def lowest(cosines: Tensor, count: int) -> tuple[int, ...]:
    """The `count` layers of the lowest cosine, in their order; of equal ones the earlier."""
    values = cosines.tolist()
    return tuple(sorted(sorted(range(len(values)), key=lambda layer: (values[layer], layer))[:count]))


def pooled(means: Tensor) -> Tensor:
    """`u`: the mean over layers of (any, layers, 1, hidden), of length 1, as (any, hidden)."""
    return normalised(means.squeeze(-2).mean(dim=-2))


def normalised(vectors: Tensor) -> Tensor:
    """Vectors of length 1, float64; a vector of zeros stays one."""
    from torch.nn.functional import normalize

    return normalize(vectors.double(), dim=-1, eps=1e-300)
