"""Runs of a recipe on tiny models, made as a test asks."""

import pytest
from as_json import as_json
from recipes_on_tiny_models import Own

from steerkit_core.generation import generate
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.parsing import load_recipe


@pytest.fixture
def own():
    return Own()


@pytest.fixture
def execute(own_host, own, write_recipe, tmp_path):
    """Run the small recipe with changes; returns the report and the folder."""
    own_host.register(own, "own")
    registry = Registry.collect(own_host)
    assert own_host.failed == ()
    path = write_recipe(tmp_path)

    def run(*changes, out="run", again=False, **kwargs):
        """`again` reads anew what the test's plugin brings."""
        known = Registry.collect(own_host) if again else registry
        recipe = load_recipe(path, known, ["classifier.use=by-length", *changes])
        return as_json(run_recipe(recipe, known, tmp_path / out, **kwargs)), tmp_path / out

    return run


@pytest.fixture
def generated(monkeypatch):
    """The rows that a model was asked to complete, as (prompt, number of edits)."""
    rows = []

    def spy(model, wanted, *args):
        rows.extend((row.prompt.text, len(row.intervention.edits)) for row in wanted)
        return generate(model, wanted, *args)

    monkeypatch.setattr("steerkit_core.generation.generate", spy)
    return rows
