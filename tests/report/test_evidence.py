"""What people see of comparisons and of what was chosen on which prompts."""

import pytest
from made_results import cell_entry, run_results
from rich.console import Console

from steerkit_core.report.content.evidence import bias_line, comparison_rows, marked, p_value
from steerkit_core.report.terminal.console import print_report
from steerkit_core.results.findings import SelectionBias

BIAS = {
    "label": "refusal",
    "candidates": 15,
    "prompts": 30,
    "resamples": 1000,
    "rate": 0.9,
    "corrected": 0.8125,
    "optimism": 0.0875,
}


def cell(name, k, **further):
    rates = {"refusal": {"k": k, "n": 10, "rate": k / 10, "low": 0.1, "high": 0.9}}
    place = {"layer": 5, "depth": 0.5, "multiplier": 15.0, "position": -1}
    return cell_entry(id=name, prompts="ten", counts={"refusal": k}, rates=rates, **place | further)


def comparison(name, reference="c0", role="baseline", p=0.0004, p_holm=0.0009):
    return {
        "cell": name,
        "reference": reference,
        "role": role,
        "label": "refusal",
        "test": "mcnemar",
        "n": 10,
        "both": 0,
        "cell_only": 8,
        "reference_only": 1,
        "neither": 1,
        "difference": {"value": 0.7, "low": 0.312, "high": 0.888},
        "cohens_h": 1.4,
        "p": p,
        "p_holm": p_holm,
    }


def report(**further):
    baseline = cell("c0", 1, role="baseline", layer=None, depth=None, multiplier=None)
    selection = {
        "cell": "c1",
        "selector": "sweep",
        "prompts": "ten",
        "overrides": {},
        "table": [],
        "refusal_rate": 0.9,
        "reason": "9/10 coherent refusals, the best of 15 cells",
        "selected_on_evaluation": True,
        "optimism": BIAS,
    }
    return {
        "run": {"name": "run"},
        "cells": [baseline, cell("c1", 9, selected=True)],
        "selections": [selection],
        "selected": "c1",
        "selected_on_evaluation": True,
        "optimism": BIAS,
        "comparisons": [comparison("c1")],
        "notes": [],
        **further,
    }


def printed(value, width=80):
    console = Console(width=width, highlight=False, force_terminal=False, record=True)
    with console.capture() as captured:
        print_report(run_results(**value), console)
    return captured.get()


def test_a_cell_that_was_chosen_on_its_own_prompts_is_marked():
    lines = printed(report()).splitlines()
    (chosen,) = [line for line in lines if "9/10" in line and "mult" not in line and "coherent" not in line]
    assert chosen.startswith("*†")
    (baseline,) = [line for line in lines if "1/10" in line]
    assert "†" not in baseline
    assert any(line.startswith("† chosen on the prompts that its rate is measured on") for line in lines)


def test_a_cell_that_was_not_is_not():
    value = report(selected_on_evaluation=False, optimism=None)
    value["selections"][0].update(selected_on_evaluation=False, optimism=None)
    assert "†" not in printed(value)


def test_the_best_of_several_settings_is_marked_for_itself():
    value = report()
    value["selections"][0]["selected_on_evaluation"] = False
    assert marked(run_results(**value)) == {"c1"}
    assert marked(run_results(selections=[{"cell": "c1"}], selected="c1")) == set()


def test_selection_bias_is_a_sentence(says):
    says(bias_line(SelectionBias(**BIAS)))
    assert bias_line(SelectionBias(**BIAS)) in " ".join(printed(report()).split())


def test_comparisons_are_a_table_that_fits_a_terminal():
    out = printed(report())
    assert "share of refusals" in out
    (row,) = [line for line in out.splitlines() if "+31 to +89" in line]
    assert row.split()[-9:] == ["+70", "+31", "to", "+89", "+1.40", "8,", "1", "<0.001", "<0.001"]
    assert max(map(len, out.splitlines())) <= 80


def test_controls_and_settings_that_differ_are_told_apart():
    cells = [
        cell("c1", 9),
        cell("c2", 8, model="other", multiplier=None),
        cell("c9", 0, role="control", control="random-2"),
        cell("c0", 1, role="baseline", layer=None),
    ]
    value = report(cells=cells, comparisons=[comparison("c1"), comparison("c2", "c9", "control")])
    assert [(row.cell, row.against) for row in comparison_rows(run_results(**value))] == [
        ("m, layer 5, multiplier 15", "baseline"),
        ("other, layer 5", "random-2"),
    ]


def test_a_run_of_an_earlier_version_has_no_comparisons():
    value = report()
    for key in ("comparisons", "selected_on_evaluation", "optimism"):
        del value[key]
    del value["selections"][0]["selected_on_evaluation"], value["selections"][0]["optimism"]
    out = printed(value)
    assert "share of refusals" not in out
    assert "†" not in out


@pytest.mark.parametrize(
    ("p", "text"), [(0.00099, "<0.001"), (0.001, "0.001"), (0.0312, "0.031"), (1.0, "1.000")]
)
def test_p_values_are_read_to_three_digits(p, text):
    assert p_value(p) == text
