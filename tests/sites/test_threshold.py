"""The threshold of `conditional`: the midpoint with the highest F1."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steerkit_sites.conditional import best_threshold, f1

# of few values, so that many are equal
NUMBERS = st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=12)


@given(NUMBERS, NUMBERS)
def test_the_threshold_is_the_best_midpoint_of_a_full_enumeration(naive_f1, positive, negative):
    found = best_threshold(sorted(positive), sorted(negative))
    middles = [((a + b) / 2, b - a) for a, b in pairwise(sorted(set(positive + negative)))]
    if not middles:
        assert found is None
        return
    scores = {middle: naive_f1(positive, negative, middle) for middle, _ in middles}
    best = max(scores.values())
    ties = [(gap, -middle) for middle, gap in middles if scores[middle] == pytest.approx(best, abs=1e-12)]
    assert found == -max(ties)[1]
    assert f1(sorted(positive), sorted(negative), found) == pytest.approx(best)


@settings(deadline=None)  # the first call imports the library
@given(NUMBERS, NUMBERS, st.floats(-7, 7))
def test_f1_is_that_of_scikit_learn(positive, negative, threshold):
    metrics = pytest.importorskip("sklearn.metrics", reason="until scikit-learn is installed")
    truth = [1] * len(positive) + [0] * len(negative)
    called = [int(number > threshold) for number in positive + negative]
    expected = metrics.f1_score(truth, called, zero_division=0.0)
    assert f1(sorted(positive), sorted(negative), threshold) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("positive", "negative", "threshold"),
    [
        ([4.0, 6.0], [0.0, 1.0], 2.5),  # apart: the middle of the gap between the classes
        # one class twice in a gap of the other: F1 is 4/7 above 0.5, 2/6 above 1.5, 2/3 above 6
        ([1.0, 8.0], [0.0, 2.0, 3.0, 4.0], 6.0),
        # wholly the wrong way round: 2/5 above 0.5, which calls one positive and both negatives
        ([0.0, 1.0], [4.0, 6.0], 0.5),
        ([5.0], [5.0], None),
    ],
)
def test_thresholds_by_hand(positive, negative, threshold):
    assert best_threshold(positive, negative) == threshold


def test_of_equal_scores_the_widest_gap_and_then_the_lowest_threshold():
    # F1 above 0.5 is 2 * 2 / (2 + 4) and above 4 is 2 * 1 / (2 + 1): a tie of 2/3, and the gap at 4 is wider
    assert best_threshold([1.0, 6.0], [0.0, 1.0, 2.0]) == 4.0
    # the same with the gap at 0.5 widened to 0 - 9: its middle is now -3.5
    assert best_threshold([1.0, 6.0], [-8.0, 1.0, 2.0]) == -3.5
    # both gaps four wide: the lower threshold
    assert best_threshold([1.0, 6.0], [-3.0, 1.0, 2.0]) == -1.0
