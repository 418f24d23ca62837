"""`[grid]`, and `--set`."""

import tomllib

import pytest
import tomlkit
from recipe_texts import GOOD, grid, refused

from steerkit_core.errors import RecipeError
from steerkit_core.recipe.changes import apply_changes
from steerkit_core.recipe.parsing import parse_recipe


def test_a_grid_is_the_product_in_the_order_written(registry):
    text = grid('"model.quantization" = ["none", "int8"]\n"site.multiplier" = [1.0, 2.0, 3]')
    recipe = parse_recipe(text, registry)
    assert [(s.model.quantization, s.site.multiplier) for s in recipe.settings] == [
        ("none", 1.0),
        ("none", 2.0),
        ("none", 3.0),
        ("int8", 1.0),
        ("int8", 2.0),
        ("int8", 3.0),
    ]
    assert recipe.settings[3].overrides == {"model.quantization": "int8", "site.multiplier": 1.0}


def test_a_grid_may_be_written_as_tables(registry):
    dotted = parse_recipe(grid('"site.multiplier" = [1.0, 2.0]'), registry)
    nested = parse_recipe(GOOD + "\n[grid.site]\nmultiplier = [1.0, 2.0]\n", registry)
    assert nested.settings == dotted.settings


def test_a_grid_may_exchange_whole_tables(registry):
    text = grid('selector = [{use = "depth", depth = 0.5}, {use = "fixed", layer = 2}]')
    recipe = parse_recipe(text, registry)
    assert [setting.selector for setting in recipe.settings] == [
        registry.get("selector", "depth")(depth=0.5),
        registry.get("selector", "fixed")(layer=2),
    ]


@pytest.mark.parametrize(
    ("lines", "messages"),
    [
        (
            '"site.multiplier" = [1.0, "x", true]',
            [
                "grid.\"site.multiplier\"[1]: expected a number, got 'x'",
                'grid."site.multiplier"[2]: expected a number, got True',
            ],
        ),
        ('"site.multiplier" = 3', ['grid."site.multiplier": expected a list of values, got 3']),
        (
            '"model.backend" = ["hooks", "nnsight"]',
            [
                "grid.\"model.backend\": not an axis: backends are ways to the same tensors, and a completion is made once: run 'steerkit parity MODEL', or the recipe once for each backend with another --out"
            ],
        ),
        ('"site.multiplier" = []', ['grid."site.multiplier": expected a list of values, got []']),
        (
            '"site.multiplier" = [1.0, 2.0, 1.0]',
            ['grid."site.multiplier": the same value twice in [1.0, 2.0, 1.0]'],
        ),
        (
            '"site.multiplyer" = [1.0]',
            [
                (
                    "grid.\"site.multiplyer\"[0]: unknown option, did you mean 'multiplier'?"
                    " (known: tokens, multiplier, unit, preserve_norm, directions, span)"
                )
            ],
        ),
        (
            '"sight.multiplier" = [1.0]',
            [
                (
                    "grid.\"sight.multiplier\": unknown table, did you mean 'site'? (known: model, prompts,"
                    " extractor, selector, site, classifier, generation, calibration, controls)"
                )
            ],
        ),
        (
            '"run.seed" = [0, 1]',
            [
                (
                    'grid."run.seed": unknown table (known: model, prompts, extractor, selector, site,'
                    " classifier, generation, calibration, controls)"
                )
            ],
        ),
        (
            'selector = [{use = "depht"}, {use = "fixed"}, 3]',
            [
                (
                    "grid.\"selector\"[0]: selector.use: no selector named 'depht', did you mean 'depth'?"
                    " (installed: <selector>)"
                ),
                'grid."selector"[1]: selector.layer: required, but not given',
                'grid."selector"[2]: expected a table, got 3',
            ],
        ),
        (
            '"prompts.evaluation" = ["benign-30", "nothing"]',
            ["grid.\"prompts.evaluation\"[1]: no prompt set named 'nothing' (installed: <prompt set>)"],
        ),
        (
            '"site.multiplier" = [1979-05-27]',
            ['grid."site.multiplier"[0]: expected a number, got datetime.date(1979, 5, 27)'],
        ),
    ],
)
def test_a_bad_value_of_a_grid_is_reported_once_and_where_it_stands(lines, messages, registry, installed):
    assert refused(grid(lines), registry) == installed(messages)


def test_values_that_only_clash_together_are_reported(registry):
    lines = 'site = [{use = "residual-add"}, {use = "residual-ablate"}]\n"site.multiplier" = [1.0]'
    assert refused(grid(lines), registry) == [
        "site.multiplier: unknown option (known: tokens, preserve_norm, directions, span)",
    ]


@pytest.mark.parametrize(
    ("change", "table", "key", "value"),
    [
        ("site.multiplier=20", "site", "multiplier", 20),
        ("site.multiplier = 2.5", "site", "multiplier", 2.5),
        ("model.quantization=int8", "model", "quantization", "int8"),
        ('model.id="with space"', "model", "id", "with space"),
        ("model.id=owner/name", "model", "id", "owner/name"),
        ("model.id=bundled:qwen2-s", "model", "id", "bundled:qwen2-s"),
        ("model.id=a=b", "model", "id", "a=b"),
        ("model.id=", "model", "id", ""),
        ("model.trust_remote_code=true", "model", "trust_remote_code", True),
        ("selector.depths=[0.3, 0.5]", "selector", "depths", [0.3, 0.5]),
        ("generation.max_new_tokens=7", "generation", "max_new_tokens", 7),
        ('classifier.keywords=["a", "b=c"]', "classifier", "keywords", ["a", "b=c"]),
        ('grid."site.multiplier"=[1.0, 2.0]', "grid", "site.multiplier", [1.0, 2.0]),
    ],
)
def test_set_changes_one_option(change, table, key, value):
    text, document = apply_changes(tomlkit.parse(GOOD), [change])
    expected = tomllib.loads(GOOD)
    expected.setdefault(table, {})[key] = value
    assert document == expected
    assert tomllib.loads(text) == expected


def test_set_keeps_comments_and_the_rest_of_the_text():
    text, _ = apply_changes(tomlkit.parse(GOOD), ["site.multiplier=5.0", "run.name=yours"])
    assert text == GOOD.replace("multiplier = 4.0", "multiplier = 5.0").replace('"mine"', '"yours"')


def test_a_whole_table_can_be_set(registry):
    text, document = apply_changes(
        tomlkit.parse(GOOD), ["selector={use = 'fixed', layer = 3}", "run.seed=7"]
    )
    assert document["selector"] == {"use": "fixed", "layer": 3}
    assert tomllib.loads(text) == document
    (setting,) = parse_recipe(GOOD, registry, ["selector={use = 'fixed', layer = 3}"]).settings
    assert (setting.selector.name, setting.selector.layer) == ("fixed", 3)


def test_the_last_of_two_changes_counts():
    assert apply_changes(tomlkit.parse(GOOD), ["run.seed=1", "run.seed=2"])[1]["run"]["seed"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("multiplier=3", "--set: expected table.key=value or table={...}, got 'multiplier=3'"),
        ("site.multiplier", "--set: expected table.key=value or table={...}, got 'site.multiplier'"),
        (".multiplier=3", "--set: expected table.key=value or table={...}, got '.multiplier=3'"),
        ("site.=3", "--set: expected table.key=value or table={...}, got 'site.=3'"),
        ("flat.key=3", "--set: flat is not a table, in 'flat.key=3'"),
    ],
)
def test_a_change_of_another_form_is_refused(change, message):
    with pytest.raises(RecipeError) as caught:
        apply_changes(tomlkit.parse("flat = 1\n" + GOOD), [change, "site.multiplier=3"])
    assert str(caught.value) == message


def test_a_change_is_checked_like_the_recipe_itself(registry, says):
    says("\n".join(refused(GOOD, registry, changes=["site.multiplier=lots", "sight.x=1"])))
