"""The form of `results.json`, and what is said of a value that is of another kind."""

import json

import pytest
from as_json import as_json, from_json

from steerkit_core.results.converter import Misfit
from steerkit_core.results.results import RunResults


@pytest.fixture(scope="module")
def written(registry, write_recipe, tmp_path_factory):
    """What a run with windows, comparisons, controls and quantized directions has written."""
    from steerkit_core.pipeline.recipe_run import run_recipe
    from steerkit_core.recipe.parsing import load_recipe

    home = tmp_path_factory.mktemp("home")
    changes = ["controls.random=1", "selector.depths=[0.3, 0.6]"]
    run_recipe(load_recipe(write_recipe(home), registry, changes), registry, home / "run")
    return (home / "run" / "results.json").read_text("utf-8")


@pytest.fixture
def results(written):
    return json.loads(written)


def test_what_a_run_writes_fits(results):
    assert all(results[name] for name in ("windows", "comparisons", "controls", "health"))
    assert as_json(from_json(RunResults, results)) == results


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
    with pytest.raises(Misfit) as found:
        from_json(RunResults, spoilt)
    assert (found.value.where, found.value.expected, found.value.found) == (where, expected, value)


def test_null_stands_where_there_may_be_nothing(results):
    spoilt = json.loads(json.dumps(results))
    for name in ("layer", "depth", "multiplier", "strength", "calibration", "site", "sick"):
        spoilt["cells"][0][name] = None
    assert from_json(RunResults, spoilt).cells[0].layer is None


def test_what_is_not_known_of_may_be_anything(results):
    later = {**results, "later": 3, "run": {**results["run"], "by": []}}
    assert from_json(RunResults, later) == from_json(RunResults, results)


def test_a_key_that_is_missing_is_named(results):
    del results["cells"][1]["counts"]
    with pytest.raises(Misfit) as found:
        from_json(RunResults, results)
    assert str(found.value) == "cells[1].counts is missing"
