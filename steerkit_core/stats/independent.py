"""Two rates on different prompts."""

from __future__ import annotations

from steerkit_core.stats.estimate import CONFIDENCE, Estimate
from steerkit_core.stats.rates import check_counts


def fisher(first: int, first_n: int, second: int, second_n: int) -> float:
    """Fisher's exact test of two independent rates, two-sided: the p-value.

    Tables are ordered by their probability, as in R; see Agresti (2013), Categorical Data Analysis, 3.5.
    """
    import numpy as np
    from scipy.stats import fisher_exact

    table = np.array([[first, first_n - first], [second, second_n - second]])
    return float(fisher_exact(table).pvalue)


def newcombe(
    first: int, first_n: int, second: int, second_n: int, confidence: float = CONFIDENCE
) -> Estimate:
    """The difference of two independent rates, with Newcombe's interval from Wilson's limits.

    Newcombe (1998), Interval estimation for the difference between independent proportions, Statistics in
    Medicine 17, 873-890, method 10. Where one of the sizes is 0 nothing is known: [-1, 1].

    Raises:
        ValueError: a count is larger than its size, or negative.
    """
    check_counts(first, first_n)
    check_counts(second, second_n)
    if not first_n or not second_n:
        return Estimate(0.0, -1.0, 1.0)
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(
        first, first_n, second, second_n, method="newcomb", compare="diff", alpha=1 - confidence
    )
    value = first / first_n - second / second_n
    return Estimate(value, max(float(low), -1.0), min(float(high), 1.0))
