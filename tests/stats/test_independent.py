import math
from fractions import Fraction

import pytest

from steerkit_core.stats import fisher, newcombe, wilson


def enumerated(first, first_n, second, second_n):
    """Fisher's two-sided p-value in fractions: all tables that are not likelier than the one seen."""
    total = first + second
    ways = {
        k: math.comb(first_n, k) * math.comb(second_n, total - k)
        for k in range(max(0, total - second_n), min(first_n, total) + 1)
    }
    unlikely = sum(way for way in ways.values() if way <= ways[first])
    return float(Fraction(unlikely, math.comb(first_n + second_n, total)))


def test_fisher_is_the_lady_tasting_tea():
    # Agresti (2013), table 3.9: three of four cups of each kind; two-sided 0.486
    assert round(fisher(3, 4, 1, 4), 3) == 0.486


@pytest.mark.parametrize("sizes", [(1, 1), (4, 6), (7, 7), (10, 30)])
def test_fisher_is_the_enumeration_of_all_tables(sizes):
    for first in range(sizes[0] + 1):
        for second in range(sizes[1] + 1):
            expected = enumerated(first, sizes[0], second, sizes[1])
            assert fisher(first, sizes[0], second, sizes[1]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_intervals_of_a_difference_are_the_published_ones(counts, low, high):
    found = newcombe(*counts)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.value == counts[0] / counts[1] - counts[2] / counts[3]


def test_intervals_of_a_difference_follow_the_formula():
    for first in range(0, 31, 5):
        for second in range(0, 21, 4):
            one, other = wilson(first, 30, 0.9), wilson(second, 20, 0.9)
            gap = one.rate - other.rate
            below = math.hypot(one.rate - one.low, other.high - other.rate)
            above = math.hypot(one.high - one.rate, other.rate - other.low)
            found = newcombe(first, 30, second, 20, confidence=0.9)
            assert (found.low, found.high) == (pytest.approx(gap - below), pytest.approx(gap + above))


def test_nothing_is_known_of_a_difference_to_nothing():
    found = newcombe(3, 4, 0, 0)
    assert (found.value, found.low, found.high) == (0.0, -1.0, 1.0)
