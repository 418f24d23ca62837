"""The page on methods has every component that could stand in a recipe, tried on every bundled model."""

import json

from docs_pages import DOCS

from steerkit_bundled import names as bundled
from steerkit_core.recipe.tables import COMPONENT_TABLES

RESULTS = json.loads((DOCS / "methods.json").read_text("utf-8"))


def test_every_component_has_a_result_on_every_bundled_model(shipped):
    for word in COMPONENT_TABLES:
        assert sorted(RESULTS[word]) == list(shipped.names(word))
        for name, found in RESULTS[word].items():
            assert sorted(found) == sorted(bundled()), name
            errors = [result["error"] for result in found.values() if "error" in result]
            assert errors == [], name
            for result in found.values():
                assert sum(result["counts"].values()) == result["n"] in (30, 32)


def test_every_component_says_where_it_comes_from_and_what_it_costs(shipped):
    for word, name, entry in shipped:
        if word in COMPONENT_TABLES:
            assert entry.component.reference, name
            assert entry.component.cost, name


def test_what_is_said_of_the_unsteered_answers_is_so():
    on_benign = [
        result["unsteered"]["refusal"]
        for word in COMPONENT_TABLES
        for found in RESULTS[word].values()
        for result in found.values()
        if result["n"] == 30
    ]
    assert set(on_benign) == {0}
