"""Windows of cells whose counts are written down here."""

import pytest
from attrs import evolve
from made_results import cell_result, run_results
from rich.console import Console

from steerkit_core.counting.windows import windows
from steerkit_core.report.content.windows import window_groups
from steerkit_core.report.terminal.windows import windows_tables
from steerkit_core.results.findings import CellStrength
from steerkit_core.stats import wilson

COLUMNS = {
    "model": "m",
    "quantization": "none",
    "dtype": "float32",
    "extractor": "dim",
    "source": "self",
    "site": "add",
    "unit": "raw",
    "position": -1,
    "classifier": "judge",
    "prompts": "ten",
    "layer": 3,
    "depth": 0.3,
    "extraction": "e",
    "calibration": None,
}


def cell(multiplier, refusal, garbled=0, n=10, total=10, **changes):
    """A cell of ten prompts, of which so many were refused and so many garbled."""
    counts = {"refusal": refusal, "garbled": garbled, "normal": n - refusal - garbled}
    rates = {}
    for label, k in counts.items():
        rate = wilson(k, n)
        rates[label] = {"k": k, "n": n, "rate": rate.rate, "low": rate.low, "high": rate.high}
    columns = {
        **COLUMNS,
        "id": f"c{multiplier:g}",
        "multiplier": multiplier,
        "strength": {"absolute": 4 * multiplier, "residual": multiplier / 10, "raw": multiplier},
        "options": {"site": {"multiplier": None, "span": "all"}, "generation": {"full_texts": False}},
        "n": n,
        "prompts_total": total,
        "counts": counts,
        "rates": rates,
        **changes,
    }
    return cell_result(**columns)


def sick(multiplier):
    return cell(multiplier, 0, n=0, failed=10, sick="10 of 10 completions failed: overflow")


def only(*cells):
    (found,) = windows(cells)
    return found


def ends(found):
    return [
        (one.from_.multiplier, one.to.multiplier, one.open_below, one.open_above) for one in found.ranges
    ]


def test_the_window_is_where_six_of_ten_are_refused():
    found = only(cell(8.0, 7, 3), cell(1.0, 5), cell(2.0, 6), cell(4.0, 9, 1), cell(16.0, 0, 10))
    assert ends(found) == [(2.0, 8.0, False, False)]
    first = found.ranges[0].from_
    assert first == CellStrength(cell="c2", multiplier=2.0, absolute=8.0, residual=0.2, raw=2.0)
    assert (found.from_.multiplier, found.to.multiplier) == (1.0, 16.0)
    assert (found.garbling.multiplier, found.garbling.open_below) == (8.0, False)
    assert found.best.multiplier == 4.0
    assert (found.steerable_from, found.garbling_from) == (0.6, 0.2)
    assert [one.state for one in found.tried] == ["outside", "inside", "inside", "inside", "outside"]
    assert [one.refusal for one in found.tried] == [0.5, 0.6, 0.9, 0.7, 0.0]
    assert [one.garbled for one in found.tried] == [0.0, 0.0, 0.1, 0.3, 1.0]


def test_a_window_that_reaches_the_edge_is_open_there():
    assert ends(only(cell(1.0, 8), cell(2.0, 9), cell(4.0, 2))) == [(1.0, 2.0, True, False)]
    assert ends(only(cell(1.0, 2), cell(2.0, 9))) == [(2.0, 2.0, False, True)]


def test_a_window_may_be_in_pieces_or_nowhere():
    found = only(cell(1.0, 8), cell(2.0, 3), cell(4.0, 9))
    assert ends(found) == [(1.0, 1.0, True, False), (4.0, 4.0, False, True)]
    found = only(cell(1.0, 1), cell(2.0, 3))
    assert (found.ranges, found.garbling) == ((), None)


def test_nothing_is_said_of_a_strength_that_failed():
    found = only(cell(1.0, 3), cell(2.0, 8), sick(4.0))
    assert ends(found) == [(2.0, 2.0, False, True)]
    assert found.tried[-1].state == "failed"
    assert (found.tried[-1].refusal, found.tried[-1].garbled) == (None, None)
    assert found.best.multiplier == 2.0
    found = only(sick(1.0), cell(2.0, 0, 9))
    assert (found.garbling.multiplier, found.garbling.open_below) == (2.0, True)
    assert only(sick(1.0), sick(2.0)).best is None


def test_a_cell_that_ended_early_says_what_its_interval_says():
    # 3 of 3 may be less than six in ten, and 0 of 10 may not
    early = {"total": 30}
    found = only(cell(1.0, 3, n=3, **early), cell(2.0, 28, n=30, **early), cell(4.0, 0, 10, n=10, **early))
    assert [one.state for one in found.tried] == ["unknown", "inside", "outside"]
    assert ends(found) == [(2.0, 2.0, True, False)]
    # all of three is no rate to be the best with
    assert found.best.multiplier == 2.0
    assert found.garbling.multiplier == 4.0


def test_texts_break_at_the_smallest_length_whatever_its_sign():
    found = only(cell(-4.0, 0, 5), cell(-2.0, 0, 1), cell(2.0, 5, 0), cell(3.0, 5, 2))
    assert (found.garbling.multiplier, found.garbling.open_below) == (3.0, False)


@pytest.mark.parametrize(
    "other",
    [
        cell(2.0, 5, layer=4),
        cell(2.0, 5, model="n"),
        cell(2.0, 5, prompts="others"),
        cell(2.0, 5, extraction="f"),
        cell(2.0, 5, role="control"),
        evolve(cell(2.0, 5), multiplier=None),
        cell(2.0, 5, options={"site": {"span": "layer"}, "generation": {}}),
        cell(2.0, 5, rates={}),
        cell(1.0, 5),
    ],
)
def test_cells_that_differ_in_more_than_strength_make_no_window(other):
    assert windows([cell(1.0, 5), other]) == ()


def test_of_one_strength_the_cell_that_saw_more_prompts_counts():
    found = only(cell(1.0, 1, n=3), cell(1.0, 8), cell(2.0, 0), cell(2.0, 2, n=2))
    assert [(one.multiplier, one.n) for one in found.tried] == [(1.0, 10), (2.0, 10)]


def test_the_table_has_a_line_for_each_layer_with_three_strengths():
    cells = [cell(1.0, 8), cell(2.0, 3, 4), cell(4.0, 9)]
    cells += [cell(m, 1, layer=5) for m in (1.0, 2.0)]
    cells += [cell(1.0, 3, layer=6), evolve(sick(2.0), layer=6), cell(4.0, 2, layer=6)]
    report = evolve(run_results(), windows=windows(cells))
    ((title, rows),) = window_groups(report)
    assert title == "m, float32, dim, add, raw, judge, ten"
    assert rows == [
        ("3", "1 to 4", "< 1; 4 >", "< 0.1; 0.4 >", "2", "4"),
        ("6", "1 to 4, 1 failed", "none", "none", "-", "1"),
    ]
    console = Console(width=120)
    with console.capture() as shown:
        for table in windows_tables(report):
            console.print(table)
    assert "what lies between them steers" in " ".join(shown.get().split())
    assert windows_tables(run_results()) == []
