"""Other ways of computing what the paper prints, and what the core's statistics have no use for.

Rates are shares in [0, 1], intervals and differences too; percent is a matter of printing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import acos, degrees, sqrt
from typing import TYPE_CHECKING, Literal

from steerkit_core import fisher, wilson

if TYPE_CHECKING:
    import numpy as np

CONFIDENCE = 0.95


def wilson_interval(k: int, n: int) -> tuple[float, float]:
    """The core's interval, Wilson's without continuity correction, as its two ends."""
    found = wilson(k, n)
    return found.low, found.high


def wilson_corrected(k: int, n: int) -> tuple[float, float]:
    """Wilson's interval with continuity correction (Newcombe, 1998, method 4)."""
    return _interval(k, n, "wilsoncc")


def clopper_pearson(k: int, n: int) -> tuple[float, float]:
    """The exact interval of Clopper and Pearson (1934)."""
    return _interval(k, n, "exact")


def normal(k: int, n: int) -> tuple[float, float]:
    """The normal (Wald) interval, cut at 0 and 1."""
    from scipy.stats import norm

    rate = k / n
    reach = float(norm.ppf(0.5 + CONFIDENCE / 2)) * sqrt(rate * (1 - rate) / n)
    return max(0.0, rate - reach), min(1.0, rate + reach)


def agresti_coull(k: int, n: int) -> tuple[float, float]:
    """The normal interval around the rate with z squared more trials, half of them successes."""
    from scipy.stats import norm

    z = float(norm.ppf(0.5 + CONFIDENCE / 2))
    total = n + z**2
    rate = (k + z**2 / 2) / total
    reach = z * sqrt(rate * (1 - rate) / total)
    return max(0.0, rate - reach), min(1.0, rate + reach)


def jeffreys(k: int, n: int) -> tuple[float, float]:
    """The equal-tailed interval of the Beta(k + 1/2, n - k + 1/2) posterior."""
    from scipy.stats import beta

    low, high = (
        float(beta.ppf(share, k + 0.5, n - k + 0.5))
        for share in (0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2)
    )
    return low, high


def _interval(k: int, n: int, method: Literal["exact", "wilsoncc"]) -> tuple[float, float]:
    from scipy.stats import binomtest

    found = binomtest(k, n).proportion_ci(confidence_level=CONFIDENCE, method=method)
    return float(found.low), float(found.high)


def fisher_one_sided(k1: int, n1: int, k2: int, n2: int) -> float:
    """Fisher's exact test against the side on which the first rate lies."""
    from scipy.stats import fisher_exact

    side: Literal["greater", "less"] = "greater" if k1 / n1 >= k2 / n2 else "less"
    return float(fisher_exact(_table(k1, n1, k2, n2), side).pvalue)


def _table(k1: int, n1: int, k2: int, n2: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Successes and failures of each arm, an arm to a row."""
    import numpy as np

    return np.array([[k1, n1 - k1], [k2, n2 - k2]])


def chi_squared(k1: int, n1: int, k2: int, n2: int) -> float:
    """Pearson's chi-squared test of two rates, without continuity correction; p is 1 for equal margins."""
    return _chi_squared(k1, n1, k2, n2, corrected=False)


def chi_squared_corrected(k1: int, n1: int, k2: int, n2: int) -> float:
    """The same with Yates' continuity correction."""
    return _chi_squared(k1, n1, k2, n2, corrected=True)


def _chi_squared(k1: int, n1: int, k2: int, n2: int, *, corrected: bool) -> float:
    from scipy.stats import chi2_contingency

    if k1 + k2 in (0, n1 + n2):
        return 1.0
    return float(chi2_contingency(_table(k1, n1, k2, n2), correction=corrected).pvalue)


def boschloo(k1: int, n1: int, k2: int, n2: int) -> float:
    """Boschloo's exact test of two independent rates, two-sided p."""
    from scipy.stats import boschloo_exact

    return float(boschloo_exact(_table(k1, n1, k2, n2).T).pvalue)


def barnard(k1: int, n1: int, k2: int, n2: int) -> float:
    """Barnard's exact test of two independent rates, two-sided p."""
    from scipy.stats import barnard_exact

    return float(barnard_exact(_table(k1, n1, k2, n2).T).pvalue)


def mcnemar_bounds(k1: int, k2: int, n: int) -> tuple[float, float]:
    """The smallest and largest p of the exact McNemar test that two rates on the same prompts allow.

    McNemar's test needs the pairs: how often only the first arm, and only the second, succeeded (b and
    c). The rates fix b - c alone. At the least c = 0; at the most as many prompts differ as there can. Both
    ends agree where one arm is at 0 or n.
    """
    from scipy.stats import binomtest

    more, less = max(k1, k2), min(k1, k2)
    found = []
    for c in range(min(less, n - more) + 1):
        discordant = more - less + 2 * c
        found.append(float(binomtest(c, discordant).pvalue) if discordant else 1.0)
    return min(found), max(found)


def ratio_interval(k1: int, n1: int, k2: int, n2: int) -> tuple[float, float]:
    """The score interval of a ratio of two independent rates (Koopman, 1984); k2 has to be above 0.

    It has two ends where the rates are 0 or 1, too, where statsmodels' search for them goes astray.
    """
    # a ratio's lower end is its inverse's upper one
    return (1 / _ratio_top(k2, n2, k1, n1) if k1 else 0.0), _ratio_top(k1, n1, k2, n2)


def _ratio_top(k1: int, n1: int, k2: int, n2: int) -> float:
    from scipy.optimize import brentq
    from scipy.stats import norm

    limit = float(norm.ppf(0.5 + CONFIDENCE / 2)) ** 2
    start = top = k1 * n2 / (n1 * k2)
    while ratio_score(top, k1, n1, k2, n2) < limit:
        top = 2 * top + 1
    found = brentq(lambda ratio: ratio_score(ratio, k1, n1, k2, n2) - limit, start, top)
    return float(found)


def ratio_score(ratio: float, k1: int, n1: int, k2: int, n2: int) -> float:
    """Pearson's chi-squared of two rates under a ratio of them, at their maximum likelihood under it."""
    a, b, c = ratio * (n1 + n2), ratio * (n1 + k2) + k1 + n2, k1 + k2
    second = c / b if a == 0 else (b - sqrt(b * b - 4 * a * c)) / (2 * a)
    arms = ((k1, n1, ratio * second), (k2, n2, second))
    spread = [(k - n * rate, n * rate * (1 - rate)) for k, n, rate in arms]
    # a rate at 0 or 1 is what was counted, and no deviation
    return sum(off**2 / variance for off, variance in spread if variance > 1e-12)


def bonferroni(p_values: Sequence[float]) -> list[float]:
    """P values times their number, at most 1."""
    return [min(1.0, p * len(p_values)) for p in p_values]


def angle(cosine: float) -> float:
    """The angle of a cosine, in degrees."""
    return degrees(acos(cosine))


def chance_cosine(cosine: float, width: int) -> float:
    """How often two random directions of that width have at least this cosine, whatever its sign.

    The square of such a cosine is Beta(1/2, (width - 1)/2).
    """
    from scipy.stats import beta

    return float(beta.sf(cosine**2, 0.5, (width - 1) / 2))


Interval = Callable[[int, int], tuple[float, float]]
INTERVALS: dict[str, Interval] = {
    "Wilson": wilson_interval,
    "Wilson, corrected": wilson_corrected,
    "Clopper-Pearson": clopper_pearson,
    "normal": normal,
    "Agresti-Coull": agresti_coull,
    "Jeffreys": jeffreys,
}

TwoRates = Callable[[int, int, int, int], float]
TESTS: dict[str, TwoRates] = {
    "Fisher, two-sided": fisher,
    "Fisher, one-sided": fisher_one_sided,
    "chi-squared": chi_squared,
    "chi-squared, corrected": chi_squared_corrected,
    "Boschloo": boschloo,
    "Barnard": barnard,
}
