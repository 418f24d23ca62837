"""A run of a thousand cells is shown quickly and readably, from its results alone."""

import itertools
import json
import re
import sys
from pathlib import Path

import pytest
from made_results import run_results
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent))

from made_runs import cell_entry, write_made_run

from steerkit_core.report.terminal.console import print_report
from steerkit_core.results.converter import unstructured
from steerkit_core.results.run import read_run

LAYERS, MULTIPLIERS = 100, 10


def entry(number, refusals, **columns):
    counts = {"refusal": refusals, "garbled": 0, "normal": 30 - refusals}
    made = cell_entry(f"c{number:011x}", counts, **columns)
    for label, rate in made["rates"].items():
        rate.update(rate=counts[label] / 30)
    return made


def sweep():
    """One sweep over a hundred layers and ten multipliers; layer 40 is best, and those around it."""
    cells = [entry(0, 0, role="baseline", layer=None, multiplier=None, depth=None)]
    for layer in range(LAYERS):
        for step in range(MULTIPLIERS):
            refusals = max(0, 30 - abs(layer - 40) - abs(step - 4))
            cells.append(entry(len(cells), refusals, layer=layer, multiplier=step + 1.0))
    chosen = next(cell for cell in cells if cell["layer"] == 40 and cell["multiplier"] == 5.0)
    chosen["selected"] = True
    return cells, chosen["id"]


def grid():
    """A thousand settings of which each has one cell, on two layers."""
    cells = [entry(0, 0, role="baseline", layer=None, multiplier=None, depth=None)]
    cells += [
        entry(n, n % 31, layer=n % 2, multiplier=None, extractor=f"e{n}", selected=True)
        for n in range(1, 1000)
    ]
    return cells, cells[30]["id"]


def selections(cells):
    return [
        {
            "cell": cell["id"], "failed": False, "selector": "sweep", "overrides": {}, "reason": "because",
            "prompts": "letters", "shared_prompts": 0, "selected_on_evaluation": False, "tried": [],
            "refusal_rate": 1.0, "table": [],
        }
        for cell in cells
        if cell["selected"]
    ]  # fmt: skip


@pytest.fixture(params=[sweep, grid])
def many(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells, selected = request.param()
    notes = [f"note {number}" for number in range(50)]
    folder = write_made_run(
        "runs/many", cells, selected=selected, selections=selections(cells), notes=notes
    )
    # whoever reads the texts for a table falls over these
    for name in ("completions.jsonl", "verdicts.jsonl"):
        (folder / name).write_text("no JSON\n")
    return folder, cells


@pytest.mark.parametrize("columns", ["60", "80", "120", "200"])
def test_it_stays_readable(columns, many, give, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    _, cells = many
    code, out, err = give("show", "many")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) < 110
    assert "\u2026" not in out
    hidden = [
        int(found) for found in re.findall(r"^(\d+) more \w+ \(--all shows them\)$", out, re.MULTILINE)
    ]
    one_setting = len(selections(cells)) == 1
    # of the sweep 80 of its 100 layers, of the grid all but the best twenty cells and six settings
    assert hidden == ([80, 44] if one_setting else [979, 993, 44])


def test_the_best_are_shown(many, give, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    _, cells = many
    out = give("show", "many")[1]
    if len(selections(cells)) == 1:
        shown = [int(found) for found in re.findall(r"^  (\d+) +\d+  \d+ ", out, re.MULTILINE)]
        assert shown == list(range(30, 50))
    else:
        rates = re.findall(r"(\d+)/30 ", out)
        assert sorted(map(int, rates), reverse=True)[:20] == [30] * 20
        assert "e30 " in out


@pytest.mark.usefixtures("many")
def test_all_of_it_can_be_seen(give, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    out = give("show", "many", "--all")[1]
    assert "(--all shows them)" not in out
    assert "note 49" in out
    assert len(out.splitlines()) > 1000


def test_json_has_every_cell(many, give):
    folder, cells = many
    found = json.loads(give("show", "many", "--json")[1])
    assert found == unstructured(read_run(folder).results)
    assert len(found["cells"]) == len(cells) > 999


def test_a_column_that_does_not_fit_is_left_out_before_a_word_is_cut():
    counts = {"refusal": 3, "garbled": 1, "normal": 26}
    report = {
        "run": {"name": "r"}, "cells": [cell_entry("c1", counts, prompts="a-rather-long-name-of-prompts")],
        "selections": [], "selected": None, "notes": [],
    }  # fmt: skip

    def headings(width):
        console = Console(width=width, color_system=None)
        with console.capture() as shown:
            print_report(run_results(**report), console)
        (line,) = [line for line in shown.get().splitlines() if "mult." in line]
        return line.split()

    assert headings(120) == [
        "prompts",
        "layer",
        "depth",
        "mult.",
        "refusal",
        "95%",
        "CI",
        "garbled",
        "normal",
    ]
    assert headings(85) == ["prompts", "layer", "mult.", "refusal", "95%", "CI", "garbled", "normal"]
    assert headings(60) == ["layer", "mult.", "refusal", "95%", "CI", "garbled", "normal"]
    assert headings(45) == ["layer", "mult.", "refusal", "95%", "CI", "garbled"]


def several_things_vary():
    """A grid over models, precisions and sources, with names as they are."""
    counts = {"refusal": 26, "garbled": 4, "normal": 0}
    grid = itertools.product(
        ("bundled:qwen2-s", "bundled:qwen2-m"), ("none", "int8"), ("self", "unquantized")
    )
    cells = [
        cell_entry(f"c{number}", counts, model=model, quantization=precision, source=source, selected=True)
        for number, (model, precision, source) in enumerate(grid)
    ]
    report = {"run": {"name": "r"}, "cells": cells, "selections": [], "selected": None, "notes": []}
    drift = {
        "extractor": "dim", "contrast": "c", "dtype": "float32", "position": -1, "layers": [0], "cosines": [0.5],
        "raw_norms": [1.0], "reference_raw_norms": [2.0], "quantization": "int8", "extraction": "e",
    }  # fmt: skip
    models = ("bundled:qwen2-s", "bundled:qwen2-m", "bundled:mistral-s")
    return report | {"quantization": [{**drift, "model": name, "reference": name} for name in models]}


@pytest.mark.parametrize("width", [60, 70, 80, 100, 200])
def test_what_varies_shares_a_column_before_a_number_is_cut(width):
    console = Console(width=width, color_system=None)
    with console.capture() as shown:
        print_report(run_results(**several_things_vary()), console)
    text = shown.get()
    assert "\u2026" not in text
    assert text.count("26/30") == 8
    assert text.count("70-95%") + text.count("0-100%") == 8
    assert text.count("0.5000") == 3
    # at full width every thing has its own column, and directions their lengths
    assert ("quantization" in text.splitlines()[2]) == (width >= 100)
    assert text.count("0.5000  1.000") == (3 if width == 200 else 0)


def test_a_file_has_no_width(many, give, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    _, cells = many
    lines = give("show", "many", "--all")[1].splitlines()
    rows = [line for line in lines if re.search(r"\d+/30 +0-100%", line)]
    assert len(rows) == len(cells)
    assert all(len(line.split()) > 7 for line in rows)
