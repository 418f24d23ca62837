"""Each measure beside another library, a formula written out, or a published value."""

from itertools import product
from math import comb

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom, chi2, hypergeom, norm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from steerkit_paper import measures

COUNTS = [(0, 10), (1, 10), (6, 10), (10, 10), (17, 30), (23, 30), (30, 50), (50, 50)]


@pytest.mark.parametrize(("k", "n"), COUNTS)
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (measures.wilson_interval, "wilson"),
        (measures.clopper_pearson, "beta"),
        (measures.normal, "normal"),
        (measures.agresti_coull, "agresti_coull"),
        (measures.jeffreys, "jeffreys"),
    ],
)
def test_intervals_are_those_of_statsmodels(ours, theirs, k, n):
    assert ours(k, n) == pytest.approx(proportion_confint(k, n, method=theirs), abs=1e-9)


def test_intervals_are_those_that_newcombe_printed():
    # Newcombe (1998), Statistics in Medicine 17: 857-872, table I, 81 of 263
    assert measures.wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert measures.wilson_corrected(81, 263) == pytest.approx((0.2535, 0.3682), abs=5e-5)
    assert measures.clopper_pearson(81, 263) == pytest.approx((0.2527, 0.3676), abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second"), list(product([(6, 10), (10, 10), (23, 30), (17, 30)], repeat=2))
)
def test_fisher_is_a_sum_over_tables(first, second):
    (k1, n1), (k2, n2) = first, second
    drawn = hypergeom(n1 + n2, k1 + k2, n1)
    probabilities = {k: drawn.pmf(k) for k in range(max(0, k1 + k2 - n2), min(n1, k1 + k2) + 1)}
    here = probabilities[k1]
    assert measures.fisher(k1, n1, k2, n2) == pytest.approx(
        sum(p for p in probabilities.values() if p <= here * (1 + 1e-7))
    )
    ahead = k1 / n1 >= k2 / n2
    side = sum(p for k, p in probabilities.items() if (k >= k1 if ahead else k <= k1))
    assert measures.fisher_one_sided(k1, n1, k2, n2) == pytest.approx(side)


def test_fisher_by_hand():
    # all of 30 against 23 of 30: the 7 failures fall into the second arm
    assert measures.fisher_one_sided(30, 30, 23, 30) == pytest.approx(comb(30, 7) / comb(60, 7))


def test_chi_squared_by_hand():
    # 30/30 against 23/30: expected 26.5 and 3.5 in each arm
    plain = 2 * 3.5**2 / 26.5 + 2 * 3.5**2 / 3.5
    corrected = 2 * 3.0**2 / 26.5 + 2 * 3.0**2 / 3.5
    assert measures.chi_squared(30, 30, 23, 30) == pytest.approx(chi2.sf(plain, 1))
    assert measures.chi_squared_corrected(30, 30, 23, 30) == pytest.approx(chi2.sf(corrected, 1))
    assert measures.chi_squared(10, 10, 10, 10) == 1.0


def worst(first, second, extreme):
    """The largest probability, over the rate that both arms share, of tables that `extreme` accepts."""
    (_, n1), (_, n2) = first, second
    tables = [table for table in product(range(n1 + 1), range(n2 + 1)) if extreme(*table)]
    return max(
        sum(binom.pmf(a, n1, p) * binom.pmf(c, n2, p) for a, c in tables)
        for p in np.linspace(0.01, 0.99, 50)
    )


@pytest.mark.parametrize(
    ("first", "second"), [((7, 15), (12, 15)), ((10, 10), (6, 10)), ((12, 15), (7, 15))]
)
def test_unconditional_tests_are_maxima_over_the_shared_rate(first, second):
    (k1, n1), (k2, n2) = first, second

    def wald(a, c):
        rate = (a + c) / (n1 + n2)
        variance = rate * (1 - rate) * (1 / n1 + 1 / n2)
        return abs(a / n1 - c / n2) / variance**0.5 if variance else 0.0

    def one_sided(a, c):
        drawn = hypergeom(n1 + n2, a + c, n1)
        return drawn.sf(a - 1) if k1 / n1 >= k2 / n2 else drawn.cdf(a)

    # scipy looks for the worst rate at 32 points
    assert measures.barnard(k1, n1, k2, n2) == pytest.approx(
        worst(first, second, lambda a, c: wald(a, c) >= wald(k1, k2) - 1e-9), rel=0.02
    )
    assert measures.boschloo(k1, n1, k2, n2) == pytest.approx(
        2 * worst(first, second, lambda a, c: one_sided(a, c) <= one_sided(k1, k2) * (1 + 1e-9)), rel=0.02
    )


@pytest.mark.parametrize(
    ("k1", "k2", "n"), [(10, 6, 10), (6, 1, 10), (23, 17, 30), (17, 23, 30), (5, 5, 10)]
)
def test_mcnemar_bounds_are_those_of_every_pairing(k1, k2, n):
    found = []
    for both in range(n + 1):
        table = [[both, k1 - both], [k2 - both, n - k1 - k2 + both]]
        if min(min(row) for row in table) >= 0:
            found.append(float(mcnemar(table, exact=True).pvalue))
    assert measures.mcnemar_bounds(k1, k2, n) == pytest.approx((min(found), max(found)))


def test_mcnemar_is_settled_where_an_arm_is_at_an_end():
    assert measures.mcnemar_bounds(10, 6, 10) == pytest.approx((2 / 2**4, 2 / 2**4))
    assert measures.mcnemar_bounds(30, 24, 30) == pytest.approx((2 / 2**6, 2 / 2**6))


def test_corrections_by_hand():
    assert measures.bonferroni([0.01, 0.4, 0.03]) == pytest.approx([0.03, 1.0, 0.09])


def test_angles_and_chance():
    assert measures.angle(0.5) == pytest.approx(60.0)
    # on the sphere in three dimensions the cosine is uniform, by Archimedes
    assert measures.chance_cosine(0.3, 3) == pytest.approx(0.7)
    assert measures.chance_cosine(-0.3, 3) == pytest.approx(0.7)
    assert measures.chance_cosine(0.0, 4096) == 1.0


def score(ratio, k1, n1, k2, n2):
    """Pearson's statistic under a ratio, at the likelihood's maximum, which is searched for."""

    def surprise(second):
        rates = (k1, n1, ratio * second), (k2, n2, second)
        return -sum(binom.logpmf(k, n, rate) for k, n, rate in rates)

    second = minimize_scalar(surprise, bounds=(0, min(1, 1 / ratio)), options={"xatol": 1e-10}).x
    rates = (k1, n1, ratio * second), (k2, n2, second)
    return sum((k - n * rate) ** 2 / (n * rate * (1 - rate)) for k, n, rate in rates)


@pytest.mark.parametrize(
    "counts", [(22, 30, 23, 30), (29, 30, 29, 30), (4, 30, 30, 30), (0, 30, 15, 30), (30, 30, 24, 30)]
)
def test_the_interval_of_a_ratio_ends_where_the_score_statistic_says(counts):
    low, high = measures.ratio_interval(*counts)
    limit = norm.ppf(0.975) ** 2
    assert score(high, *counts) == pytest.approx(limit, rel=1e-4)
    if counts[0]:
        assert score(low, *counts) == pytest.approx(limit, rel=1e-4)
    else:
        assert low == 0.0


@pytest.mark.parametrize("counts", [(22, 30, 23, 30), (5, 30, 29, 30), (12, 30, 6, 10)])
def test_between_0_and_1_the_interval_of_a_ratio_is_that_of_statsmodels(counts):
    theirs = confint_proportions_2indep(*counts, method="score", compare="ratio", correction=False)
    assert measures.ratio_interval(*counts) == pytest.approx(theirs)


def test_the_interval_of_a_ratio_of_ones_is_that_of_their_inverse():
    # Wilson's lower end of 30 of 30 is that of the ratio too: all that is left open is the failures of one arm
    low, high = measures.ratio_interval(30, 30, 30, 30)
    assert low == pytest.approx(30 / (30 + norm.ppf(0.975) ** 2))
    assert high == pytest.approx(1 / low)
