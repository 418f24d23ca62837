"""Two cells on the same prompts, each prompt sampled several times: what was of one label becomes a share.

With one completion for each prompt all of this is what it is for labels: McNemar's exact test and
Newcombe's paired interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from steerkit_core.stats.clusters import clustered_wilson
from steerkit_core.stats.estimate import CONFIDENCE, Estimate
from steerkit_core.stats.paired import joined

if TYPE_CHECKING:
    from steerkit_core.stats.estimate import Rate

FINEST = 10_000  # shares are counted in parts of one; beyond so many parts they are rounded
Clusters = Sequence[tuple[int, int]]


def sign_flip(first: Clusters, second: Clusters) -> float:
    """Fisher's randomization test of paired shares, exact and two-sided: the p-value.

    Under the hypothesis that the two cells are exchangeable on every prompt, each prompt's difference has
    either sign with equal probability; all ways to choose the signs are gone through, and those counted
    whose sum is at least as far from zero as the one found. Fisher (1935), The Design of Experiments, 21.
    Where each prompt has one completion the differences are -1, 0 and 1, and this is McNemar's exact test.

    Args:
        first: for each prompt how many of its completions have the label, and how many there are.
        second: the same of the other cell, prompts in the same order.
    """
    import numpy as np

    gaps = [Fraction(*one) - Fraction(*other) for one, other in zip(first, second, strict=True)]
    parts = min(math.lcm(*(gap.denominator for gap in gaps)), FINEST) if gaps else 1
    steps = [round(gap * parts) for gap in gaps]
    sizes = [abs(step) for step in steps if step]
    reach = sum(sizes)
    # chances[reach + s]: of the sum s of the prompts so far
    chances = np.zeros(2 * reach + 1)
    chances[reach] = 1.0
    for size in sizes:
        chances = (np.roll(chances, size) + np.roll(chances, -size)) / 2
    sums = np.arange(-reach, reach + 1)
    return min(float(chances[abs(sums) >= abs(sum(steps))].sum()), 1.0)


def paired_difference(first: Clusters, second: Clusters, confidence: float = CONFIDENCE) -> Estimate:
    """The difference of two rates over completions, first minus second, clustered by prompt.

    Newcombe's construction for paired rates (see `newcombe_paired`) from the intervals of
    `clustered_wilson`, joined with the correlation of the shares over prompts, from whose numerator n/2 is
    taken where it is positive, n being the prompts.
    """
    one, other = (clustered_wilson(clusters, confidence)[0] for clusters in (first, second))
    return _difference(one, other, _correlation(first, second))


def independent_difference(first: Clusters, second: Clusters, confidence: float = CONFIDENCE) -> Estimate:
    """The same of two rates on different prompts, whose shares do not correlate."""
    one, other = (clustered_wilson(clusters, confidence)[0] for clusters in (first, second))
    return _difference(one, other, 0.0)


def _difference(first: Rate, second: Rate, phi: float) -> Estimate:
    if not first.n or not second.n:
        return Estimate(0.0, -1.0, 1.0)
    value = first.rate - second.rate
    below = joined(first.rate - first.low, second.high - second.rate, phi)
    above = joined(first.high - first.rate, second.rate - second.low, phi)
    return Estimate(value, max(value - below, -1.0), min(value + above, 1.0))


def _correlation(first: Clusters, second: Clusters) -> float:
    """Pearson's, of the shares over prompts, as Newcombe corrects it."""
    xs, ys = ([k / m for k, m in clusters] for clusters in (first, second))
    n = len(xs)
    spread = (n * sum(x * x for x in xs) - sum(xs) ** 2) * (n * sum(y * y for y in ys) - sum(ys) ** 2)
    product = n * sum(x * y for x, y in zip(xs, ys, strict=True)) - sum(xs) * sum(ys)
    if spread <= 1e-9:  # one of the cells gave every prompt the same share
        return 0.0
    return (max(product - n / 2, 0.0) if product > 0 else product) / math.sqrt(spread)
