"""How many prompts are needed to tell two rates apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from attrs import field, frozen

from steerkit_core.errors import SteerkitError

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

# beyond these many prompts the normal approximation is good to a percent, and enumeration takes seconds
EXACT_FISHER, EXACT_MCNEMAR = 300, 2000
# how far the exact power is looked at on both sides of the approximation; it goes up and down by a tooth
MARGIN = 1.3


@frozen
class Independent:
    """Two rates, each on its own `n` prompts, and Fisher's exact test."""

    first: float
    second: float
    alpha: float = 0.05

    def __attrs_post_init__(self) -> None:
        _check_rates(self.first, self.second)
        _check_inside("alpha", self.alpha)

    @property
    def exact_up_to(self) -> int:
        """Up to how many prompts all possible results are gone through."""
        return EXACT_FISHER

    def power(self, n: int) -> float:
        """The probability that the test gives a p-value of at most alpha.

        Up to 300 prompts for each rate by going through all pairs of counts; beyond, by the normal
        approximation with Yates's correction, as Casagrande, Pike and Smith (1978), Biometrics 34, 483-486.
        """
        if n <= self.exact_up_to:
            return self._exact(n)
        from scipy.stats import norm

        mean = (self.first + self.second) / 2
        null = math.sqrt(2 * mean * (1 - mean))
        own = math.sqrt(self.first * (1 - self.first) + self.second * (1 - self.second))
        gap = abs(self.first - self.second)
        if own == 0.0:
            return 1.0
        corrected = (gap - 1 / n) * math.sqrt(n)
        return float(norm.cdf((corrected - norm.isf(self.alpha / 2) * null) / own))

    def _exact(self, n: int) -> float:
        from scipy.stats import binom

        counts = range(n + 1)
        first, second = binom.pmf(counts, n, self.first), binom.pmf(counts, n, self.second)
        return float(first @ _fisher_rejects(n, self.alpha) @ second)

    def approximate(self, power: float) -> float:
        """How many prompts the normal approximation asks for, continuity correction included.

        Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, 4.14.
        """
        from scipy.stats import norm

        gap, mean = abs(self.first - self.second), (self.first + self.second) / 2
        null = norm.isf(self.alpha / 2) * math.sqrt(2 * mean * (1 - mean))
        own = norm.ppf(power) * math.sqrt(self.first * (1 - self.first) + self.second * (1 - self.second))
        plain = (null + own) ** 2 / gap**2
        return float(plain / 4 * (1 + math.sqrt(1 + 4 / (plain * gap))) ** 2)


@frozen
class Paired:
    """Two rates on the same `n` prompts, and McNemar's exact test.

    `discordant` is the share of prompts on which the two arms differ; the test has no other use for the
    prompts.
    """

    first: float
    second: float
    discordant: float
    alpha: float = 0.05
    _cuts: dict[int, int] = field(factory=dict, init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        _check_rates(self.first, self.second)
        _check_inside("alpha", self.alpha)
        low, high = discordance(self.first, self.second)
        if not low - 1e-9 <= self.discordant <= high + 1e-9:
            raise SteerkitError(
                f"discordant share: rates of {self.first:g} and {self.second:g} leave {low:g} to {high:g},"
                f" got {self.discordant:g}"
            )

    @classmethod
    def correlated(cls, first: float, second: float, correlation: float, alpha: float = 0.05) -> Paired:
        """From the correlation (phi) of the two arms over prompts.

        Raises:
            SteerkitError: two arms of these rates cannot correlate so.
        """
        _check_rates(first, second)
        spread = math.sqrt(first * (1 - first) * second * (1 - second))
        independent = first * (1 - second) + second * (1 - first)
        discordant = independent - 2 * correlation * spread
        low, high = discordance(first, second)
        if not low - 1e-9 <= discordant <= high + 1e-9:
            bounds = [(independent - edge) / (2 * spread) if spread else 0.0 for edge in (high, low)]
            raise SteerkitError(
                f"correlation: rates of {first:g} and {second:g} leave {bounds[0]:.3f} to {bounds[1]:.3f},"
                f" got {correlation:g}"
            )
        return cls(first, second, min(max(discordant, low), high), alpha)

    @property
    def exact_up_to(self) -> int:
        """Up to how many prompts all possible results are gone through."""
        return EXACT_MCNEMAR

    def power(self, n: int) -> float:
        """The probability that the test gives a p-value of at most alpha.

        Up to 2000 prompts by going through all numbers of discordant prompts; beyond, by the normal
        approximation of Connor (1987), Biometrics 43, 207-211.
        """
        gap = abs(self.first - self.second)
        if self.discordant <= 0.0:
            return 0.0
        from scipy.stats import binom, norm

        if n > self.exact_up_to:
            spread = math.sqrt(max(self.discordant - gap**2, 0.0))
            if spread == 0.0:
                return 1.0
            reach = gap * math.sqrt(n) - norm.isf(self.alpha / 2) * math.sqrt(self.discordant)
            return float(norm.cdf(reach / spread))
        import numpy as np

        numbers = np.arange(n + 1)
        cuts = np.array([self._cut(int(number)) for number in numbers])
        up = min((self.discordant + gap) / 2 / self.discordant, 1.0)
        rejects = binom.cdf(cuts, numbers, up) + binom.cdf(cuts, numbers, 1 - up)
        return float(binom.pmf(numbers, n, self.discordant) @ np.where(cuts < 0, 0.0, rejects))

    def _cut(self, discordant: int) -> int:
        """The largest smaller half of so many discordant prompts that is significant; -1 where none is."""
        if discordant not in self._cuts:
            from scipy.stats import binom

            found = int(binom.ppf(self.alpha / 2, discordant, 0.5)) if discordant else 0
            # ppf gives the first count that reaches alpha / 2, which itself may reach beyond it
            while found >= 0 and 2 * binom.cdf(found, discordant, 0.5) > self.alpha * (1 + 1e-12):
                found -= 1
            self._cuts[discordant] = found
        return self._cuts[discordant]

    def approximate(self, power: float) -> float:
        """How many prompts the normal approximation asks for; Connor (1987), equation 3."""
        from scipy.stats import norm

        gap = abs(self.first - self.second)
        spread = math.sqrt(max(self.discordant - gap**2, 0.0))
        reach = norm.isf(self.alpha / 2) * math.sqrt(self.discordant) + norm.ppf(power) * spread
        return float(reach**2 / gap**2)


def discordance(first: float, second: float) -> tuple[float, float]:
    """The smallest and the largest share of prompts on which two arms of these rates can differ."""
    return abs(first - second), min(first + second, 2 - first - second)


def prompts_needed(design: Independent | Paired, power: float) -> int:
    """The smallest number of prompts from which on the test has at least that power.

    The exact power goes up and down a little from one number to the next; this is the number after the last
    one that falls short.

    Raises:
        SteerkitError: the rates are equal, or the power is none.
    """
    _check_inside("power", power)
    if design.first == design.second:
        raise SteerkitError(
            f"rates: both are {design.first:g}, and no number of prompts tells equal rates apart"
        )
    expected = math.ceil(design.approximate(power))
    if expected * MARGIN + 10 > design.exact_up_to:
        return max(expected, 1)
    return _last_short(design.power, power, expected) + 1


def _last_short(power_of: Callable[[int], float], power: float, expected: int) -> int:
    for n in range(math.ceil(expected * MARGIN) + 10, 0, -1):
        if power_of(n) < power:
            return n
    return 0


@lru_cache(maxsize=64)
def _fisher_rejects(n: int, alpha: float) -> NDArray[float64]:
    """1 where Fisher's test of (row of n, column of n) has a p-value of at most alpha, else 0."""
    import numpy as np
    from scipy.special import gammaln

    counts = np.arange(n + 1)
    ways = gammaln(n + 1) - gammaln(counts + 1) - gammaln(n - counts + 1)
    found = np.zeros((n + 1, n + 1))
    # exchanging the labels turns a total into 2n - total and leaves the p-value as it is
    for total in range(n + 1):
        first = np.arange(total + 1)
        likely = np.exp(ways[first] + ways[total - first] - ways[total // 2] - ways[total - total // 2])
        order = np.sort(likely)
        # equally likely tables count together; the factor is the one of R and scipy
        upto = np.searchsorted(order, likely * (1 + 1e-7), side="right")
        p = np.cumsum(order)[upto - 1] / order.sum()
        found[first, total - first] = found[n - first, n - total + first] = p <= alpha
    return found


def _check_rates(*rates: float) -> None:
    for rate in rates:
        if not 0.0 <= rate <= 1.0:
            raise SteerkitError(f"rates: expected numbers from 0 to 1, got {rate:g}")


def _check_inside(what: str, share: float) -> None:
    # not a number is in no range, and a command line lets it through
    if not 0.0 < share < 1.0:
        raise SteerkitError(f"{what}: expected a number between 0 and 1, got {share:g}")


@frozen(kw_only=True)
class PowerReport:
    """What `steerkit power --json` prints.

    `discordant` is the share of prompts on which paired arms differ, None for independent ones; `exact`
    whether `prompts` was found by enumeration; `power_at` the power by number of prompts.
    """

    rates: tuple[float, float]
    alpha: float
    power: float
    paired: bool
    discordant: float | None
    test: str
    prompts: int
    exact: bool
    power_at: Mapping[str, float]


def power_report(design: Independent | Paired, power: float, sizes: Sequence[int]) -> PowerReport:
    """How many prompts reach a power, and the power at these and at some other numbers of prompts."""
    needed, paired = prompts_needed(design, power), isinstance(design, Paired)
    return PowerReport(
        rates=(design.first, design.second),
        alpha=design.alpha,
        power=power,
        paired=paired,
        discordant=design.discordant if isinstance(design, Paired) else None,
        test="mcnemar" if paired else "fisher",
        prompts=needed,
        exact=needed <= design.exact_up_to,
        power_at={str(n): design.power(n) for n in (*sizes, needed)},
    )
