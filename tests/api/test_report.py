"""`run` does what the command does, and its report holds what the run's files say."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from attrs import asdict, evolve
from safetensors.torch import load_file

import steerkit_core
from steerkit_core import Report, SteerkitError
from steerkit_core.export.tables import run_table
from steerkit_core.progress import Silent
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.results.converter import unstructured
from steerkit_core.results.run import KeptRun, read_run


@pytest.fixture(scope="module")
def recipe(write_recipe, tmp_path_factory):
    return write_recipe(tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def report(recipe, tmp_path_factory):
    return steerkit_core.run(recipe, out=tmp_path_factory.mktemp("runs") / "one")


def test_a_report_is_what_the_folder_holds(report):
    results = json.loads((report.path / "results.json").read_text())
    assert unstructured(report.results) == results
    assert list(unstructured(report.cells)) == results["cells"]
    assert report.selected.id == results["selected"]
    assert report.notes == tuple(results["notes"])
    again = steerkit_core.open_run(report.path)
    assert (again.path, again.results) == (report.path, report.results)
    with pytest.raises(AttributeError):
        report.path = Path()


def test_a_recipe_is_a_file_a_mapping_or_a_value(recipe, report, registry, tmp_path, monkeypatch):
    import tomllib

    monkeypatch.chdir(recipe.parent)
    document = tomllib.loads(recipe.read_text())
    for number, way in enumerate((str(recipe), document, load_recipe(recipe, registry))):
        found = steerkit_core.run(way, out=tmp_path / str(number))
        assert found.cells == report.cells
    steerkit_core.run(document)
    assert json.loads(Path("runs/small/results.json").read_text())["cells"] == list(
        unstructured(report.cells)
    )
    assert steerkit_core.open_run("small").cells == report.cells


def test_overrides_set_what_the_command_sets(recipe, tmp_path):
    changed = {
        "site.multiplier": 6,
        "selector": {"use": "fixed", "layer": 2},
        "generation.max_new_tokens": 3,
        "run.name": 'a "name"',
    }
    found = steerkit_core.run(recipe, out=tmp_path / "run", overrides=changed)
    assert found.results.run.name == 'a "name"'
    assert (found.selected.layer, found.selected.multiplier) == (2, 6.0)
    assert found.selected.options["generation"]["max_new_tokens"] == 3


def test_numbers_of_numpy_and_paths_may_be_set(recipe, tmp_path, monkeypatch):
    import tomllib

    import numpy as np

    monkeypatch.chdir(recipe.parent)
    changed = {
        "site.multiplier": np.float32(6),
        "selector": {"use": "fixed", "layer": np.int64(2)},
        "generation.max_new_tokens": np.arange(4)[3],
        "model.id": Path(tomllib.loads(recipe.read_text())["model"]["id"]),
    }
    found = steerkit_core.run(recipe, out=tmp_path / "run", overrides=changed)
    assert (found.selected.layer, found.selected.multiplier) == (2, 6.0)
    document = tomllib.loads((found.path / "recipe.toml").read_text())
    document["site"]["multiplier"] = np.float64(6)
    again = steerkit_core.run(document, out=tmp_path / "again")
    assert again.cells == found.cells


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"overrides": {"multiplier": 6}},
            "overrides: expected a place such as 'site.multiplier', or a table, got 'multiplier'",
        ),
        (
            {"overrides": {"site.multiplier": None}},
            "overrides: site.multiplier: not what TOML can say: unable to convert an object of <class 'NoneType'> to a TOML item",
        ),
        ({"overrides": {"site.multiplier": "many"}}, "site.multiplier: expected a number, got 'many'"),
        (
            {"overrides": ["site.multiplier=6"]},
            "overrides: expected a mapping of places to values, got ['site.multiplier=6']",
        ),
        ({"recipe": "quikstart"}, None),
        ({"recipe": 5}, "recipe: expected a file, a name or a mapping, got 5"),
        (
            {"recipe": {"model": {"id": None}}},
            "recipe: not what TOML can say: unable to convert an object of <class 'NoneType'> to a TOML item",
        ),
    ],
)
def test_what_cannot_be_run_is_refused(given, message, recipe, tmp_path, installed):
    (shipped,) = installed(["<recipe>"])
    message = (
        message or f"no recipe 'quikstart': no such file, did you mean 'quickstart'? (shipped: {shipped})"
    )
    with pytest.raises(SteerkitError) as caught:
        steerkit_core.run(
            given.get("recipe", recipe), out=tmp_path / "run", overrides=given.get("overrides")
        )
    assert str(caught.value) == message
    assert not (tmp_path / "run").exists()


def test_tables_are_those_of_the_files(report):
    cells = report.to_dataframe()
    assert list(cells["id"]) == [cell.id for cell in report.cells]
    assert list(cells["rates.refusal.rate"]) == [cell.rates["refusal"].rate for cell in report.cells]
    lines = [json.loads(line) for line in (report.path / "completions.jsonl").read_text().splitlines()]
    texts = report.to_dataframe("completions")
    assert len(texts) == len(lines) == len(report.completions())
    verdicts = pd.read_json(report.path / "verdicts.jsonl", lines=True)
    merged = pd.DataFrame(lines).merge(verdicts, on=["cell", "prompt_id"])
    joined = texts.merge(merged, on=["cell", "prompt_id"])
    assert list(joined["text_x"]) == list(joined["text_y"])
    assert list(joined["label_x"]) == list(joined["label_y"])
    own = [line for line in lines if line["cell"] == report.selected.id]
    found = report.completions(report.selected.id[:6])
    assert sorted(row.text for row in found) == sorted(line["text"] for line in own)
    exported = run_table(read_run(report.path), "cells").columns
    assert list(exported) == list(cells.columns)
    assert [len(report.completions(cell.id)) for cell in report.cells] == [cell.n for cell in report.cells]
    lists = {
        name: value for name, value in asdict(report.results, recurse=False).items() if name != "notes"
    }
    lists = {name: len(value) for name, value in lists.items() if isinstance(value, tuple)}
    assert {name: len(report.to_dataframe(name)) for name in lists} == lists


def test_columns_with_gaps_keep_their_types(report):
    cells = report.to_dataframe()
    baseline = cells["role"] == "baseline"
    assert baseline.sum() == 1
    assert cells["layer"].dtype == "Int64"
    assert cells["options.site.preserve_norm"].dtype == "boolean"
    assert list(cells["layer"].isna()) == list(baseline)
    steered = [cell.layer for cell in report.cells if cell.role != "baseline"]
    assert list(cells.loc[~baseline, "layer"]) == steered
    types = {"n": "int64", "rates.refusal.k": "int64", "selected": "bool"}
    types |= dict.fromkeys(("rates.refusal.low", "rates.refusal.high", "multiplier"), "float64")
    assert {name: str(cells[name].dtype) for name in types} == types


def test_directions_are_those_of_the_chosen_cell(report, says):
    tensors = load_file(report.path / "directions.safetensors")
    key = report.selected.extraction
    assert torch.equal(report.directions().units, tensors[f"{key}.units"])
    assert report.directions().residual_norms == tuple(tensors[f"{key}.residual_norms"].tolist())
    baseline = next(cell.id for cell in report.cells if cell.role == "baseline")
    with pytest.raises(SteerkitError) as caught:
        report.directions(baseline)
    says(caught)


def test_unknown_tables_and_cells_are_refused(report, says):
    with pytest.raises(SteerkitError) as caught:
        report.to_dataframe("cell")
    says(caught)
    with pytest.raises(SteerkitError, match=r"no cell 'x'"):
        report.completions("x")


def test_without_pandas_there_is_one_clear_message(report, monkeypatch, says):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(SteerkitError) as caught:
        report.to_dataframe()
    says(caught)


def test_it_is_quiet_unless_it_is_told_otherwise(recipe, tmp_path, capfd):
    steerkit_core.run(recipe, out=tmp_path / "quiet")
    assert capfd.readouterr() == ("", "")
    steerkit_core.run(recipe, out=tmp_path / "loud", progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("loading ")
    steps = []

    class Listening(Silent):
        def step(self, text):
            steps.append(text)

    steerkit_core.run(recipe, out=tmp_path / "told", progress=Listening())
    assert steps[0] == err.splitlines()[0]


def test_a_folder_that_is_no_finished_run_is_refused(report, tmp_path, says):
    with pytest.raises(SteerkitError, match=r"no manifest.json here"):
        steerkit_core.open_run(tmp_path)
    for file in report.path.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    later = {**unstructured(report.results), "schema_version": 2}
    (tmp_path / "results.json").write_text(json.dumps(later))
    with pytest.raises(SteerkitError) as told:
        steerkit_core.open_run(tmp_path)
    says(told)


def changed(report, **results):
    return Report(KeptRun(report.path, read_run(report.path).manifest, evolve(report.results, **results)))


def test_a_report_shows_the_chosen_cell_and_its_baseline(report):
    chosen, rate = report.selected, report.selected.rates["refusal"]
    assert repr(report) == (
        f"Report({str(report.path)!r}: refusal {rate.k}/{rate.n} ({100 * rate.low:.0f} to {rate.high:.0%})"
        f" at layer {chosen.layer}, multiplier {chosen.multiplier:g}; {len(report.cells)} cells)"
    )
    shown = report._repr_html_()
    assert f"<tr><td>{chosen.id}</td><td>steered</td>" in shown
    assert "<td>baseline</td>" in shown
    strange = changed(report, notes=("<script>",))
    assert "&lt;script&gt;" in strange._repr_html_()
    assert "<script>" not in strange._repr_html_()
    nothing = changed(report, selected=None)
    assert nothing.selected is None
    assert "no configuration" in repr(nothing)


def test_importing_steerkit_imports_neither_torch_nor_pandas():
    code = (
        "import sys, steerkit_core; names = dir(steerkit_core);"
        "assert {'run', 'wrap', 'extract', 'load_model', 'open_run', 'Report'} <= set(steerkit_core.__all__);"
        "sys.exit(bool({'torch', 'pandas', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert all(getattr(steerkit_core, name) is not None for name in steerkit_core.__all__)


def test_a_selection_without_a_multiplier_shows_too(report):
    cell = evolve(report.selected, multiplier=None)
    others = [other for other in report.cells if other.id != cell.id]
    shown = changed(report, cells=(cell, *others))
    assert f"at layer {cell.layer}; " in repr(shown)
