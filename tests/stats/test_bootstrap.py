import math
from itertools import product

import numpy as np
import pytest

from steerkit_core.stats import optimism, paired_ratio


def all_resamples(n):
    """Every way to draw n prompts from n, each as likely as the others."""
    return list(product(range(n), repeat=n))


def test_the_ratio_is_the_percentile_interval_over_all_resamples():
    numerator, denominator = (1, 0, 1, 1, 0, 1), (1, 1, 1, 1, 0, 1)
    ratios = sorted(
        sum(numerator[i] for i in drawn) / below
        for drawn in all_resamples(6)
        if (below := sum(denominator[i] for i in drawn))
    )
    low, high = (ratios[math.ceil(q * len(ratios)) - 1] for q in (0.025, 0.975))
    found = paired_ratio(numerator, denominator, seed=0, resamples=200_000)
    assert found.value == 4 / 5
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_the_ratio_is_that_of_scipy():
    from scipy.stats import bootstrap

    generator = np.random.default_rng(3)
    numerator, denominator = generator.random(60) < 0.6, generator.random(60) < 0.8
    theirs = bootstrap(
        (numerator.astype(float), denominator.astype(float)),
        lambda one, other, axis: one.mean(axis) / other.mean(axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    found = paired_ratio(list(numerator), list(denominator), seed=1, resamples=20_000)
    assert found.low == pytest.approx(theirs.low, abs=0.01)
    assert found.high == pytest.approx(theirs.high, abs=0.02)


def test_the_same_prompts_are_drawn_for_both_arms():
    # identical arms have the ratio 1 in every resample; unpaired draws would scatter
    arm = [1, 0] * 15
    found = paired_ratio(arm, arm, seed=0)
    assert (found.value, found.low, found.high, found.degenerate) == (1.0, 1.0, 1.0, True)


def test_a_seed_gives_one_interval():
    arms = [1, 0, 1, 1, 0, 1, 1], [1, 1, 1, 0, 1, 1, 0]
    assert paired_ratio(*arms, seed=4) == paired_ratio(*arms, seed=4)


def test_a_ratio_to_nothing_has_no_value():
    found = paired_ratio([1, 1], [0, 0], seed=0)
    assert (found.value, found.low, found.high) == (None, None, None)
    assert paired_ratio([], [], seed=0).value is None


def test_a_ratio_that_most_resamples_leave_undefined_has_no_interval():
    # one of ten prompts: 0.9^10, or a third, of the resamples are without it
    found = paired_ratio([1] + [0] * 9, [1] + [0] * 9, seed=0)
    assert (found.value, found.low, found.high, found.degenerate) == (1.0, None, None, False)


def test_the_upper_end_may_be_infinite():
    found = paired_ratio([1] * 10, [1] + [0] * 9, seed=0)
    assert found.value == 10.0
    assert found.high == math.inf


def test_arms_of_different_length_are_refused():
    with pytest.raises(ValueError, match="arms of 3 and 2 prompts are not paired"):
        paired_ratio([1, 0, 1], [1, 0], seed=0)


def naive_corrected(candidates):
    """Over all resamples: the winner's rate on the prompts that were not drawn; ties in equal parts."""
    n = len(candidates[0])
    rates = []
    for drawn in all_resamples(n):
        scores = [sum(labels[i] for i in drawn) for labels in candidates]
        winners = [labels for labels, score in zip(candidates, scores, strict=True) if score == max(scores)]
        left = [i for i in range(n) if i not in drawn]
        if left:
            held = [sum(labels[i] for i in left) / len(left) for labels in winners]
            rates.append(sum(held) / len(held))
    return sum(rates) / len(rates)


@pytest.mark.parametrize(
    "candidates",
    [
        [(1, 1, 0, 0, 1), (0, 1, 1, 0, 1)],
        [(1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 1, 0)],
        [(1, 1, 1, 1, 1), (0, 0, 0, 0, 1)],
    ],
)
def test_optimism_is_the_mean_over_all_resamples(candidates):
    found = optimism(candidates, seed=0, resamples=100_000)
    assert found.corrected == pytest.approx(naive_corrected(candidates), abs=3e-3)
    assert found.rate == max(sum(labels) / 5 for labels in candidates)
    assert (found.candidates, found.prompts, found.resamples) == (len(candidates), 5, 100_000)
    assert found.optimism == pytest.approx(found.rate - found.corrected)


def test_prompts_without_verdict_are_in_no_rate():
    nan = math.nan
    found = optimism([(1, 1, nan, 0), (nan, 0, 0, 1)], seed=0)
    assert found.rate == pytest.approx(2 / 3)


def test_there_is_no_luck_in_a_clear_winner():
    found = optimism([[1] * 30, [0] * 30], seed=0)
    assert (found.rate, found.optimism, found.corrected) == (1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    "candidates", [[], [[1, 0, 1]], [[], []], [[math.nan, math.nan], [1, 0]], [[1], [0]]]
)
def test_nothing_to_choose_from(candidates):
    assert optimism(candidates, seed=0) is None


def test_the_corrected_rate_is_near_the_true_one_where_the_winner_is_all_luck():
    # ten candidates of a true rate of one half, thirty prompts each, two hundred experiments
    generator = np.random.default_rng(7)
    found = [optimism(generator.random((10, 30)) < 0.5, seed=trial, resamples=300) for trial in range(200)]
    inflated = np.mean([each.rate for each in found]) - 0.5
    left = np.mean([each.corrected for each in found]) - 0.5
    assert inflated > 0.12
    assert abs(left) < inflated / 5
