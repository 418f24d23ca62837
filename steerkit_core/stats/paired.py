"""Two rates on the same prompts."""

from __future__ import annotations

import math
from collections.abc import Mapping

from attrs import frozen

from steerkit_core.stats.estimate import CONFIDENCE, Estimate
from steerkit_core.stats.rates import wilson


@frozen
class PairedCounts:
    """On how many prompts both arms had the label, the first alone, the second alone, and neither."""

    both: int
    first_only: int
    second_only: int
    neither: int

    @classmethod
    def of(cls, first: Mapping[str, str], second: Mapping[str, str], label: str) -> PairedCounts:
        """Count the prompts that both arms have, each arm given as labels by prompt."""
        pairs = [(first[text] == label, second[text] == label) for text in first if text in second]
        cells = ((True, True), (True, False), (False, True), (False, False))
        return cls(*(pairs.count(cell) for cell in cells))

    @property
    def n(self) -> int:
        """How many prompts."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def first(self) -> int:
        """On how many the first arm had the label."""
        return self.both + self.first_only

    @property
    def second(self) -> int:
        """On how many the second arm had it."""
        return self.both + self.second_only


def mcnemar(counts: PairedCounts) -> float:
    """McNemar's exact test, two-sided: the p-value.

    Under the hypothesis of equal rates a discordant prompt goes either way like a fair coin, so that this
    is the binomial test of the discordant prompts alone; McNemar (1947), Psychometrika 12, 153-157. Without
    any the p-value is 1.
    """
    discordant = counts.first_only + counts.second_only
    if not discordant:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(counts.first_only, discordant).pvalue)


def newcombe_paired(counts: PairedCounts, confidence: float = CONFIDENCE) -> Estimate:
    """The difference of two rates on the same prompts, first minus second, with Newcombe's interval.

    Newcombe (1998), Improved confidence intervals for the difference between binomial proportions based on
    paired data, Statistics in Medicine 17, 2635-2650, method 10: Wilson's limits of both rates, joined with
    the correlation phi of the arms, from whose numerator n/2 is taken where it is positive. Where there is
    no prompt nothing is known: [-1, 1].
    """
    n = counts.n
    if n == 0:
        return Estimate(0.0, -1.0, 1.0)
    first, second = wilson(counts.first, n, confidence), wilson(counts.second, n, confidence)
    value = first.rate - second.rate
    phi = _phi(counts)
    below = joined(first.rate - first.low, second.high - second.rate, phi)
    above = joined(first.high - first.rate, second.rate - second.low, phi)
    return Estimate(value, max(value - below, -1.0), min(value + above, 1.0))


def joined(first: float, second: float, phi: float) -> float:
    """How far an end of the interval of a difference lies from it, from those of the two rates."""
    # rounding may leave a little less than nothing under the root where phi is 1
    return math.sqrt(max(first * first - 2 * phi * first * second + second * second, 0.0))


def _phi(counts: PairedCounts) -> float:
    margins = counts.first * (counts.n - counts.first) * counts.second * (counts.n - counts.second)
    if not margins:
        return 0.0
    product = counts.both * counts.neither - counts.first_only * counts.second_only
    if product > 0:
        return max(product - counts.n / 2, 0.0) / math.sqrt(margins)
    return product / math.sqrt(margins)
