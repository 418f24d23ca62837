"""Rates with intervals. The unit is the unique prompt."""

from __future__ import annotations

from steerkit_core.values import Rate

CONFIDENCE = 0.95


def wilson(k: int, n: int, confidence: float = CONFIDENCE) -> Rate:
    """`k` of `n` with Wilson's score interval (Wilson, 1927), without continuity correction.

    For n = 0 nothing is known: the rate is 0 and the interval is [0, 1].
    """
    if n == 0:
        return Rate(0, 0, 0.0, 0.0, 1.0)
    from scipy.stats import binomtest

    interval = binomtest(k, n).proportion_ci(confidence_level=confidence, method="wilson")
    # rounding in scipy may leave 1e-17 where the interval's end is exactly 0 or 1
    low = 0.0 if k == 0 else float(interval.low)
    high = 1.0 if k == n else float(interval.high)
    return Rate(k, n, k / n, low, high)
