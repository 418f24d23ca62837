import math

import pytest

from steerkit_core.stats import cochran_armitage, cohens_h, newcombe, wilson

Z = 1.959963984540054  # the normal distribution's 97.5 percent point


def naive_wilson(k, n, z=Z):
    """Wilson (1927), equation as printed in any textbook."""
    share = k / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return centre - half, centre + half


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # published with the paper's rates, in percent with one decimal
        (30, 30, 88.6, 100.0),
        (50, 50, 92.9, 100.0),
        (23, 30, 59.1, 88.2),
        (0, 30, 0.0, 11.4),
        # Newcombe (1998), table I, method 3
        (81, 263, 25.5, 36.6),
        (15, 148, 6.2, 16.0),
        (0, 20, 0.0, 16.1),
        (1, 29, 0.6, 17.2),
    ],
)
def test_intervals_are_the_published_ones(k, n, low, high):
    rate = wilson(k, n)
    assert (round(100 * rate.low, 1), round(100 * rate.high, 1)) == (low, high)


@pytest.mark.parametrize("n", [1, 2, 5, 30, 100])
def test_intervals_follow_the_formula(n):
    for k in range(n + 1):
        rate = wilson(k, n)
        low, high = naive_wilson(k, n)
        assert (rate.k, rate.n, rate.rate) == (k, n, k / n)
        assert rate.low == pytest.approx(max(low, 0.0), abs=1e-12)
        assert rate.high == pytest.approx(min(high, 1.0), abs=1e-12)


def test_the_interval_ends_exactly_where_the_rate_does():
    # a report prints these as 0% and 100%, and a comparison with == must hold
    assert wilson(0, 7).low == 0.0
    assert wilson(7, 7).high == 1.0


def test_another_confidence_has_another_quantile():
    low, high = naive_wilson(7, 20, z=2.5758293035489004)
    rate = wilson(7, 20, confidence=0.99)
    assert (rate.low, rate.high) == (pytest.approx(low), pytest.approx(high))


def test_nothing_is_known_of_nothing():
    rate = wilson(0, 0)
    assert (rate.k, rate.n, rate.rate, rate.low, rate.high) == (0, 0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("first", "second", "h"),
    [
        # Cohen (1988), table 6.2.2 gives phi = 2 asin sqrt(p): 1.571 at .50, 1.982 at .70, 1.266 at .35
        (0.70, 0.50, 1.982 - 1.571),
        (0.50, 0.35, 1.571 - 1.266),
        (1.0, 0.0, math.pi),
        (0.0, 1.0, -math.pi),
        (0.3, 0.3, 0.0),
    ],
)
def test_effect_sizes_are_those_of_cohens_table(first, second, h):
    assert cohens_h(first, second) == pytest.approx(h, abs=1.1e-3)


def test_effect_sizes_are_those_of_statsmodels():
    from statsmodels.stats.proportion import proportion_effectsize

    for first in (0.0, 0.1, 0.57, 1.0):
        for second in (0.0, 0.3, 0.77, 1.0):
            assert cohens_h(first, second) == pytest.approx(proportion_effectsize(first, second))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: cohens_h(77, 57), "rates: expected numbers from 0 to 1, got 77"),
        (lambda: cohens_h(0.5, math.nan), "rates: expected numbers from 0 to 1, got nan"),
        (lambda: newcombe(31, 30, 1, 30), "counts: expected 0 to 30 of 30, got 31"),
        (lambda: newcombe(1, 30, -1, 30), "counts: expected 0 to 30 of 30, got -1"),
        (lambda: cochran_armitage([1, 31], [30, 30], [1, 2]), "counts: expected 0 to 30 of 30, got 31"),
        (lambda: wilson(31, 30), "k .31. must not be greater than n .30."),
    ],
)
def test_what_is_no_rate_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
