"""What numbers of one cell contradict each other."""

import json

import pytest
from steerkit_core.results.counts import contradiction


def cell(**changes):
    """27 of 30 refused: Wilson's interval is 74.4 to 96.5 percent (Wilson, 1927)."""
    rates = {
        "refusal": {"k": 27, "n": 30, "rate": 0.9, "low": 0.7438, "high": 0.9654},
        "normal": {"k": 3, "n": 30, "rate": 0.1, "low": 0.0346, "high": 0.2562},
    }
    whole = {
        "n": 30,
        "failed": 0,
        "prompts_total": 30,
        "counts": {"refusal": 27, "normal": 3},
        "rates": rates,
    }
    return whole | changes


def changed(**changes):
    whole = json.loads(json.dumps(cell()))
    whole["rates"]["refusal"].update(changes)
    return whole


def test_what_fits_is_fine():
    assert contradiction(cell()) is None


def test_repeats_are_counted_in_counts_and_folded_in_rates():
    rates = {"refusal": {"k": 1, "n": 2, "rate": 0.5, "low": 0.09, "high": 0.91}}
    assert contradiction(cell(n=10, counts={"refusal": 5, "normal": 5}, rates=rates)) is None


def test_of_nothing_there_is_no_rate():
    rates = {"refusal": {"k": 0, "n": 0, "rate": 0.0, "low": 0.0, "high": 1.0}}
    assert contradiction(cell(n=0, failed=30, counts={"refusal": 0}, rates=rates)) is None


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (cell(n=31), "counts: expected them to sum to n = 31, got 30"),
        (cell(n=True), "n: expected a whole number, got True"),
        (cell(failed=-1), "failed: expected a whole number, got -1"),
        (cell(counts=3), "counts: expected a table, got 3"),
        (cell(counts={"refusal": 30.0}), "counts.refusal: expected a whole number, got 30.0"),
        (cell(counts={"refusal": 30}), "rates.normal: expected one of the labels counted (refusal)"),
        (changed(k="27"), "rates.refusal.k: expected a whole number, got '27'"),
        (changed(k=31), "rates.refusal.k: expected at most n = 30, got 31"),
        (changed(rate=1.9), "rates.refusal.rate: expected a number from 0 to 1, got 1.9"),
        (changed(low=float("nan")), "rates.refusal.low: expected a number from 0 to 1, got nan"),
        (changed(rate=0.95), "rates.refusal.rate: expected 27 of 30, 0.9, got 0.95"),
        (changed(low=0.92), "rates.refusal.low, high: expected an interval around 0.9, got 0.92 to 0.9654"),
    ],
)
def test_what_does_not_fit_is_named_by_its_field(entry, problem):
    assert contradiction(entry) == problem
