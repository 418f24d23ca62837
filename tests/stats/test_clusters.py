"""Intervals of sampled completions: by formulas written out from single completions, and by simulation."""

import math

import numpy as np
import pytest
from scipy.stats import f_oneway, norm, t

from steerkit_core.stats import clustered_wilson, effective_size, intraclass_correlation, wilson

SAMPLES = [
    [(3, 5), (5, 5), (0, 5), (1, 5), (4, 5)],
    [(1, 2), (3, 3), (0, 4), (2, 2), (1, 5), (5, 5)],
    [(2, 4), (2, 4), (2, 4), (2, 4)],
    [(5, 5), (0, 5), (5, 5), (0, 5)],
]


def completions(clusters):
    return [[1.0] * k + [0.0] * (m - k) for k, m in clusters]


def naive_correlation(clusters):
    """From the squares of an analysis of variance, completion by completion."""
    groups = completions(clusters)
    every = [x for group in groups for x in group]
    mean = sum(every) / len(every)
    between = sum(len(g) * (sum(g) / len(g) - mean) ** 2 for g in groups) / (len(groups) - 1)
    within = sum((x - sum(g) / len(g)) ** 2 for g in groups for x in g) / (len(every) - len(groups))
    usual = (len(every) - sum(len(g) ** 2 for g in groups) / len(every)) / (len(groups) - 1)
    return min(max((between - within) / (between + (usual - 1) * within), 0.0), 1.0)


@pytest.mark.parametrize("clusters", SAMPLES)
def test_the_correlation_is_that_of_the_analysis_of_variance(clusters):
    assert intraclass_correlation(clusters) == pytest.approx(naive_correlation(clusters), abs=1e-12)


def test_the_correlation_follows_from_the_f_statistic():
    # for equal groups of m it is (F - 1) / (F + m - 1)
    f = f_oneway(*completions(SAMPLES[0])).statistic
    assert intraclass_correlation(SAMPLES[0]) == pytest.approx((f - 1) / (f + 4), abs=1e-12)


@pytest.mark.parametrize("clusters", SAMPLES)
def test_the_interval_is_wilsons_at_the_effective_number(clusters):
    k, n = (sum(column) for column in zip(*clusters, strict=True))
    typical = sum(m * m for _, m in clusters) / n
    doubt = (norm.ppf(0.975) / t.ppf(0.975, len(clusters) - 1)) ** 2
    size = max(n / (1 + (typical - 1) * naive_correlation(clusters)) * doubt, len(clusters))
    rate, effective = clustered_wilson(clusters)
    assert effective == pytest.approx(size)
    z, share = 1.959963984540054, k / n
    centre = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z * math.sqrt(share * (1 - share) / size + z * z / (4 * size**2)) / (1 + z * z / size)
    assert (rate.k, rate.n, rate.rate) == (k, n, share)
    assert (rate.low, rate.high) == pytest.approx((centre - half, centre + half))


def test_equal_completions_of_a_prompt_are_one_observation():
    once = wilson(3, 10)
    rate, effective = clustered_wilson([(5, 5)] * 3 + [(0, 5)] * 7)
    assert effective == 10
    assert (rate.k, rate.n) == (15, 50)
    assert (rate.low, rate.high) == pytest.approx((once.low, once.high))


@pytest.mark.parametrize("k", [0, 1])
def test_where_nothing_varies_the_prompts_are_counted(k):
    rate, effective = clustered_wilson([(5 * k, 5)] * 10)
    once = wilson(10 * k, 10)
    assert effective == 10
    assert (rate.low, rate.high) == pytest.approx((once.low, once.high))


def test_one_completion_for_each_prompt_is_wilsons_interval():
    rate, effective = clustered_wilson([(1, 1)] * 7 + [(0, 1)] * 23)
    once = wilson(7, 30)
    assert effective == 30
    assert (rate.low, rate.high) == pytest.approx((once.low, once.high))


def test_prompts_without_a_verdict_count_for_nothing():
    assert clustered_wilson([(1, 2), (0, 0), (2, 2)]) == clustered_wilson([(1, 2), (2, 2)])
    rate, effective = clustered_wilson([])
    assert (rate.k, rate.n, rate.low, rate.high, effective) == (0, 0, 0.0, 1.0, 0.0)


def test_one_prompt_is_one_observation():
    assert effective_size([(2, 5)]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("prompts", [10, 32])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("correlation", [0.01, 0.3, 0.8])
def test_the_interval_holds_the_true_rate_as_often_as_it_says(prompts, share, correlation):
    drawn, scale = np.random.default_rng(1), 1 / correlation - 1
    hits = 0
    for _ in range(1000):
        own = drawn.beta(share * scale, (1 - share) * scale, prompts)
        rate, _ = clustered_wilson([(int(k), 5) for k in drawn.binomial(5, own)])
        hits += rate.low <= share <= rate.high
    assert hits >= 915
