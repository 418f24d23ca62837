"""What `steerkit export` and `steerkit import` say, and what they refuse before anything is written."""

import json
import subprocess
import sys

import pytest


def test_what_was_written_is_said_and_told_to_programs(many, give, tmp_path):
    run, cells = many
    code, out, _ = give("export", run, "--to", "gguf", "--cell", cells["layer"])
    assert (code, out.partition(", of length ")[0]) == (0, "many.gguf: what is added at layer 6")
    assert out.endswith(f", of cell {cells['layer']}, for bundled:qwen2-s\n")
    code, out, _ = give("export", run, "--to", "repeng", "--cell", cells["onward"], "--json", "--force")
    found = json.loads(out)
    assert code == 0
    assert found.pop("lengths") == pytest.approx([4.0] * 4, rel=1e-6)
    assert found == {
        "file": "many.gguf",
        "format": "repeng",
        "cell": cells["onward"],
        "model": "bundled:qwen2-s",
        "layers": [6, 7, 8, 9],
    }
    assert [path.name for path in tmp_path.iterdir()] == ["many.gguf"]


def test_a_file_that_is_there_is_replaced_with_force_only(many, give, tmp_path):
    (tmp_path / "mine.csv").write_text("precious")
    code, _, error = give("export", many[0], "--to", "csv", "--out", "mine.csv")
    assert (code, error) == (
        2,
        "error: --out: mine.csv already exists: name another, or overwrite it with --force\n",
    )
    assert (tmp_path / "mine.csv").read_text() == "precious"
    assert give("export", many[0], "--to", "csv", "--out", "mine.csv", "--force")[0] == 0
    assert (tmp_path / "mine.csv").read_text().startswith("id,model,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "csv", "--cell", "c1"), "Error: --cell: csv has the results of all cells, omit it"),
        (
            ("--to", "gguf", "--table", "cells"),
            "Error: --table: expected with csv or parquet, got --to gguf",
        ),
        (("--to", "gguf", "--out", "nowhere/x.gguf"), "error: --out: no folder nowhere"),
        (("--to", "gguf", "--out", "."), "error: --out: . is a folder: name a file"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(arguments, message, many, give):
    code, out, error = give("export", many[0], *arguments)
    assert (code, out, error.splitlines()[-1]) == (2, "", message)


def test_nothing_is_written_into_a_run(many, give):
    run = many[0]
    code, _, error = give("export", run, "--to", "safetensors", "--out", run / "directions.safetensors")
    assert (code, error) == (2, f"error: --out: {run} is a run directory: name a file elsewhere\n")


def test_a_cell_that_is_not_there_is_named_with_those_that_are(many, report, give):
    run = many[0]
    code, _, error = give("export", run, "--to", "gguf", "--cell", "nothing")
    known = ", ".join(cell["id"] for cell in report["cells"])
    assert (code, error) == (2, f"error: {run}: no cell 'nothing' (cells: {known})\n")


@pytest.mark.parametrize(
    ("module", "form", "message"),
    [
        ("gguf", "gguf", "a GGUF control vector needs the extra 'gguf': pip install 'steerkit-core[gguf]'"),
        (
            "gguf",
            "repeng",
            "a GGUF control vector needs the extra 'gguf': pip install 'steerkit-core[gguf]'",
        ),
        (
            "pyarrow",
            "parquet",
            "a Parquet file needs the extra 'parquet': pip install 'steerkit-core[parquet]'",
        ),
    ],
)
def test_a_missing_extra_is_named(module, form, message, many, give, monkeypatch, tmp_path):
    run, cells = many
    monkeypatch.setitem(sys.modules, module, None)
    cell = () if form == "parquet" else ("--cell", cells["onward"])
    assert give("export", run, "--to", form, *cell) == (2, "", f"error: {message}\n")
    if form == "gguf":
        (tmp_path / "x.gguf").write_bytes(b"GGUF")
        assert give("import", "x.gguf", "--model", "bundled:qwen2-s") == (2, "", f"error: {message}\n")


def test_results_are_exported_and_a_recipe_with_a_file_is_checked_without_torch(many, give, tmp_path):
    run = many[0]
    give("export", run, "--to", "safetensors")
    (tmp_path / "recipe.toml").write_text(
        (run / "recipe.toml")
        .read_text()
        .partition("[grid]")[0]
        .replace('use = "dim"', 'use = "transfer"\nfile = "many.safetensors"')
    )
    (tmp_path / "three.txt").write_text("What is a verb?\n")
    code = (
        "import sys; from steerkit_core.cli import execute\n"
        f"codes = [execute(['export', {str(run)!r}, '--to', 'csv']), execute(['check', 'recipe.toml'])]\n"
        "assert 'torch' not in sys.modules; sys.exit(max(codes))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "many-cells.csv: " in done.stdout
