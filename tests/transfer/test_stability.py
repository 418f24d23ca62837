"""`steerkit stability` of transferred directions: as stable as they are in their source."""

import json

import pytest

from steerkit_core.cli import execute
from steerkit_core.model.forward import forward
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import load_recipe

SOURCE = "tiny:qwen2:seed=1"


@pytest.fixture
def curves(tiny_registry, recipe_file, capsys, tmp_path, monkeypatch):
    """The mean cosines of a recipe, layer by layer."""
    monkeypatch.chdir(tmp_path)

    def measure(**recipe):
        path = recipe_file(**recipe)
        arguments = ["stability", str(path), "--sizes", "2,5", "--resamples", "5", "--json"]
        assert execute(arguments, tiny_registry.host) == 0, capsys.readouterr().err
        found = json.loads(capsys.readouterr().out)["curves"]
        return [[point["mean"] for point in curve["points"]] for curve in found]

    return measure


def test_a_transferred_direction_is_as_stable_as_in_its_source(curves):
    there = curves(target=SOURCE)
    here = curves(extractor=f'use = "transfer"\nsource_model = "{SOURCE}"')
    assert len(there) == 4
    assert here == [pytest.approx(means, abs=1e-6) for means in there]


def test_the_source_reads_every_prompt_once(curves, monkeypatch):
    read = []
    monkeypatch.setattr(
        "steerkit_core.model.activations.forward",
        lambda model, prompts, *rest: (read.extend(prompts), forward(model, prompts, *rest))[1],
    )
    curves(extractor=f'use = "transfer"\nsource_model = "{SOURCE}"')
    assert len(read) == len({prompt.text for prompt in read}) == 10


def test_directions_of_a_run_do_not_depend_on_prompts(
    tiny_registry, recipe_file, tmp_path, capsys, monkeypatch, says
):
    monkeypatch.chdir(tmp_path)
    run_recipe(load_recipe(recipe_file(), tiny_registry), tiny_registry, tmp_path / "saved")
    path = recipe_file(f'use = "transfer"\nrun = "{tmp_path / "saved"}"')
    assert execute(["stability", str(path), "--sizes", "2"], tiny_registry.host) == 2
    says(capsys.readouterr().err.splitlines()[-1])
