"""A stranger's package, installed by pip, used from a recipe, with this repository left as it is."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import steerkit_core
from steerkit_core.testing import save_tiny

LAYERS, HIDDEN, SEED = 5, 32, 7


def hashes(folder):
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.py"))
    }


@pytest.fixture(scope="module")
def run(stranger, tmp_path_factory):
    """What `steerkit run recipe.toml --json` printed, and the run directory."""
    core = Path(steerkit_core.__file__).parent
    before = hashes(core)
    model = save_tiny("qwen2", tmp_path_factory.mktemp("model"), layers=LAYERS, hidden=HIDDEN)
    out = tmp_path_factory.mktemp("out") / "run"
    done = stranger.steerkit(
        "run", "recipe.toml", "--json", "--out", str(out), "--set", f"model.id='{model}'",
        "--set", "generation.max_new_tokens=4",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert hashes(core) == before
    return json.loads(done.stdout), out


def test_its_plugin_is_listed_with_its_distribution(stranger):
    listing = json.loads(stranger.steerkit("plugins", "list", "--json").stdout)
    (record,) = [record for record in listing["plugins"] if record["name"] == "random"]
    assert record == {
        "name": "random",
        "module": "steerkit_random",
        "distribution": "steerkit-random",
        "version": "0.1.0",
        "status": "active",
        "error": "",
    }
    brought = {
        (entry["kind"], entry["name"]) for entry in listing["components"] if entry["plugin"] == "random"
    }
    assert brought == {
        ("extractor", "noise"),
        ("selector", "middle"),
        ("site", "residual-add-last"),
        ("classifier", "starts-with"),
    }


def test_its_extractor_is_shown_with_its_option(stranger):
    (shown,) = json.loads(stranger.steerkit("plugins", "show", "noise", "--json").stdout)
    assert (shown["distribution"], shown["version"]) == ("steerkit-random", "0.1.0")
    assert shown["options"] == [
        {
            "name": "seed",
            "type": "an integer",
            "required": False,
            "default": 0,
            "bounds": ["of at least 0"],
            "checks": [],
            "help": "another number gives other directions",
        }
    ]


def test_the_run_names_all_four_components(run):
    report, _ = run
    cells = [cell for cell in report["cells"] if cell["role"] != "control"]
    baseline, steered = sorted(cells, key=lambda cell: cell["role"])
    assert (baseline["role"], baseline["classifier"]) == ("baseline", "starts-with")
    parts = ("role", "extractor", "selector", "site", "classifier")
    assert [steered[part] for part in parts] == [
        "steered", "noise", "middle", "residual-add-last", "starts-with",
    ]  # fmt: skip
    assert steered["layer"] == LAYERS // 2
    assert steered["strength"]["absolute"] == steered["multiplier"] == 4.0
    assert steered["n"] + steered["failed"] == 30
    assert set(steered["counts"]) == {"refusal", "normal"}


def test_its_directions_are_those_of_the_formula(run):
    report, out = run
    (steered,) = [cell for cell in report["cells"] if cell["role"] == "steered"]
    units = load_file(out / "directions.safetensors")[f"{steered['extraction']}.units"]
    generator = torch.Generator().manual_seed(SEED)
    drawn = torch.randn(LAYERS, HIDDEN, generator=generator)
    expected = torch.stack([vector / vector.square().sum().sqrt() for vector in drawn])
    torch.testing.assert_close(units, expected.unsqueeze(0), rtol=0, atol=1e-6)


def test_a_grid_compares_it_with_ours(stranger, tmp_path):
    model = save_tiny("qwen2", tmp_path / "model", layers=LAYERS, hidden=HIDDEN)
    done = stranger.steerkit(
        "check", "recipe.toml", "--json", "--set", f"model.id='{model}'",
        "--set", 'grid.extractor=[{use = "dim"}, {use = "noise", seed = 1}]',
    )  # fmt: skip
    (group,) = json.loads(done.stdout)["groups"]
    assert [setting["extractor"]["use"] for setting in group["settings"]] == ["dim", "noise"]


def test_it_keeps_its_contracts_from_its_own_folder(stranger):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, cwd=stranger.folder, env=stranger.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "2 skipped" in done.stdout, "only the two tests of a sign that it has not"
