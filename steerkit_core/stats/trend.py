"""Rates over an ordered column, such as model sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attrs import frozen

from steerkit_core.stats.rates import check_counts


@frozen
class Trend:
    """`z` is positive where rates rise with the scores; `p` is two-sided."""

    z: float
    p: float


def cochran_armitage(counts: Sequence[int], sizes: Sequence[int], scores: Sequence[float]) -> Trend:
    """Whether rates rise or fall with the scores, such as the logarithm of the model's size.

    z = sum w_i (k_i - n_i p) / sqrt(p (1 - p) (sum n_i w_i^2 - (sum n_i w_i)^2 / N)), p being the rate of
    all together; Agresti (2013), Categorical Data Analysis, 5.3.5. The rates are taken as independent: on
    the same prompts, which agree more than strangers do, the p-value is too large rather than too small.
    Where all rates are 0 or all are 1 there is no trend: z is 0.

    Args:
        counts: k_i, one for each group.
        sizes: n_i.
        scores: w_i; only the ratios of their distances matter.

    Raises:
        ValueError: the three are not of one length, or a count is larger than its size, or negative.
    """
    from scipy.stats import norm

    groups = list(zip(counts, sizes, scores, strict=True))
    for k, n, _ in groups:
        check_counts(k, n)
    total = sum(sizes)
    rate = sum(counts) / total if total else 0.0
    centre = sum(n * w for _, n, w in groups) / total if total else 0.0
    variance = rate * (1 - rate) * sum(n * (w - centre) ** 2 for _, n, w in groups)
    if variance == 0.0:
        return Trend(0.0, 1.0)
    z = sum((w - centre) * (k - n * rate) for k, n, w in groups) / math.sqrt(variance)
    return Trend(z, float(2 * norm.sf(abs(z))))
