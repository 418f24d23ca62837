"""Agreement beyond chance: against published examples and formulas written out."""

import math

import numpy as np
import pytest
from statsmodels.stats.inter_rater import aggregate_raters

from steerkit_core.stats import cohen_kappa, fleiss_kappa


def naive_kappa(table):
    """Kappa and its standard error, term by term as in Fleiss, Cohen and Everitt (1969), equations 1 and 13."""
    n = sum(map(sum, table))
    p = [[count / n for count in row] for row in table]
    size = range(len(p))
    rows = [sum(p[i]) for i in size]
    columns = [sum(p[i][j] for i in size) for j in size]
    same = sum(p[i][i] for i in size)
    chance = sum(rows[i] * columns[i] for i in size)
    kappa = (same - chance) / (1 - chance)
    a = sum(p[i][i] * ((1 - chance) - (rows[i] + columns[i]) * (1 - same)) ** 2 for i in size)
    b = (1 - same) ** 2 * sum(p[i][j] * (columns[i] + rows[j]) ** 2 for i in size for j in size if i != j)
    c = (same * chance - 2 * chance + same) ** 2
    return kappa, math.sqrt((a + b - c) / n) / (1 - chance) ** 2


def test_the_published_standard_error():
    """Fleiss (1981), p. 213: 100 subjects, kappa .68 with standard error .087."""
    table = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]
    found = cohen_kappa(table)
    assert found.value == pytest.approx(0.68, abs=0.005)
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(0.087, abs=0.001)


@pytest.mark.parametrize("seed", range(8))
def test_any_table_against_the_formula_written_out(seed):
    draw = np.random.default_rng(seed)
    table = (draw.integers(1, 30, (3, 3)) + 20 * np.eye(3, dtype=int)).tolist()
    kappa, error = naive_kappa(table)
    found = cohen_kappa(table)
    assert found.value == pytest.approx(kappa)
    assert (found.low, found.high) == pytest.approx((kappa - 1.959964 * error, kappa + 1.959964 * error))


def test_perfect_agreement_and_none():
    found = cohen_kappa([[3, 0], [0, 4]])
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    opposite = cohen_kappa([[0, 30], [30, 0]])
    assert (opposite.value, opposite.low) == (-1.0, -1.0)


@pytest.mark.parametrize("table", [[], [[0]], [[7]], [[7, 0], [0, 0]], [[0, 0], [0, 9]]])
def test_one_label_for_everything_has_no_kappa(table):
    assert cohen_kappa(table) is None


@pytest.mark.parametrize("table", [[[5, 3], [0, 0]], [[0, 3], [0, 4]]])
def test_one_label_of_one_rater_is_no_better_than_chance(table):
    found = cohen_kappa(table)
    assert (found.value, found.low, found.high) == pytest.approx((0, 0, 0))


def test_fleiss_published_example():
    """Fleiss (1971), as reprinted in many places: 14 raters, 10 subjects, 5 categories, kappa .210."""
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    assert fleiss_kappa(table) == pytest.approx(0.210, abs=0.0005)


def test_fleiss_of_two_raters_by_hand():
    """Four texts, two raters: pairwise agreement 3/4, chance (5/8)^2 + (3/8)^2."""
    ratings = [[0, 0], [0, 0], [1, 1], [0, 1]]
    counts = aggregate_raters(np.array(ratings))[0].tolist()
    chance = (5 / 8) ** 2 + (3 / 8) ** 2
    assert fleiss_kappa(counts) == pytest.approx((3 / 4 - chance) / (1 - chance))


@pytest.mark.parametrize("counts", [[], [[3, 0]], [[3, 0], [3, 0]]])
def test_fleiss_of_one_label_has_no_value(counts):
    assert fleiss_kappa(counts) is None
