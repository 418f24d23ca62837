"""Two cells that were sampled several times for each prompt: by enumeration, and by what they are for labels."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy.stats import beta

from steerkit_core.stats import (
    PairedCounts,
    clustered_wilson,
    independent_difference,
    mcnemar,
    newcombe,
    newcombe_paired,
    paired_difference,
    sign_flip,
)

ARMS = [
    ([(3, 5), (5, 5), (0, 5), (1, 5), (4, 5), (5, 5)], [(1, 5), (0, 5), (0, 5), (2, 5), (0, 5), (1, 5)]),
    ([(1, 2), (3, 3), (0, 4), (2, 2)], [(1, 3), (1, 3), (1, 4), (0, 2)]),
    ([(2, 4)] * 3, [(2, 4)] * 3),
    ([(1, 7), (2, 11), (13, 13)], [(3, 5), (0, 8), (1, 9)]),
]


def enumerated(first, second):
    """All ways to choose the signs of the prompts' differences, as far from zero as the one found."""
    gaps = [Fraction(*one) - Fraction(*other) for one, other in zip(first, second, strict=True)]
    sums = [
        sum(s * g for s, g in zip(signs, gaps, strict=True)) for signs in product((1, -1), repeat=len(gaps))
    ]
    return sum(abs(one) >= abs(sum(gaps)) for one in sums) / len(sums)


@pytest.mark.parametrize(("first", "second"), ARMS)
def test_the_test_is_the_enumeration_of_all_signs(first, second):
    assert sign_flip(first, second) == pytest.approx(enumerated(first, second), abs=1e-12)
    assert sign_flip(second, first) == sign_flip(first, second)


def test_the_test_is_that_of_scipy():
    from scipy.stats import permutation_test

    first, second = ARMS[0]
    shares = [[k / m for k, m in arm] for arm in (first, second)]
    theirs = permutation_test(
        shares, lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples", vectorized=True
    )
    assert sign_flip(first, second) == pytest.approx(theirs.pvalue)


def labelled(both, first_only, second_only, neither):
    first = [(1, 1)] * (both + first_only) + [(0, 1)] * (second_only + neither)
    second = [(1, 1)] * both + [(0, 1)] * first_only + [(1, 1)] * second_only + [(0, 1)] * neither
    return first, second


@pytest.mark.parametrize(
    "counts", [(1, 1, 7, 12), (36, 12, 2, 0), (0, 30, 0, 0), (5, 0, 0, 5), (10, 3, 3, 14)]
)
def test_with_one_completion_for_each_prompt_all_is_as_for_labels(counts):
    arms, paired = labelled(*counts), PairedCounts(*counts)
    assert sign_flip(*arms) == pytest.approx(mcnemar(paired), abs=1e-12)
    found, expected = paired_difference(*arms), newcombe_paired(paired)
    for name in ("value", "low", "high"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-9)
    apart = independent_difference(*arms)
    expected = newcombe(paired.first, paired.n, paired.second, paired.n)
    assert (apart.low, apart.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_equal_completions_of_a_prompt_are_one_observation():
    counts = (4, 9, 2, 15)
    arms = [[(5 * k, 5) for k, _ in arm] for arm in labelled(*counts)]
    assert sign_flip(*arms) == pytest.approx(mcnemar(PairedCounts(*counts)))
    found, expected = paired_difference(*arms), newcombe_paired(PairedCounts(*counts))
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )


@pytest.mark.parametrize(("first", "second"), ARMS)
def test_the_difference_is_that_of_the_rates_with_newcombes_ends(first, second):
    one, other = clustered_wilson(first)[0], clustered_wilson(second)[0]
    shares = np.array([[k / m for k, m in arm] for arm in (first, second)])
    n = shares.shape[1]
    phi = 0.0
    if shares.std(axis=1).min() > 0:
        # numpy's correlation, with n/2 taken from n^2 times the covariance where that is positive
        over = n * n * np.cov(shares, bias=True)[0, 1]
        over = max(over - n / 2, 0) if over > 0 else over
        phi = over / (n * n * shares.std(axis=1).prod())
    down, up = one.rate - one.low, one.high - one.rate
    below, above = other.rate - other.low, other.high - other.rate
    found = paired_difference(first, second)
    assert found.value == one.rate - other.rate
    low = found.value - math.sqrt(down**2 - 2 * phi * down * above + above**2)
    high = found.value + math.sqrt(up**2 - 2 * phi * up * below + below**2)
    assert (found.low, found.high) == (pytest.approx(max(low, -1)), pytest.approx(min(high, 1)))


def test_nothing_is_known_without_prompts():
    assert sign_flip([], []) == 1.0
    found = paired_difference([], [])
    assert (found.value, found.low, found.high) == (0.0, -1.0, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("shares", "correlation"), [((0.5, 0.5), 0.3), ((0.8, 0.6), 0.3), ((0.3, 0.1), 0.7)]
)
def test_intervals_hold_the_true_difference_as_often_as_they_say(shares, correlation, together):
    drawn, scale, hits, rejected = np.random.default_rng(3), 1 / correlation - 1, 0, 0
    for _ in range(500):
        # the same numbers for both arms make the prompts that one refuses often those of the other
        ranks = [drawn.random(30)] * 2 if together else [drawn.random(30), drawn.random(30)]
        own = [beta.ppf(rank, s * scale, (1 - s) * scale) for rank, s in zip(ranks, shares, strict=True)]
        arms = [[(int(k), 5) for k in drawn.binomial(5, one)] for one in own]
        found = paired_difference(*arms)
        hits += found.low <= shares[0] - shares[1] <= found.high
        rejected += sign_flip(*arms) <= 0.05
    assert hits >= 0.92 * 500
    if shares[0] == shares[1]:
        assert rejected <= 0.08 * 500
