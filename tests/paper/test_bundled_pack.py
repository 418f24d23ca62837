"""Two tables of the shipped pack on the bundled models, with the shipped answers."""

import json

import pytest

from steerkit_core.cli import execute


@pytest.mark.slow  # reason: steers two bundled models with three recipes, about half a minute
def test_two_tables_on_bundled_models(host, tmp_path, capsys):
    out = tmp_path / "pack"
    assert execute(["replicate", "window", "tooling", "--out", str(out), "--json"], host) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {row["id"]: row for table in found["tables"] for row in table["rows"]}
    # three shares of one cell are all of its prompts, and the cell is the run's own
    for multiplier, ours in (("15x", 3.0), ("20x", 4.0), ("25x", 5.0)):
        parts = [rows[f"window.{multiplier}.{label}"] for label in ("coherent", "garbled", "normal")]
        assert sum(part["ours"]["k"] for part in parts) == 30
        assert {part["multiplier"] for part in parts} == {ours}
        results = json.loads((out / parts[0]["run"] / "results.json").read_text("utf-8"))
        (cell,) = [cell for cell in results["cells"] if cell["id"] == parts[0]["cell"]]
        assert cell["counts"]["refusal"] == parts[0]["ours"]["k"]
    claims = {claim["id"]: claim for table in found["tables"] for claim in table["claims"]}
    same = claims["try.tooling-identical"]["ours"]
    assert same == {"outcome": "holds", "numbers": "30 of 30 texts are the same, letter by letter"}
    assert claims["try.tooling"]["verdict"] == "differs"
    assert found["summary"]["runs"] == {"run": 5, "not run": 0}
