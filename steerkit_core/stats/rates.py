"""One rate and its interval, and how far apart two rates are."""

from __future__ import annotations

import math
from statistics import NormalDist

from steerkit_core.stats.estimate import CONFIDENCE, Rate


def wilson(k: int, n: int, confidence: float = CONFIDENCE) -> Rate:
    """`k` of `n` with Wilson's score interval (Wilson, 1927), without continuity correction.

    For n = 0 nothing is known: the rate is 0 and the interval is [0, 1].

    >>> from steerkit_core import wilson
    >>> rate = wilson(23, 30)
    >>> f"{rate.rate:.3f}, from {rate.low:.3f} to {rate.high:.3f}"
    '0.767, from 0.591 to 0.882'
    """
    if n == 0:
        return Rate(0, 0, 0.0, 0.0, 1.0)
    from scipy.stats import binomtest

    interval = binomtest(k, n).proportion_ci(confidence_level=confidence, method="wilson")
    # rounding in scipy may leave 1e-17 where the interval's end is exactly 0 or 1
    low = 0.0 if k == 0 else float(interval.low)
    high = 1.0 if k == n else float(interval.high)
    return Rate(k, n, k / n, low, high)


def wilson_of_share(share: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's interval of a share of `n` observations, which need not be a whole number of them."""
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # rounding may leave 1e-17 where the interval's end is exactly 0 or 1
    return 0.0 if share == 0 else centre - reach, 1.0 if share == 1 else centre + reach


def cohens_h(first: float, second: float) -> float:
    """Cohen's effect size of two rates, 2 asin sqrt(first) - 2 asin sqrt(second), from -pi to pi.

    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 6.2: 0.2 is small, 0.5 medium, 0.8
    large.

    Raises:
        ValueError: a rate is not between 0 and 1.
    """
    for rate in (first, second):
        if not 0.0 <= rate <= 1.0:
            raise ValueError(f"rates: expected numbers from 0 to 1, got {rate:g}")
    return 2 * math.asin(math.sqrt(first)) - 2 * math.asin(math.sqrt(second))


def check_counts(k: int, n: int) -> None:
    """Raise `ValueError` where `k` of `n` is no rate."""
    if not 0 <= k <= n:
        raise ValueError(f"counts: expected 0 to {n} of {n}, got {k}")
