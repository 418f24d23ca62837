"""The form of `results.json`, and what is said of a value that is of another kind."""

import json

import pytest
from steerkit_core.results.kinds import RESULTS_FORM, Misfit, misfit


@pytest.fixture(scope="module")
def results(registry, write_recipe, tmp_path_factory):
    """What a run with windows, comparisons, controls and quantized directions has written."""
    from steerkit_core.pipeline.recipe_run import run_recipe
    from steerkit_core.recipe.parsing import load_recipe

    home = tmp_path_factory.mktemp("home")
    changes = ["controls.random=1", "selector.depths=[0.3, 0.6]"]
    run_recipe(load_recipe(write_recipe(home), registry, changes), registry, home / "run")
    return json.loads((home / "run" / "results.json").read_text("utf-8"))


def test_what_a_run_writes_fits(results):
    assert all(results[name] for name in ("windows", "comparisons", "controls", "health"))
    assert misfit(results, RESULTS_FORM) is None


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("cells",), {}, "a list"),
        (("cells", 1), "c1", "a table"),
        (("cells", 1, "n"), True, "a whole number"),
        (("cells", 1, "n"), 5.0, "a whole number"),
        (("cells", 1, "layer"), "2", "a whole number or null"),
        (("cells", 1, "depth"), "deep", "a number or null"),
        (("cells", 1, "selected"), 0, "true or false"),
        (("cells", 1, "counts", "refusal"), None, "a whole number"),
        (("cells", 1, "rates", "refusal", "high"), [], "a number"),
        (("cells", 1, "strength"), 2.0, "a table"),
        (("windows", 0, "best"), [], "a table"),
        (("notes",), "none", "a list"),
    ],
)
def test_a_value_of_another_kind_is_named_by_its_place(path, value, expected, results):
    spoilt = json.loads(json.dumps(results))
    table = spoilt
    for key in path[:-1]:
        table = table[key]
    table[path[-1]] = value
    where = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
    assert misfit(spoilt, RESULTS_FORM) == Misfit(where, expected, value)


def test_null_stands_where_there_may_be_nothing(results):
    spoilt = json.loads(json.dumps(results))
    for name in ("layer", "depth", "multiplier", "strength", "calibration", "site", "sick"):
        spoilt["cells"][0][name] = None
    assert misfit(spoilt, RESULTS_FORM) is None


def test_what_is_not_known_of_may_be_anything(results):
    assert misfit({**results, "later": 3, "run": {**results["run"], "by": []}}, RESULTS_FORM) is None


def test_a_key_that_is_missing_is_no_value_of_another_kind():
    assert misfit({}, RESULTS_FORM) is None
