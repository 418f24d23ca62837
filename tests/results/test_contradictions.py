"""What numbers of one cell contradict each other."""

import pytest
from made_results import cell_entry, run_results

from steerkit_core.results.checks import contradiction


def found(**changes):
    """Of a cell with 27 of 30 refused: Wilson's interval is 74.4 to 96.5 percent (Wilson, 1927)."""
    rates = {
        "refusal": {"k": 27, "n": 30, "rate": 0.9, "low": 0.7438, "high": 0.9654},
        "normal": {"k": 3, "n": 30, "rate": 0.1, "low": 0.0346, "high": 0.2562},
    }
    counts = {"refusal": 27, "normal": 3}
    whole = {"n": 30, "failed": 0, "prompts_total": 30, "counts": counts, "rates": rates}
    return contradiction(run_results(cells=[cell_entry(**whole | changes)]))


def refusals(**changes):
    rate = {"k": 27, "n": 30, "rate": 0.9, "low": 0.7438, "high": 0.9654}
    normal = {"k": 3, "n": 30, "rate": 0.1, "low": 0.0346, "high": 0.2562}
    return {"rates": {"refusal": rate | changes, "normal": normal}}


def test_what_fits_is_fine():
    assert found() is None


def test_repeats_are_counted_in_counts_and_folded_in_rates():
    rates = {"refusal": {"k": 1, "n": 2, "rate": 0.5, "low": 0.09, "high": 0.91}}
    assert found(n=10, counts={"refusal": 5, "normal": 5}, rates=rates) is None


def test_of_nothing_there_is_no_rate():
    rates = {"refusal": {"k": 0, "n": 0, "rate": 0.0, "low": 0.0, "high": 1.0}}
    assert found(n=0, failed=30, counts={"refusal": 0}, rates=rates) is None


@pytest.mark.parametrize(
    ("changes", "place", "number"),
    [
        ({"n": 31}, "counts", "31"),
        ({"failed": -1}, "failed", "-1"),
        ({"counts": {"refusal": 30}}, "rates.normal", "refusal"),
        (refusals(k=31), "rates.refusal.k", "31"),
        (refusals(rate=1.9), "rates.refusal.rate", "1.9"),
        (refusals(low=float("nan")), "rates.refusal.low", "nan"),
        (refusals(rate=0.95), "rates.refusal.rate", "27 of 30"),
        (refusals(low=0.92), "rates.refusal.low, high", "0.92"),
    ],
)
def test_what_does_not_fit_is_named_by_its_field(changes, place, number):
    problem = found(**changes)
    assert problem.startswith(f"cells[0].{place}: expected ")
    assert number in problem
