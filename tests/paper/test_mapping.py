"""Every cell of the paper has an answer on either kind of models, or a reason why it has none."""

import tomllib
from pathlib import Path

import pytest

from steerkit_core import SteerkitError, load_recipe
from steerkit_paper.pack.answers import QUANTITIES
from steerkit_paper.pack.claims import TESTS
from steerkit_paper.pack.figures import printed_figure
from steerkit_paper.pack.load import DATA, load_mapping
from steerkit_paper.pack.mapping import MODELS
from steerkit_paper.pack.parts import changes_for, folder_of
from steerkit_paper.records import load_paper

GUIDE = Path(__file__).parents[2] / "docs" / "study" / "published-numbers.md"
PAPER = load_paper()
MAPPING = load_mapping(PAPER)
PACK = [
    "unsteered",
    "architecture",
    "size",
    "text",
    "profile",
    "cosmic",
    "quantisation",
    "window",
    "transfer",
    "tooling",
    "later",
]


@pytest.mark.parametrize("models", MODELS)
def test_every_cell_has_an_answer_or_a_reason(models):
    for table in PAPER.tables:
        for cell in table.cells:
            found = MAPPING.find(table.id, cell, models)
            if isinstance(found, str):
                assert len(found) > 10, cell.id
            else:
                place, column = found
                assert place.why
                assert column.quantity in QUANTITIES
    assert MAPPING.tables_to_run(models) == PACK


@pytest.mark.parametrize("models", MODELS)
def test_the_recipes_are_those_that_the_paper_file_lists(models):
    for table in PAPER.tables:
        listed = table.recipes if models == "paper" else table.bundled
        if table.id != "pairs":  # which pairs fit is read off the models
            assert {recipe for recipe, _ in MAPPING.places(table.id, models)} == set(listed), table.id


def test_a_rows_model_is_the_papers():
    """A row that begins with a model's name, or ends with it behind an arrow, is answered by that model."""
    labels = {model.label: model.id for model in PAPER.models.values()}
    checked = 0
    for found in MAPPING.tables:
        for row in found.rows:
            if row.paper is None or found.id == "window":
                continue
            source, _, target = row.row.partition(" → ")
            names = [name for name in labels if (target or source).startswith(name)]
            assert row.paper.model == labels[names[0]]
            assert row.paper.source in (labels.get(source), "") or "own direction" in row.row
            checked += 1
    assert checked == 50


@pytest.mark.parametrize("models", MODELS)
def test_every_run_is_one_model_of_a_shipped_recipe(models, registry):
    runs = {run for table in PACK for run in MAPPING.places(table, models)}
    assert len({folder_of(*run) for run in runs}) == len(runs)
    for name, model in runs:
        path = registry.recipes[name]
        recipe = load_recipe(path, registry, changes_for(path.read_text("utf-8"), model))
        assert {setting.model.id for setting in recipe.settings} == {model}


@pytest.mark.parametrize("models", MODELS)
def test_a_multiplier_that_is_asked_for_is_tried(models, registry):
    for found in MAPPING.tables:
        for cell in next(table.cells for table in PAPER.tables if table.id == found.id):
            answer = MAPPING.find(found.id, cell, models)
            if isinstance(answer, str):
                continue
            place, column = answer
            wanted = place.multiplier or column.multiplier
            if wanted is not None:
                recipe = load_recipe(registry.recipes[place.recipe_of(column)], registry)
                assert wanted in [setting.site.multiplier for setting in recipe.settings]


def test_one_model_is_kept_of_a_grid_of_models(says):
    text = '[run]\nname = "r"\n[model]\nid = "a"\n[grid]\nmodel = [{ id = "a", dtype = "float16" }, { id = "b" }]\n'
    assert changes_for(text, "a") == ('grid.model=[{id = "a", dtype = "float16"}]',)
    assert changes_for('[run]\nname = "r"\n[model]\nid = "a"\n', "a") == ()
    with pytest.raises(SteerkitError) as caught:
        changes_for(text, "c")
    says(caught)


def test_every_claim_has_a_test_and_a_source():
    assert {claim.test for claim in MAPPING.claims} == set(TESTS)
    assert {claim.table for claim in MAPPING.claims} == set(PACK)
    for claim in MAPPING.claims:
        assert claim.source
        if claim.test == "falls":
            assert len(claim.scores) == len(claim.about)
        if claim.test == "steerable":
            assert len(claim.pattern) == len(claim.about)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '{ row = "Qwen 7B", paper',
            '{ row = "Qwen 8B", paper',
            "table 'unsteered' has no row 'Qwen 8B'",
        ),
        ('column = "best layer"', 'column = "layer"', "table 'architecture' has no column 'layer'"),
        (
            '{ column = "best layer", quantity = "layer" }',
            '{ column = "best layer" }',
            "column 'best layer' of 'architecture' needs a quantity or a reason",
        ),
        (
            'reason = "a fact of the models, and no result"',
            "",
            "cell 'models.qwen-3b.family' has no answer on the bundled models, and no reason",
        ),
        (
            'about = ["window.25x.garbled"',
            'about = ["window.30x.garbled"',
            "claim 'try.window-garbled' is about 'window.30x.garbled', which is not there",
        ),
        ('id = "models"', 'id = "modells"', "table 'modells' is not in both files"),
        ("schema_version = 1", "schema_version = ", "Invalid value (at line 9, column 18)"),
        ("least = 0.9\n", "leats = 0.9\n", "extra fields found (leats) @ $.claims[18]"),
    ],
)
def test_what_is_wrong_is_named(old, new, message):
    text = DATA.read_text("utf-8")
    assert old in text
    with pytest.raises(SteerkitError) as caught:
        load_mapping(PAPER, text.replace(old, new, 1))
    assert message in str(caught.value)


def test_the_guide_has_the_rule():
    guide = " ".join(GUIDE.read_text("utf-8").split())
    for rule in (*MAPPING.rules, MAPPING.stand_in):
        assert rule in guide


def test_the_file_is_toml_of_known_tables():
    assert list(tomllib.loads(DATA.read_text("utf-8"))) == [
        "schema_version", "rules", "stand_in", "tables", "claims",
    ]  # fmt: skip


def test_a_rate_is_a_share_whether_or_not_it_has_an_answer():
    cell = PAPER.cells["tooling.steer.qwen-3b.hooks"]
    assert MAPPING.find("tooling", cell, "paper").startswith("no recipe")
    assert printed_figure(PAPER, cell, MAPPING.column("tooling", cell).quantity).value == 0.5
