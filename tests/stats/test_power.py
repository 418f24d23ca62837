import math
from itertools import product

import pytest
from scipy.stats import binom, fisher_exact

from steerkit_core.errors import SteerkitError
from steerkit_core.stats import PairedCounts, mcnemar
from steerkit_core.stats.power import Independent, Paired, discordance, prompts_needed


@pytest.mark.parametrize("rates", [(0.77, 0.57), (1.0, 0.77), (0.2, 0.9), (0.0, 0.4)])
@pytest.mark.parametrize("n", [1, 6, 13])
def test_power_is_the_sum_over_all_results_that_fisher_rejects(rates, n):
    expected = sum(
        binom.pmf(first, n, rates[0]) * binom.pmf(second, n, rates[1])
        for first, second in product(range(n + 1), repeat=2)
        if fisher_exact([[first, n - first], [second, n - second]]).pvalue <= 0.05
    )
    assert Independent(*rates).power(n) == pytest.approx(expected, abs=1e-12)


def multinomial(n, counts, shares):
    ways = math.factorial(n)
    for count in counts:
        ways //= math.factorial(count)
    return ways * math.prod(share**count for share, count in zip(shares, counts, strict=True))


@pytest.mark.parametrize(
    ("rates", "discordant"), [((0.77, 0.57), 0.3), ((0.9, 0.3), 0.6), ((0.5, 0.5), 0.4)]
)
@pytest.mark.parametrize("n", [1, 7, 14])
def test_power_is_the_sum_over_all_tables_that_mcnemar_rejects(rates, discordant, n):
    up = (discordant + rates[0] - rates[1]) / 2
    both = rates[0] - up
    shares = (both, up, discordant - up, 1 - both - discordant)
    expected = 0.0
    for a, b, c in product(range(n + 1), repeat=3):
        if a + b + c <= n:
            counts = (a, b, c, n - a - b - c)
            if mcnemar(PairedCounts(*counts)) <= 0.05:
                expected += multinomial(n, counts, shares)
    assert Paired(*rates, discordant).power(n) == pytest.approx(expected, abs=1e-10)


def test_prompts_needed_are_the_published_ones():
    # Fleiss, Levin and Paik (2003), their table of sample sizes: 0.75 against 0.50 at two-sided 0.05 and 80 percent
    assert math.ceil(Independent(0.75, 0.50).approximate(0.8)) == 66
    assert abs(prompts_needed(Independent(0.75, 0.50), 0.8) - 66) <= 3


@pytest.mark.parametrize(
    "design",
    [Independent(0.77, 0.57), Independent(1.0, 0.8), Paired(0.77, 0.57, 0.3), Paired(0.2, 0.1, 0.2)],
)
@pytest.mark.parametrize("power", [0.5, 0.8])
def test_prompts_needed_are_the_last_that_fall_short_and_one(design, power):
    found = prompts_needed(design, power)
    assert design.power(found - 1) < power
    assert all(design.power(n) >= power for n in range(found, found + 25))


def test_beyond_enumeration_the_approximation_goes_on_where_it_ended():
    for design in (Independent(0.55, 0.45), Paired(0.55, 0.5, 0.2)):
        edge = design.exact_up_to
        assert design.power(edge) == pytest.approx(design.power(edge + 1), abs=0.02)


def test_many_prompts_are_found_by_the_approximation():
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import proportion_effectsize

    found = prompts_needed(Independent(0.50, 0.45), 0.8)
    theirs = NormalIndPower().solve_power(proportion_effectsize(0.50, 0.45), power=0.8, alpha=0.05)
    # theirs knows nothing of the correction for continuity, which adds about 2 / difference
    assert found == pytest.approx(theirs + 2 / 0.05, rel=0.01)


def test_large_effects_need_few_and_certain_ones_are_certain():
    assert prompts_needed(Independent(1.0, 0.0), 0.9) == 4
    assert prompts_needed(Paired(1.0, 0.0, 1.0), 0.9) == 6
    assert Independent(1.0, 0.0).power(1000) == 1.0
    assert Paired(1.0, 0.0, 1.0).power(5000) == 1.0
    assert Paired(1.0, 1.0, 0.0).power(30) == 0.0


def test_a_correlation_is_a_share_of_discordant_prompts():
    assert Paired.correlated(0.77, 0.57, 0.0).discordant == pytest.approx(0.77 * 0.43 + 0.23 * 0.57)
    assert Paired.correlated(0.5, 0.5, 1.0).discordant == pytest.approx(0.0)
    assert Paired.correlated(0.5, 0.5, -1.0).discordant == pytest.approx(1.0)
    assert Paired.correlated(1.0, 0.3, 0.0).discordant == pytest.approx(0.7)


def test_discordance_has_bounds():
    assert discordance(0.77, 0.57) == (pytest.approx(0.2), pytest.approx(0.66))
    assert discordance(0.1, 0.2) == (pytest.approx(0.1), pytest.approx(0.3))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Independent(1.2, 0.5), "rates: expected numbers from 0 to 1, got 1.2"),
        (lambda: Paired(0.5, -0.1, 0.5), "rates: expected numbers from 0 to 1, got -0.1"),
        (lambda: Paired.correlated(0.5, 77, 0.5), "rates: expected numbers from 0 to 1, got 77"),
        (
            lambda: Paired(0.77, 0.57, 0.1),
            "discordant share: rates of 0.77 and 0.57 leave 0.2 to 0.66, got 0.1",
        ),
        (
            lambda: Paired.correlated(0.77, 0.57, 0.9),
            "correlation: rates of 0.77 and 0.57 leave -0.475 to 0.629, got 0.9",
        ),
        (
            lambda: prompts_needed(Independent(0.6, 0.6), 0.8),
            "rates: both are 0.6, and no number of prompts tells equal rates apart",
        ),
    ],
)
def test_what_cannot_be_is_one_sentence(wrong, message):
    with pytest.raises(SteerkitError) as raised:
        wrong()
    assert str(raised.value) == message
