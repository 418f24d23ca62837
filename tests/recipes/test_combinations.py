"""Components combine freely: every pair of two kinds runs, from a recipe that says no more than it must."""

from itertools import combinations, product

import pytest
import tomlkit
from as_json import as_json

from steerkit_core.errors import RecipeError
from steerkit_core.recipe.parsing import parse_recipe
from steerkit_core.testing import installed_registry, small_run

KINDS = ("extractor", "selector", "site", "classifier")
BUNDLED = "bundled:qwen2-s"
DEPTHS = [0.3, 0.6]
# what a component cannot do without, and filters that no candidate would pass in a model of random weights
NEEDED = {
    "transfer": {"source_model": BUNDLED},
    "fixed": {"layer": 2},
    "sweep": {"depths": DEPTHS},
    "adaptive": {"depths": DEPTHS},
    "arditi": {"kl_threshold": "off", "induce_threshold": "off"},
    "judge-model": {"model": BUNDLED},
}


@pytest.fixture(scope="module")
def names():
    registry = installed_registry()
    return [[name for name in registry.names(kind) if ships(registry, kind, name)] for kind in KINDS]


def ships(registry, kind, name):
    return registry.get(kind, name).__module__.startswith("steerkit_")


def tables(combination):
    return {
        kind: {"use": name, **NEEDED.get(name, {})} for kind, name in zip(KINDS, combination, strict=True)
    }


def run(folder, combination):
    folder.mkdir()
    shared = {"model": {"id": BUNDLED}, "generation": {"max_new_tokens": 2}}
    report = as_json(small_run(folder, None, {**tables(combination), **shared}))
    chosen = next(cell for cell in report["cells"] if cell["id"] == report["selected"])
    assert tuple(chosen[kind] for kind in KINDS) == combination
    # adaptive ends a cell that is hopeless on its first prompt
    assert 1 <= chosen["n"] <= 2
    assert chosen["failed"] == 0


def test_directions_are_read_where_the_site_edits_unless_the_recipe_says_where(names):
    registry = installed_registry()
    extractors, _, sites, _ = names
    shared = {
        "model": {"id": BUNDLED},
        "prompts": {"contrast": "refusal-5", "evaluation": "benign-30"},
    }
    for extractor, site in product(extractors, sites):
        document = {**shared, **tables((extractor, "depth", site, "refusal-keywords"))}
        (setting,) = parse_recipe(tomlkit.dumps(document), registry).settings
        place = {"attention": "attention", "mlp": "mlp", "head": "heads"}.get(site.partition("-")[0])
        assert setting.extractor.module == (place or "residual")
        if extractor != "dim":
            continue
        document["extractor"]["module"] = "input"
        if place is None:
            (setting,) = parse_recipe(tomlkit.dumps(document), registry).settings
            assert setting.extractor.module == "input"
        else:
            with pytest.raises(RecipeError, match=f"^site: site '{site}' edits {place}, but"):
                parse_recipe(tomlkit.dumps(document), registry)


@pytest.mark.slow
def test_every_pair_of_two_kinds_runs(tmp_path, names):
    extractors, selectors, sites, classifiers = names
    chosen = [
        (
            extractor,
            selectors[(e + t) % len(selectors)],
            site,
            classifiers[(e // 2 + t) % len(classifiers)],
        )
        for (e, extractor), (t, site) in product(enumerate(extractors), enumerate(sites))
    ]
    for one, other in combinations(range(len(KINDS)), 2):
        found = {(row[one], row[other]) for row in chosen}
        assert found == set(product(names[one], names[other]))
    for number, combination in enumerate(chosen):
        run(tmp_path / str(number), combination)
