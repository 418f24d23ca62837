"""`steerkit transfer`: every pair of a list, and those that are left out."""

import json
import tomllib

import pytest
from as_json import as_json

from steerkit_core.cli import execute
from steerkit_core.errors import RecipeError
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.results.run import command_of, read_run

NARROW, OTHER, WIDE = "tiny:qwen2", "tiny:qwen2:seed=1", "tiny:qwen2:hidden=48"


@pytest.fixture
def transfer(tiny_registry, recipe_file, tmp_path, give, monkeypatch):
    """Run the command; returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, extractor='use = "dim"'):
        return give("transfer", recipe_file(extractor), "--quiet", *arguments, host=tiny_registry.host)

    return call


def test_every_pair_of_one_width_is_run_and_the_others_are_named(transfer, tmp_path):
    code, out, err = transfer("--models", f"{NARROW},{OTHER},{WIDE}", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    pairs = [(entry["source"], entry["target"]) for entry in found["transfers"]]
    assert pairs == [(OTHER, NARROW), (NARROW, OTHER)]
    left_out = [(pair["source"], pair["target"], pair["reason"]) for pair in found["excluded"]]
    assert left_out == [
        (WIDE, NARROW, "hidden sizes 48 and 32 differ"),
        (WIDE, OTHER, "hidden sizes 48 and 32 differ"),
        (NARROW, WIDE, "hidden sizes 32 and 48 differ"),
        (OTHER, WIDE, "hidden sizes 32 and 48 differ"),
    ]
    kept = json.loads((tmp_path / "runs" / "pairs-transfer" / "results.json").read_text())
    assert (kept["transfers"], kept["excluded"]) == (found["transfers"], found["excluded"])


def test_with_a_map_every_pair_is_run_and_says_so(transfer):
    changes = ("--set", "generation.max_new_tokens=2")
    code, out, _ = transfer("--models", f"{NARROW},{WIDE}", "--map", "ridge", "--json", *changes)
    found = json.loads(out)
    assert code == 0
    assert [entry["map"] for entry in found["transfers"]] == ["ridge", "ridge"]
    assert found["excluded"] == []
    assert any("through a ridge map" in note for note in found["notes"])


def test_the_table_and_show_name_pairs_and_exclusions(transfer, tiny_registry, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    _, out, _ = transfer("--models", f"{NARROW},{OTHER},{WIDE}")
    line = f"{WIDE} \u2192 {NARROW}: left out, hidden sizes 48 and 32 differ"
    assert line in out
    assert "2 \u2192 2" in out
    assert execute(["show", "pairs-transfer"], tiny_registry.host) == 0
    assert line in capsys.readouterr().out


def test_the_method_and_its_options_go_to_the_source(transfer, tmp_path):
    way = 'use = "random"\nseed = 4\nposition = -2'
    code, _, _ = transfer("--models", f"{NARROW},{OTHER}", extractor=way)
    assert code == 0
    kept = json.loads((tmp_path / "runs" / "pairs-transfer" / "results.json").read_text())
    methods = [
        cell["origin"]["method"] for cell in kept["cells"] if cell["role"] == "steered" and cell["origin"]
    ]
    assert [
        (found["use"], found["options"]["seed"], found["options"]["position"]) for found in methods
    ] == [
        ("random", 4, -2),
        ("random", 4, -2),
    ]
    assert len(kept["transfers"]) == 2


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (NARROW, f"transfer.models: expected two models or more, each once, got [{NARROW!r}]"),
        (
            f"{NARROW},{NARROW}",
            f"transfer.models: expected two models or more, each once, got [{NARROW!r}, {NARROW!r}]",
        ),
        (
            f"{NARROW},{WIDE}",
            (
                f"transfer.models: no two fit, give a map, ridge or procrustes ({NARROW} and {WIDE}: hidden sizes 32"
                f" and 48 differ; {WIDE} and {NARROW}: hidden sizes 48 and 32 differ)"
            ),
        ),
    ],
)
def test_a_list_that_makes_no_pair_is_one_line(models, message, transfer):
    assert transfer("--models", models) == (2, "", f"error: {message}\n")


def test_the_recipes_extractor_is_not_a_transfer_itself(transfer, says):
    way = f'use = "transfer"\nsource_model = "{OTHER}"'
    code, out, err = transfer("--models", f"{NARROW},{OTHER}", extractor=way)
    assert (code, out) == (2, "")
    says(err)


def test_the_kept_recipe_runs_the_same_pairs(transfer, tiny_registry, tmp_path):
    _, out, _ = transfer("--models", f"{NARROW},{OTHER}", "--json")
    kept = tmp_path / "runs" / "pairs-transfer" / "recipe.toml"
    asked = {"models": [NARROW, OTHER], "map": "none"}
    assert tomllib.loads(kept.read_text())["transfer"] == asked
    (kept.parent / "three.txt").write_text((tmp_path / "three.txt").read_text())
    report = as_json(run_recipe(load_recipe(kept, tiny_registry), tiny_registry, tmp_path / "again"))
    assert report["transfers"] == json.loads(out)["transfers"]


def test_a_run_that_noted_its_models_in_a_comment_is_read_and_resumed(transfer, tmp_path):
    asked = ("--models", f"{NARROW},{WIDE}", "--map", "ridge")
    _, out, _ = transfer(*asked, "--json")
    folder = tmp_path / "runs" / "pairs-transfer-ridge"
    kept = folder / "recipe.toml"
    text = kept.read_text()
    own, table, _ = text.partition("[transfer]")
    assert table
    kept.write_text(f"# steerkit transfer {' '.join(asked)}\n{own}")
    run = read_run(folder)
    assert " ".join(asked) in command_of(folder, run.manifest)
    (folder / "results.json").unlink()
    assert transfer(*asked, "--json") == (0, out, "")
    assert kept.read_text() == text


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            f'models = ["{NARROW}"]',
            f"transfer.models: expected two models or more, each once, got [{NARROW!r}]",
        ),
        ("", "transfer.models: required, but not given"),
        (
            f'models = ["{NARROW}", "{OTHER}"]\nmap = "rigde"',
            (
                "transfer.map: expected one of 'none', 'ridge', 'procrustes', got 'rigde', did you mean"
                " 'ridge'?"
            ),
        ),
    ],
)
def test_the_table_is_checked_with_the_recipe(table, message, recipe_file, tiny_registry):
    path = recipe_file()
    path.write_text(f"{path.read_text()}\n[transfer]\n{table}\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, tiny_registry)
    assert str(caught.value) == message
