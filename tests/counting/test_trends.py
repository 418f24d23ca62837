"""Rates over model sizes: by Cochran's and Armitage's formula written out, prompt by prompt."""

import math
from io import StringIO

import pytest
from attrs import evolve
from made_results import cell_result
from made_results import selection as made_selection
from rich.console import Console

from steerkit_core.counting.trends import ModelSize, trends
from steerkit_core.report.content.trends import trend_rows
from steerkit_core.report.terminal.trends import trend_table

SIZES = {
    "small": ModelSize("qwen2", 3_000),
    "middle": ModelSize("qwen2", 14_000),
    "large": ModelSize("qwen2", 32_000),
    "other": ModelSize("gemma2", 9_000),
}


def cell(id_, model, **further):
    facts = {"layer": 2, "multiplier": 4.0, "counts": {"refusal": 0, "normal": 0}}
    return cell_result(id=id_, model=model, **facts | further)


def selection(id_, model, **overrides):
    return made_selection(cell=id_, overrides={"model": {"id": model}} | overrides)


def labels(k, n=10):
    return {f"prompt {number}": "refusal" if number < k else "normal" for number in range(n)}


def naive(groups):
    """z and the two-sided p from 0 and 1 of every single prompt: the regression's score test."""
    pairs = [(math.log(size), hit) for size, k, n in groups for hit in [1] * k + [0] * (n - k)]
    n = len(pairs)
    middle, share = (sum(column) / n for column in zip(*pairs, strict=True))
    slope = sum((x - middle) * (y - share) for x, y in pairs)
    spread = sum((x - middle) ** 2 for x, _ in pairs) * share * (1 - share)
    z = slope / math.sqrt(spread)
    return z, math.erfc(abs(z) / math.sqrt(2))


def made(ks, **further):
    cells = {f"c-{model}": cell(f"c-{model}", model, **further) for model in ks}
    chosen = [selection(f"c-{model}", model) for model in ks]
    return chosen, cells, {f"c-{model}": labels(k) for model, k in ks.items()}


def test_the_trend_is_that_of_the_formula_from_small_to_large():
    chosen, cells, found = made({"large": 3, "small": 9, "middle": 8, "other": 1})
    (entry,) = trends(chosen, cells, SIZES, found)
    z, p = naive([(3_000, 9, 10), (14_000, 8, 10), (32_000, 3, 10)])
    assert (entry.z, entry.p) == (pytest.approx(z), pytest.approx(p))
    assert z < -2
    assert entry.p_holm == entry.p
    assert entry.model_type == "qwen2"
    sizes = [(one.model, one.parameters, one.cell, one.rate.k) for one in entry.sizes]
    assert sizes == [
        ("small", 3_000, "c-small", 9),
        ("middle", 14_000, "c-middle", 8),
        ("large", 32_000, "c-large", 3),
    ]


def test_one_size_is_no_trend_and_neither_are_two_architectures():
    assert trends(*_placed(made({"small": 3, "other": 9}))) == ()
    assert trends(*_placed(made({"small": 3}))) == ()


def _placed(parts):
    chosen, cells, found = parts
    return chosen, cells, SIZES, found


def test_failed_cells_and_settings_are_left_out():
    chosen, cells, found = made({"small": 9, "middle": 8, "large": 3})
    cells["c-large"] = evolve(cells["c-large"], failure="10 of 10 completions failed")
    chosen[1] = evolve(chosen[1], failed=True, cell=None)
    assert trends(chosen, cells, SIZES, found) == ()


def test_settings_that_differ_in_more_than_the_model_are_families_of_their_own_and_adjusted_together():
    chosen, cells, found = [], {}, {}
    for unit, ks in {"raw": {"small": 9, "large": 2}, "absolute": {"small": 5, "large": 5}}.items():
        for model, k in ks.items():
            id_ = f"{unit}-{model}"
            chosen.append(selection(id_, model, **{"site.unit": unit}))
            cells[id_], found[id_] = cell(id_, model), labels(k)
    first, second = trends(chosen, cells, SIZES, found)
    assert (first.overrides, second.overrides) == (
        {"model": {}, "site.unit": "raw"},
        {"model": {}, "site.unit": "absolute"},
    )
    assert second.p == 1.0
    assert first.p_holm == pytest.approx(2 * first.p)


def test_a_grid_over_ids_and_a_grid_over_tables_are_the_same():
    chosen, cells, found = made({"small": 9, "large": 2})
    chosen = [evolve(one, overrides={"model.id": one.overrides["model"]["id"]}) for one in chosen]
    (entry,) = trends(chosen, cells, SIZES, found)
    assert entry.overrides == {}


def test_precisions_are_apart():
    chosen, cells, found = made({"small": 9, "large": 2})
    cells["c-large"] = evolve(cells["c-large"], quantization="int4")
    assert trends(chosen, cells, SIZES, found) == ()


def test_a_terminal_and_the_page_show_sizes_strengths_and_the_test(says):
    chosen, cells, found = made({"small": 9, "large": 2}, strength={"absolute": 4.0, "residual": 0.125})
    (entry,) = trends(chosen, cells, SIZES, found)
    z, p = naive([(3_000, 9, 10), (32_000, 2, 10)])
    console = Console(file=StringIO(), width=120)
    console.print(trend_table(entry))
    text = console.file.getvalue()
    says(text.splitlines()[0])
    assert [line.split() for line in text.splitlines() if "/10" in line] == [
        ["small", "3k", "2", "4", "0.125", "9/10", "60-98%"],
        ["large", "32k", "2", "4", "0.125", "2/10", "6-51%"],
    ]
    assert f"z = {z:+.2f}, p = {p:.3f}, by Holm = {p:.3f}: fewer with size" in text
    assert [row[0] for row in trend_rows(entry)] == ["small", "large"]
