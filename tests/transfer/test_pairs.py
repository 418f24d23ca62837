"""`steerkit transfer`: every pair of a list, and those that are left out."""

import json

import pytest

from steerkit_core.cli import execute
from steerkit_core.recipe.parsing import load_recipe

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
        (NARROW, f"--models: expected two models or more, each once, got {NARROW}"),
        (f"{NARROW},{NARROW}", f"--models: expected two models or more, each once, got {NARROW}, {NARROW}"),
        (
            f"{NARROW},{WIDE}",
            (
                f"--models: no two fit, give --map ridge or --map procrustes ({NARROW} and {WIDE}: hidden sizes 32"
                f" and 48 differ; {WIDE} and {NARROW}: hidden sizes 48 and 32 differ)"
            ),
        ),
    ],
)
def test_a_list_that_makes_no_pair_is_one_line(models, message, transfer):
    assert transfer("--models", models) == (2, "", f"error: {message}\n")


def test_the_recipes_extractor_is_not_a_transfer_itself(transfer):
    way = f'use = "transfer"\nsource_model = "{OTHER}"'
    assert transfer("--models", f"{NARROW},{OTHER}", extractor=way) == (
        2,
        "",
        "error: extractor.use: expected what finds the directions in a source, got 'transfer'\n",
    )


def test_the_kept_recipe_can_be_read_again(transfer, tiny_registry, tmp_path):
    transfer("--models", f"{NARROW},{OTHER}")
    kept = tmp_path / "runs" / "pairs-transfer" / "recipe.toml"
    assert kept.read_text().startswith(f"# steerkit transfer --models {NARROW},{OTHER}\n")
    (tmp_path / "runs" / "pairs-transfer" / "three.txt").write_text("Why?\n")
    assert len(load_recipe(kept, tiny_registry).settings) == 1
