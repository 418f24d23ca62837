import math

import pytest

from steerkit_core.stats import cochran_armitage, holm


def naive_holm(p_values):
    """Sorted, the i-th smallest times (m - i + 1), none smaller than the one before, none above 1."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


@pytest.mark.parametrize(
    "p_values", [[0.01, 0.04, 0.03, 0.005], [0.5, 0.5], [1.0, 0.2, 0.2, 1e-9, 0.0], [0.03]]
)
def test_holm_follows_its_description(p_values):
    assert holm(p_values) == pytest.approx(naive_holm(p_values))


def test_holm_of_four_worked_by_hand():
    # 4 x 0.005, 3 x 0.01, 2 x 0.03, and the last not below the one before
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_family_of_none():
    assert holm([]) == []


def test_the_trend_is_that_of_the_published_example():
    # Agresti (2013), 5.3.5: alcohol and malformation, z^2 = 6.57, P = 0.010
    with_it, without = [48, 38, 5, 1, 1], [17066, 14464, 788, 126, 37]
    sizes = [a + b for a, b in zip(with_it, without, strict=True)]
    found = cochran_armitage(with_it, sizes, [0, 0.5, 1.5, 4.0, 7.0])
    assert round(found.z**2, 2) == 6.57
    assert round(found.p, 4) == 0.0104
    assert found.z > 0


def test_the_trend_of_two_groups_is_the_test_of_two_rates():
    # Pearson's chi-squared without correction
    from scipy.stats import chi2_contingency

    found = cochran_armitage([23, 17], [30, 30], [32, 14])
    expected = chi2_contingency([[23, 7], [17, 13]], correction=False)
    assert found.z**2 == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)


def test_the_trend_is_that_of_statsmodels_up_to_its_variance():
    import numpy as np
    from statsmodels.stats.contingency_tables import Table

    counts, sizes, scores = [30, 28, 22, 23], [30, 30, 30, 30], [math.log(x) for x in (3, 7, 14, 32)]
    table = np.array([[n - k, k] for k, n in zip(counts, sizes, strict=True)])
    theirs = Table(table, shift_zeros=False).test_ordinal_association(
        row_scores=np.array(scores), col_scores=np.array([0, 1])
    )
    # theirs divides by N - 1 where Cochran and Armitage divide by N
    assert cochran_armitage(counts, sizes, scores).z == pytest.approx(theirs.zscore * math.sqrt(120 / 119))


@pytest.mark.parametrize("counts", [[0, 0, 0], [30, 30, 30]])
def test_there_is_no_trend_where_all_are_alike(counts):
    found = cochran_armitage(counts, [30, 30, 30], [1, 2, 3])
    assert (found.z, found.p) == (0.0, 1.0)


def test_groups_and_scores_belong_together():
    with pytest.raises(ValueError, match="shorter"):
        cochran_armitage([1, 2], [3, 4], [1])
